//! The figures of all runs side by side, once for terminal and report alike.

use std::collections::BTreeSet;
use std::time::Duration;

use comfy_table::presets::UTF8_FULL_CONDENSED;
use comfy_table::{Attribute, Cell, CellAlignment, Table};

use crate::mix::Route;
use crate::record::{Answer, Fate};
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
        fates(runs),
        refusals(runs),
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
    for (label, routes) in SUMS {
        rows.push(row(label, runs, |run| {
            format!("{:.1} %", run.record.success(Phase::Surge, routes))
        }));
    }
    Section { title: "Useful answers in the surge", rows }
}

/// What the sums are over.
const SUMS: [(&str, Routes); 2] =
    [("all that need the database", Route::needs_database), ("all", |_| true)];

/// Whether a route is one of those.
type Routes = fn(Route) -> bool;

fn fates(runs: &[Run]) -> Section {
    let shares = |run: &Run, routes: &dyn Fn(Route) -> bool| {
        let share = |fate| run.record.share(Phase::Surge, routes, |own| own == fate);
        Fate::ALL.map(|fate| format!("{:.1}", share(fate))).join(" / ")
    };
    let mut rows: Vec<_> = Route::ALL
        .into_iter()
        .map(|route| row(route.name(), runs, |run| shares(run, &|asked| asked == route)))
        .collect();
    rows.extend(SUMS.map(|(label, routes)| row(label, runs, |run| shares(run, &routes))));
    rows.push(row("product pages with all their parts", runs, |run| {
        format!("{:.1} %", run.record.whole(Phase::Surge))
    }));
    Section { title: "… fresh / shared / a copy; refused / failed, %", rows }
}

fn refusals(runs: &[Run]) -> Section {
    let of = |run: &Run, priority: &str| {
        let routes = |route: Route| route.priority() == priority;
        let attempts = run.record.refused_attempts(Phase::Surge, routes);
        format!("{attempts} / {}", run.record.refused(Phase::Surge, routes))
    };
    let mut rows: Vec<_> = PRIORITIES
        .into_iter()
        .map(|priority| row(priority, runs, |run| of(run, priority)))
        .collect();
    rows.push(row("searches, though there was a copy", runs, |run| {
        run.record.refused_in_spite_of_a_copy().to_string()
    }));
    Section { title: "Refused in the surge: attempts / requests in the end", rows }
}

const PRIORITIES: [&str; 5] = ["critical", "normal", "sheddable", "bulk", "no database"];

fn phase_success(runs: &[Run]) -> Section {
    let rows = Phase::ALL
        .into_iter()
        .map(|phase| {
            row(phase.name(), runs, |run| format!("{:.1} %", run.record.success(phase, |_| true)))
        })
        .collect();
    Section { title: "Useful answers to all requests", rows }
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
    Section { title: "Latency of useful answers in the surge, p50 / p99", rows }
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
            row("busy in the surge, of the time", runs, |run| format!("{:.0} %", run.busy())),
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
