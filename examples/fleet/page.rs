//! The figures of all runs side by side, for a terminal and for the documentation.

use std::fmt::Write;

use comfy_table::{Attribute, Cell, CellAlignment, ContentArrangement, Table, presets};

use crate::{
    args::Args,
    findings::{Figure, Findings},
    member::HOT,
    trial::{AT_EASE, OVERLOAD, Trial},
};

pub(crate) fn table(columns: &[Findings]) -> String {
    let mut table = Table::new();
    table.load_preset(presets::UTF8_FULL_CONDENSED);
    table.set_content_arrangement(ContentArrangement::Disabled);
    let names = columns.iter().map(|column| column.trial.name);
    table.add_row(
        ["one quota"]
            .into_iter()
            .chain(names)
            .map(|name| Cell::new(name).add_attribute(Attribute::Bold)),
    );
    for (what, cells) in rows(columns) {
        let cells =
            cells.into_iter().map(|cell| Cell::new(cell).set_alignment(CellAlignment::Right));
        table.add_row([Cell::new(what)].into_iter().chain(cells));
    }
    table.to_string()
}

pub(crate) fn markdown(args: &Args, columns: &[Findings]) -> String {
    let names: Vec<_> = columns.iter().map(|column| column.trial.name).collect();
    let mut page = format!("{}\n| | {} |\n|---|", head(args), names.join(" | "));
    page += &"---:|".repeat(columns.len());
    page.push('\n');
    for (what, cells) in rows(columns) {
        let _ = writeln!(page, "| {what} | {} |", cells.join(" | "));
    }
    page
}

fn head(args: &Args) -> String {
    let Args { processes, rate, lease, .. } = args;
    let seconds: Vec<_> = Trial::all(args).map(|trial| trial.terms.seconds).into();
    format!(
        "# One quota for a fleet

{processes} processes and one throw-away Redis on loopback. {HOT} hot clients want {OVERLOAD} times their quota of
{rate} cells a second (burst {}), at all processes alike; one request in twenty comes of one of
500 clients that seldom come. What stands here is printed by `cargo run --release --example
fleet`; `--markdown` writes it.

- *strict* ({} s): a request asks Redis, unless the last answer for its key tells that it would
  be refused.
- *leased* ({} s): a process asks for up to {lease} cells of a hot key at once and holds them.
- *at ease* ({} s): leased, and they want {AT_EASE} times their quota.
- *killed* ({} s): strict, and Redis is killed after a third of the time and started again,
  empty, at half-time. As long as it does not answer, each process has its share of the quota.
- *frozen* ({} s): the same, but it stands still (SIGSTOP) and goes on with what it knew.

The quota is burst + rate × time. Beyond it may come, in all, a hundredth, and what the
processes hold by lease (and no more may be missing, where there is no outage and they want
more). In an outage there may come, beside, one burst of the processes' own buckets, one of the
new Redis, and the rate for the three seconds in which asking ramps up, when both give. That is
so where answers come in time: on a machine that is too busy for 5 ms, both give all the while.

A check is what a request waits for its decision. It has 1 s of patience in the first three
runs, so that what is counted is the quota of all however busy the machine is, and in the
outages the usual 5 ms: there the goal is that none hangs. ✓ is a goal that is met.
",
        rate / 10,
        seconds[0],
        seconds[1],
        seconds[2],
        seconds[3],
        seconds[4],
    )
}

/// Every label with a figure for each run.
fn rows(columns: &[Findings]) -> Vec<(&'static str, Vec<String>)> {
    let columns: Vec<_> = columns.iter().map(Findings::figures).collect();
    let labels = columns.first().into_iter().flatten().map(|figure| figure.what);
    let row = |n: usize| columns.iter().map(|figures| cell(&figures[n])).collect();
    labels.enumerate().map(|(n, label)| (label, row(n))).collect()
}

fn cell(figure: &Figure) -> String {
    match figure.met {
        Some(true) => format!("{} ✓", figure.shown),
        Some(false) => format!("{} missed", figure.shown),
        None => figure.shown.clone(),
    }
}
