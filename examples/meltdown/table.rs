//! The figures of all runs side by side, once for terminal and report alike.

use std::collections::BTreeSet;
use std::time::Duration;

use comfy_table::presets::UTF8_FULL_CONDENSED;
use comfy_table::{Attribute, Cell, CellAlignment, Table};

use crate::mix::Route;
use crate::record::Answer;
use crate::run::Run;
use crate::timeline::Phase;

/// Rows that belong together.
#[derive(Debug)]
pub(crate) struct Section {
    pub(crate) title: &'static str,
    /// A label and one figure per run.
    pub(crate) rows: Vec<(String, Vec<String>)>,
}

/// Everything there is to compare.
pub(crate) fn sections(runs: &[Run]) -> Vec<Section> {
    vec![
        surge_success(runs),
        phase_success(runs),
        latencies(runs),
        answers(runs),
        database(runs),
        ledger(runs),
    ]
}

/// The sections as a table for a terminal.
pub(crate) fn render(sections: &[Section], runs: &[Run]) -> String {
    let mut table = Table::new();
    table.load_preset(UTF8_FULL_CONDENSED);
    for section in sections {
        let mut heading = vec![Cell::new(section.title).add_attribute(Attribute::Bold)];
        heading.extend(runs.iter().map(|run| {
            Cell::new(run.name).add_attribute(Attribute::Bold).set_alignment(CellAlignment::Right)
        }));
        table.add_row(heading);
        for (label, figures) in &section.rows {
            let mut row = vec![Cell::new(format!("  {label}"))];
            row.extend(
                figures.iter().map(|figure| Cell::new(figure).set_alignment(CellAlignment::Right)),
            );
            table.add_row(row);
        }
    }
    table.to_string()
}

fn row(
    label: impl Into<String>,
    runs: &[Run],
    figure: impl Fn(&Run) -> String,
) -> (String, Vec<String>) {
    (label.into(), runs.iter().map(figure).collect())
}

fn surge_success(runs: &[Run]) -> Section {
    let mut rows: Vec<_> = Route::ALL
        .into_iter()
        .map(|route| {
            let label = format!("{} ({})", route.name(), route.priority());
            row(label, runs, |run| format!("{:.1} %", run.surge_success(route)))
        })
        .collect();
    rows.push(row("all that need the database", runs, |run| {
        let success = run.record.success(Phase::Surge, Route::needs_database);
        format!("{success:.1} %")
    }));
    Section { title: "Success in the surge", rows }
}

fn phase_success(runs: &[Run]) -> Section {
    let rows = Phase::ALL
        .into_iter()
        .map(|phase| {
            row(phase.name(), runs, |run| format!("{:.1} %", run.record.success(phase, |_| true)))
        })
        .collect();
    Section { title: "Success of all requests", rows }
}

fn latencies(runs: &[Run]) -> Section {
    let mut rows: Vec<_> = Route::ALL
        .into_iter()
        .map(|route| {
            row(route.name(), runs, |run| {
                let at = |quantile| milliseconds(run.record.latency(Phase::Surge, route, quantile));
                format!("{} / {}", at(0.5), at(0.99))
            })
        })
        .collect();
    rows.push(row("(customers sent late by)", runs, |run| {
        let at = |quantile| milliseconds(run.record.lag(quantile));
        format!("{} / {}", at(0.5), at(0.99))
    }));
    Section { title: "Latency of successes in the surge, p50 / p99", rows }
}

fn answers(runs: &[Run]) -> Section {
    let counts: Vec<_> = runs.iter().map(|run| run.record.answers(|_| true)).collect();
    let mut kinds: BTreeSet<Answer> =
        counts.iter().flat_map(|count| count.keys().copied()).collect();
    kinds.extend([Answer::Timeout, Answer::NoConnection]);
    let rows = kinds
        .into_iter()
        .map(|kind| {
            let figures =
                counts.iter().map(|count| count.get(&kind).copied().unwrap_or(0).to_string());
            (kind.to_string(), figures.collect())
        })
        .collect();
    Section { title: "Answers to attempts, retries included", rows }
}

fn database(runs: &[Run]) -> Section {
    Section {
        title: "Database",
        rows: vec![
            row("goodput in the surge, of sustained", runs, |run| {
                format!("{:.0} %", run.goodput())
            }),
            row("back to normal after the surge", runs, recovery),
            row("needed a restart to get its connections back", runs, |run| {
                if run.restarted { "yes" } else { "no" }.to_owned()
            }),
        ],
    }
}

fn ledger(runs: &[Run]) -> Section {
    Section {
        title: "Ledger of the checkouts",
        rows: vec![
            row("acknowledged in time", runs, |run| run.ledger.acknowledged.to_string()),
            row("learned later", runs, |run| run.ledger.learned.to_string()),
            row("orders in the table", runs, |run| run.ledger.rows.to_string()),
            row("stock sold", runs, |run| run.ledger.sold.to_string()),
            row("lost", runs, |run| run.ledger.lost.to_string()),
            row("doubled", runs, |run| run.ledger.doubled.to_string()),
            row("still unknown", runs, |run| run.ledger.unknown.to_string()),
        ],
    }
}

/// The time to recover, or that there was none.
pub(crate) fn recovery(run: &Run) -> String {
    match run.recovered {
        Some(time) => format!("{:.2} s", time.as_secs_f64()),
        None => format!("not within {} s", run.record.timeline.recovery.as_secs()),
    }
}

fn milliseconds(latency: Option<Duration>) -> String {
    latency.map_or("–".to_owned(), |latency| format!("{:.0} ms", latency.as_secs_f64() * 1e3))
}
