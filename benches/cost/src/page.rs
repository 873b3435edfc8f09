//! All figures as a page in Markdown.

use std::fmt::Write;

use brownout_cost::{
    cases::{Area, GOALS, Goal, Most, What, Whose},
    contend,
};

use crate::{
    baseline,
    count::{Count, Counts},
    machine::machine,
    row::{Row, rows},
    timed::Times,
};

pub fn page(counts: &Counts, times: &Times) -> Result<String, String> {
    let rows = rows(counts, times)?;
    let mut page = format!("{HEAD}\n{}\n", machine(&baseline::compiler()?));
    for (area, title) in AREAS {
        let rows: Vec<_> = rows.iter().filter(|row| row.case.area == area).copied().collect();
        write!(page, "\n## {title}\n\n{}", table(&rows)).expect("a string takes all");
    }
    Ok(page + &contention(times) + &goals(&rows))
}

fn table(rows: &[Row]) -> String {
    let head = "| a call of | ns | × bare | ÷ best peer | instructions | ÷ best peer \
                | of the heap | locked | looks at the clock |\n|---|---|---|---|---|---|---|---|---|\n";
    rows.iter().fold(head.to_owned(), |text, row| text + &line(row, rows))
}

fn line(row: &Row, rows: &[Row]) -> String {
    let Count { heap, locked, clock, .. } = row.count;
    let ratio = |what| {
        let alike = |other: &&Row| other.is_peer() && other.has_service() == row.has_service();
        let peers = rows.iter().filter(alike).map(|peer| peer.what(what));
        let best = peers.min_by(f64::total_cmp).filter(|best| !row.is_peer() && *best > 0.0);
        best.map_or(String::new(), |best| format!("{:.2}", row.what(what) / best))
    };
    let bare = Some(row.time / row.bare.1).filter(|_| row.has_service());
    let bare = bare.map_or(String::new(), |times| format!("{times:.1}"));
    let name = named(row.case.whose, row.case.name);
    let (time, instructions) = (row.time(), row.instructions());
    let (times, fewer) = (ratio(What::Time), ratio(What::Instructions));
    format!(
        "| {name} | {time:.0} | {bare} | {times} | {instructions:.0} | {fewer} \
         | {heap:.3} | {locked:.1} | {clock:.1} |\n"
    )
}

fn named(whose: Whose, name: &str) -> String {
    if whose == Whose::Peers { format!("*{name}*") } else { name.to_owned() }
}

fn contention(times: &Times) -> String {
    let mut text = format!("\n{CONTENTION}\n");
    for contended in contend::all() {
        let [one, two] = times.workers.each_ref().map(|times| times.get(contended.name));
        let (Some(one), Some(two)) = (one, two) else { continue };
        let (name, more) = (named(contended.whose, contended.name), one / two);
        let goal = if contended.whose == Whose::Ours { met(more >= TWO_WORKERS) } else { "" };
        writeln!(text, "| {name} | {one:.0} | {two:.0} | {more:.2} | {goal} |")
            .expect("a string takes all");
    }
    text
}

fn goals(rows: &[Row]) -> String {
    let of = |name| rows.iter().find(|row| row.case.name == name);
    let judged = |goal: &Goal| {
        let Goal { case, what, most } = *goal;
        let is = of(case)?.what(what);
        let (most, because) = match most {
            Most::Of(most) => (most, String::new()),
            Most::Beyond(other, most) => (of(other)?.what(what) + most, format!(", as {other}")),
        };
        let (met, what) = (met(is <= most), said(what));
        Some(format!("| {case} | {what} | {most:.0}{because} | {} | {met} |\n", figure(is)))
    };
    format!("\n{GOALS_HEAD}\n") + &GOALS.iter().filter_map(judged).collect::<String>()
}

fn met(is: bool) -> &'static str {
    if is { "met" } else { "**missed**" }
}

fn figure(value: f64) -> String {
    if value < 1.0 { format!("{value:.3}") } else { format!("{value:.0}") }
}

fn said(what: What) -> &'static str {
    match what {
        What::Time => "ns above the bare one",
        What::Instructions => "instructions above the bare one",
        What::AllInstructions => "instructions in all",
        What::Locked => "locked operations",
        What::Heap => "taken of the heap",
    }
}

const AREAS: [(Area, &str); 12] = [
    (Area::Nothing, "Bare"),
    (Area::Concurrency, "A concurrency limit"),
    (Area::Breaker, "A circuit breaker"),
    (Area::Rate, "A rate limit"),
    (Area::RatePerKey, "A rate limit per key"),
    (Area::Together, "All together"),
    (Area::Decision, "Refused: the decision alone"),
    (Area::RefusedWithError, "Refused with an error"),
    (Area::Refusal, "Refused with a response"),
    (Area::Recording, "Telling the handle of a database"),
    (Area::Clones, "A clone for each call"),
    (Area::Features, "Being watched"),
];

const HEAD: &str = "\
# What a call costs

Made by `cargo run --release --manifest-path benches/cost/Cargo.toml -- --write docs/cost.md`.

Figures are above those of the same call without the layer: of a bare service that answers at
once; in all where a request is refused, or a decision or a query is called alone. One thread, and
nobody waits. *Other crates* are called in the same run, each as its documentation sets it up; ÷
divides by the best of them that does the same, as a service or alone.

* Instructions, what is taken of the heap (times a call), locked operations of the program itself
  and looks at the clock are counted, by callgrind, over 10 000 calls in a second of a virtual
  clock: the same each time. Thousandths of the heap are the signals, ten a second.
  A look at the clock counts for few instructions here, and takes longer than as many others.
* Times are of this one run, on a machine that others use: the least of forty rounds, in
  which all take part. They vary by a third; compare them with each other.
";

const CONTENTION: &str = "\
## Two workers against one

64 tasks call the same gate, and give way to each other after every 16 calls.

| a call of | ns, one worker | ns, two | times as many calls | at least 1.3 |
|---|---|---|---|---|";

/// Times as many calls as one.
const TWO_WORKERS: f64 = 1.3;

const GOALS_HEAD: &str = "\
## Goals

| a call of | what | at most | is | |
|---|---|---|---|---|";
