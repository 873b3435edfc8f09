//! What the example set out to show, and whether this replay showed it.

use std::time::Duration;

use crate::mix::Route;
use crate::record::Fate;
use crate::run::Run;
use crate::table::recovery;
use crate::timeline::Phase;

const RECOVERY: Duration = Duration::from_secs(1);

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
    let mut goals = Vec::from(useful(run));
    goals.extend(current(run));
    goals.extend(refused(run));
    goals.push(goal(
        run,
        "goodput in the surge ≥ 90 % of sustained",
        format!("{:.0} %", run.goodput()),
        run.goodput() >= 90.0,
    ));
    goals.push(goal(
        run,
        "back to normal, without copies, within 1 s",
        recovery(run),
        run.recovered.is_some_and(|time| time <= RECOVERY),
    ));
    goals.push(exact_ledger(run));
    goals
}

/// Who gets an answer, in whatever age.
fn useful(run: &Run) -> [Goal; 5] {
    let of = |wanted, routes: fn(Route) -> bool, least: f64| {
        at_least(run, wanted, run.record.success(Phase::Surge, routes), least)
    };
    [
        of("useful answers to all in the surge ≥ 95 %", |_| true, 95.0),
        of("… to checkouts (critical) ≥ 99.5 %", |route| route == Route::Checkout, 99.5),
        of("… to product pages ≥ 99 %", |route| route == Route::Product, 99.0),
        of("… to searches ≥ 95 %", |route| route == Route::Search, 95.0),
        of("… to pages without a database 100 %", |route| !route.needs_database(), 100.0),
    ]
}

/// Who gets one that is no copy.
fn current(run: &Run) -> [Goal; 2] {
    let of = |wanted, routes: fn(Route) -> bool, least: f64| {
        at_least(run, wanted, run.record.share(Phase::Surge, routes, Fate::is_current), least)
    };
    [
        of("no copies to all in the surge ≥ 75 %", |_| true, 75.0),
        of("… to searches ≥ 20 %", |route| route == Route::Search, 20.0),
    ]
}

/// Who gets none.
fn refused(run: &Run) -> [Goal; 2] {
    let others = run.record.refused(Phase::Surge, |route| !route.gives_way());
    let in_spite = run.record.refused_in_spite_of_a_copy();
    [
        goal(
            run,
            "refused in the end are only the sheddable and the bulk",
            format!("{others} others"),
            others == 0,
        ),
        goal(
            run,
            "and no search that somebody had an answer to",
            format!("{in_spite} searches"),
            in_spite == 0,
        ),
    ]
}

fn at_least(run: &Run, wanted: &'static str, share: f64, least: f64) -> Goal {
    goal(run, wanted, format!("{share:.1} %"), share >= least)
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
