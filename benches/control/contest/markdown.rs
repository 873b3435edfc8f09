//! Scores and goals as a page.

use std::fmt::Write;

use super::{
    goals::Goal,
    plots::Plot,
    score::{Score, Scores},
    table::worst,
};

/// The page that `control.md` holds.
pub(crate) fn page(all: &[Scores], goals: &[Goal], plots: &[Plot]) -> String {
    let mut page = String::from(HEAD);
    page += &summary(all);
    page += &goals_met(goals);
    for Plot { title, file } in plots {
        let _ = writeln!(page, "\n![{title}]({file})");
    }
    page += "\n## Every scenario\n";
    for scores in all {
        page += &table(scores);
    }
    page
}

fn summary(all: &[Scores]) -> String {
    let mut text = String::from(
        "\n## The worst of all scenarios\n\n| | useful work | weighted success |\n|---|---:|---:|\n",
    );
    for (name, work, weighted) in worst(all) {
        let _ = writeln!(text, "| {name} | {work:.1} | {weighted:.1} |");
    }
    text
}

fn goals_met(goals: &[Goal]) -> String {
    let mut text = String::from("\n## Goals\n\n| goal | measured | |\n|---|---|---|\n");
    for Goal { what, measured, met } in goals {
        let met = if *met { "met" } else { "**missed**" };
        let _ = writeln!(text, "| {what} | {measured} | {met} |");
    }
    text
}

fn table(scores: &Scores) -> String {
    let mut text = format!("\n### {}\n\n{COLUMNS}", scores.title());
    for row in &scores.rows {
        text += &line(row.name, &row.score, scores);
    }
    text + &line("*ideal*", &scores.ideal, scores)
}

fn line(name: &str, score: &Score, scores: &Scores) -> String {
    let Score { work, weighted, success, free, refused, p99, fairness, reached } = score;
    let [critical, normal, sheddable] = success;
    let reached = match scores.look.timed {
        true if reached.is_finite() => format!("{reached:.1} s"),
        true => "never".into(),
        false => "".into(),
    };
    format!(
        "| {name} | {work:.1} | {weighted:.1} | {critical:.1} | {normal:.1} | {sheddable:.1} \
         | {free:.1} | {refused:.1} | {p99:.1} | {fairness:.2} | {reached} |\n"
    )
}

const HEAD: &str = "# Every limit through the same storms

A model in virtual time: customers who wait a second and try twice again, a pool, and a
database whose throughput peaks at a knee. What stands here is printed by
`cargo bench --features simulate --bench control` or, with other crates in it, by
`cargo run --release --manifest-path benches/peers/Cargo.toml`; `--write` writes it.

- *Useful work* is the database's work for answers in time, in per cent of the ideal's: the
  best fixed limit for the phase, with strict priorities, on one instance.
- *Weighted* is the share of customers who got an answer, a critical one counting 8, a normal
  3, a sheddable 1, in per cent of the ideal's. Then the same by priority, in per cent.
- *No database* is the success of requests that need none, *refused* the share of first
  attempts that were refused, both in per cent.
- *p99* is in multiples of the latency without load, *fair* is Jain's index of the instances,
  *85 %* the time until 85 % of the ideal's work was done and stayed.
- Three seeds; the worst counts, for each figure.
";

const COLUMNS: &str = "| | work | weighted | critical | normal | sheddable | no database | \
refused | p99 | fair | 85 % |\n|---|---:|---:|---:|---:|---:|---:|---:|---:|---:|---:|\n";
