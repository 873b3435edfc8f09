//! The counts as text.

use crate::count::{Count, Counts};

pub fn of(counts: &Counts) -> String {
    let head = format!("{HEAD}\n");
    counts.iter().fold(head, |text, (case, count)| text + &line(case.name, count) + "\n")
}

pub fn line(name: &str, count: &Count) -> String {
    let Count { instructions, heap, locked, clock } = count;
    format!("{instructions:12.1} {heap:8.4} {locked:8.2} {clock:8.2}  {name}")
}

/// What a [`line`] says.
pub fn read(line: &str) -> Option<(&str, Count)> {
    let (numbers, name) = line.split_at_checked(NAME)?;
    let numbers: Result<Vec<f64>, _> = numbers.split_whitespace().map(str::parse).collect();
    let [instructions, heap, locked, clock] = numbers.ok()?[..] else { return None };
    Some((name, Count { instructions, heap, locked, clock }))
}

/// Where the name begins.
const NAME: usize = 12 + 3 * 9 + 2;

pub const HEAD: &str = "instructions     heap   locked    clock  a call of";
