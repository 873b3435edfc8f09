//! What the example set out to show, and whether this replay showed it.

use std::time::Duration;

use crate::mix::Route;
use crate::run::Run;
use crate::table::recovery;
use crate::timeline::Phase;

const RECOVERY: Duration = Duration::from_secs(2);

/// One goal with its figure.
#[derive(Debug)]
pub(crate) struct Goal {
    pub(crate) run: &'static str,
    pub(crate) wanted: &'static str,
    pub(crate) measured: String,
    pub(crate) met: bool,
}

/// The goals of every run.
pub(crate) fn goals(runs: &[Run]) -> Vec<Goal> {
    runs.iter()
        .flat_map(|run| if run.guarded { protected(run) } else { unprotected(run) })
        .collect()
}

/// The invariants that a slow machine is no excuse for; one sentence for each
/// that is broken.
pub(crate) fn broken_invariants(runs: &[Run]) -> Vec<String> {
    let mut broken = Vec::new();
    for run in runs {
        let ledger = &run.ledger;
        if !ledger.is_exact() {
            broken.push(format!("{}: the ledger does not add up: {ledger:?}", run.name));
        }
        let refusals = run.needless_refusals();
        if run.guarded && refusals > 0 {
            broken
                .push(format!("{}: {refusals} refusals of routes that need no database", run.name));
        }
    }
    broken
}

fn unprotected(run: &Run) -> Vec<Goal> {
    let failed = 100.0 - run.record.success(Phase::Surge, Route::needs_database);
    vec![
        goal(
            run,
            "most requests to the database fail in the surge (> 50 %)",
            format!("{failed:.1} %"),
            failed > 50.0,
        ),
        exact_ledger(run),
    ]
}

fn protected(run: &Run) -> Vec<Goal> {
    let success = |routes: fn(Route) -> bool| run.record.success(Phase::Surge, routes);
    let checkout = success(|route| route == Route::Checkout);
    let product = success(|route| route == Route::Product);
    let pages = success(|route| !route.needs_database());
    vec![
        goal(run, "checkout in the surge ≥ 99 %", format!("{checkout:.1} %"), checkout >= 99.0),
        goal(run, "product pages in the surge ≥ 95 %", format!("{product:.1} %"), product >= 95.0),
        goal(
            run,
            "goodput in the surge ≥ 90 % of sustained",
            format!("{:.0} %", run.goodput()),
            run.goodput() >= 90.0,
        ),
        goal(run, "pages without a database 100 %", format!("{pages:.1} %"), pages >= 100.0),
        goal(
            run,
            "back to normal within 2 s",
            recovery(run),
            run.recovered.is_some_and(|time| time <= RECOVERY),
        ),
        exact_ledger(run),
    ]
}

fn exact_ledger(run: &Run) -> Goal {
    let ledger = &run.ledger;
    goal(
        run,
        "no checkout lost or doubled, every one accounted for",
        format!("{} lost, {} doubled", ledger.lost, ledger.doubled),
        ledger.is_exact(),
    )
}

fn goal(run: &Run, wanted: &'static str, measured: String, met: bool) -> Goal {
    Goal { run: run.name, wanted, measured, met }
}
