//! What was counted before, to compare with.

use std::{collections::HashMap, fs, path::Path, process::Command};

use brownout_cost::cases::{Area, Case, Whose};

use crate::{
    count::{Count, Counts},
    table,
};

const FILE: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/baseline.txt");

/// Of our own cases, instructions may become a tenth more, and some besides where there are few:
/// what the compiler puts into what goes by all the rest, and moves a case that nobody touched by
/// as much. Of the heap nothing more may be taken.
const SHARE: f64 = 1.1;
const FEW: f64 = 60.0;

pub fn bless(counts: &Counts) -> Result<(), String> {
    let head = format!("{COMPILER}{}\n{}\n", compiler()?, table::HEAD);
    let own = counts.iter().filter(|(case, _)| is_own(case));
    let text = own.fold(head, |text, (case, count)| text + &table::line(case.name, count) + "\n");
    fs::write(FILE, text).map_err(|why| format!("{FILE}: {why}"))
}

/// Compares, and promises that nothing is taken of the heap where nothing may be.
pub fn check(counts: &Counts) -> Result<(), String> {
    let text = fs::read_to_string(Path::new(FILE)).map_err(|why| format!("{FILE}: {why}"))?;
    let before = read(&text);
    let own = || counts.iter().filter(|(case, _)| is_own(case));
    let mut wrong: Vec<_> =
        own().filter_map(|(case, now)| worse(case, before.get(case.name), now)).collect();
    let gone = |name: &&&str| !own().any(|(case, _)| case.name == **name);
    wrong.extend(before.keys().filter(gone).map(|name| format!("{name}: is no case any more")));
    if wrong.is_empty() {
        println!("{} cases cost no more than before", before.len());
        return Ok(());
    }
    wrong.sort();
    let (compiler, then) = (compiler()?, text.lines().next().unwrap_or_default());
    if then.strip_prefix(COMPILER) != Some(&compiler) {
        wrong.push(format!("the baseline is from {then:?}, and this is {compiler:?}"));
    }
    wrong.push(format!("if that is as it should be, --bless writes {FILE}"));
    Err(wrong.join("\n"))
}

/// What is wrong with it, if anything.
fn worse(case: &Case, before: Option<&Count>, now: &Count) -> Option<String> {
    let name = case.name;
    let Some(before) = before else { return Some(format!("{name}: is not in the baseline")) };
    if case.whose == Whose::Ours && now.heap > SIGNALS {
        return Some(format!("{name}: takes of the heap, {} times a call", now.heap));
    }
    let most = before.instructions * SHARE + FEW;
    let worse =
        now.instructions > most || now.heap > before.heap || now.locked > before.locked + 0.1;
    let (before, now) = (table::line("before", before), table::line("now", now));
    worse.then(|| format!("{name} costs more\n{}\n{before}\n{now}", table::HEAD))
}

fn read(text: &str) -> HashMap<&str, Count> {
    text.lines().filter_map(table::read).collect()
}

fn is_own(case: &Case) -> bool {
    case.area != Area::Nothing && matches!(case.whose, Whose::Ours | Whose::OursOnHeap)
}

pub fn compiler() -> Result<String, String> {
    let ran = Command::new("rustc").arg("--version").output();
    let ran = ran.map_err(|why| format!("rustc does not say its version: {why}"))?;
    Ok(String::from_utf8_lossy(&ran.stdout).trim().to_owned())
}

const COMPILER: &str = "by ";
/// Ten times a second, a request finds a signal due and takes it to the gates.
const SIGNALS: f64 = 0.01;

#[cfg(test)]
mod tests {
    use brownout_cost::cases;

    use super::*;

    #[test]
    fn more_than_before_is_told() {
        let case = cases::all().into_iter().find(is_own).expect("there is one");
        let before = Count { instructions: 1_000.0, heap: 0.004, locked: 4.0, clock: 1.0 };
        let is_worse = |now: Count| worse(&case, Some(&before), &now).is_some();
        assert!(!is_worse(Count { instructions: 1_159.0, ..before }));
        assert!(is_worse(Count { instructions: 1_161.0, ..before }));
        assert!(is_worse(Count { heap: 0.005, ..before }));
        assert!(is_worse(Count { locked: 5.0, ..before }));
        assert!(worse(&case, None, &before).is_some(), "a new one has to be blessed");
        let on_heap = Count { heap: 1.0, ..before };
        assert!(worse(&case, Some(&on_heap), &on_heap).is_some(), "blessed or not");
    }

    #[test]
    fn what_is_written_is_read_again() {
        let count = Count { instructions: 1340.9, heap: 0.004, locked: 4.02, clock: 1.0 };
        assert_eq!(
            table::read(&table::line("a limit, of a kind", &count)),
            Some(("a limit, of a kind", count))
        );
        assert_eq!(table::read(table::HEAD), None);
    }
}
