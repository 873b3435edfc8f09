//! What became of the shop, as figures with their goals.

use std::collections::BTreeMap;
use std::time::Duration;

use super::errand::Route;
use super::fault::Fault;
use super::load;
use super::peak::{BUCKET, peak};
use super::protection::Guard;
use super::record::Record;
use super::watching::ledger::Ledger;
use super::watching::recovery::time_to_recover;

/// Everything that one run showed.
#[derive(Debug)]
pub(crate) struct Findings {
    pub(crate) fault: Fault,
    pub(crate) guarded: bool,
    pub(crate) record: Record,
    /// From the beginning of the fault to the first circuit that opened.
    pub(crate) opened: Option<Duration>,
    /// How many of which priority were refused during the fault, and why.
    pub(crate) refusals: BTreeMap<String, usize>,
    /// When requests began with the database, from the start of the run.
    pub(crate) starts: Vec<Duration>,
    /// The guard just before the fault, just after it, and when all customers have left.
    pub(crate) guards: [Guard; 3],
    pub(crate) panics: usize,
    pub(crate) ledger: Ledger,
}

/// One figure and what it should be.
#[derive(Debug)]
pub(crate) struct Figure {
    pub(crate) what: &'static str,
    pub(crate) shown: String,
    pub(crate) verdict: Verdict,
}

/// Whether a figure is what it should be.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Verdict {
    Met,
    Missed,
    /// A promise, which a slow machine is no excuse for, and it does not hold.
    Broken,
    /// Nothing was promised.
    Plain,
}

impl Findings {
    /// All figures, the same for every fault.
    pub(crate) fn figures(&self) -> Vec<Figure> {
        let mut figures = self.successes();
        figures.extend([
            self.circuit(),
            self.books(),
            self.recovery(),
            self.ramp(),
            self.limits(),
            self.leaks(),
            promise("panics", self.panics.to_string(), self.panics == 0),
            plain("customers sent late by (p99)", millis(load::lag(&self.record.exchanges))),
        ]);
        figures
    }

    /// The promises that do not hold.
    pub(crate) fn broken(&self) -> Vec<Figure> {
        let figures = self.figures().into_iter();
        figures.filter(|figure| figure.verdict == Verdict::Broken).collect()
    }

    /// What those who needed the database during the fault were told, and how often.
    pub(crate) fn answers(&self) -> String {
        let answers = self.record.answers(&self.record.fault, Route::needs_database);
        let answers = answers.into_iter().map(|(answer, count)| format!("{answer}: {count}"));
        let refusals = self.refusals.iter().map(|(what, count)| format!("{what}: {count}"));
        answers.chain(refusals).collect::<Vec<_>>().join(", ")
    }

    /// Per cent of the requests to `routes` arriving during the fault that succeeded.
    fn success(&self, routes: impl Fn(Route) -> bool) -> f64 {
        self.record.success(&self.record.fault, routes)
    }

    fn successes(&self) -> Vec<Figure> {
        let whole = Duration::ZERO..self.record.end;
        let pages = self.record.success(&whole, |route| !route.needs_database());
        let before = Duration::ZERO..self.record.fault.start;
        let before = self.record.success(&before, Route::needs_database);
        let of = |wanted| self.success(move |route| route == wanted);
        let checkouts = of(Route::Checkout);
        let spared = self.guarded && self.fault.spares_checkouts();
        let products = of(Route::Product);
        let shown = self.guarded && self.fault.spares_products();
        vec![
            plain("the fault lasted", seconds(self.record.fault.end - self.record.fault.start)),
            promise("pages without a database, 100 %", share(pages), pages >= 100.0),
            goal("checkout in the fault, ≥ 99 %", share(checkouts), spared, checkouts >= 99.0),
            goal("products in the fault, ≥ 99 %", share(products), shown, products >= 99.0),
            plain("searches in the fault", share(of(Route::Search))),
            plain("all that need the database, before it", share(before)),
        ]
    }

    fn circuit(&self) -> Figure {
        let shown = self.opened.map_or("never".to_owned(), seconds);
        let in_time = self.opened.is_some_and(|after| after <= OPENS_WITHIN);
        let wanted = self.guarded && self.fault.is_total();
        goal("a circuit opened after, ≤ 2 s", shown, wanted, in_time)
    }

    fn books(&self) -> Figure {
        let Ledger { acknowledged, lost, doubled, rows, learned, unknown, .. } = self.ledger;
        let exact = self.ledger.is_exact();
        let mut shown = format!("{lost} / {doubled} of {acknowledged}");
        if !exact {
            shown += &format!(" ({rows} rows, {learned} learned of, {unknown} unknown)");
        }
        promise("checkouts lost / doubled, of acknowledged", shown, exact)
    }

    fn recovery(&self) -> Figure {
        let back = time_to_recover(self.record.after_the_fault(), self.record.observed());
        let shown = back.map_or("never".to_owned(), seconds);
        let in_time = back.is_some_and(|after| after <= BACK_WITHIN);
        goal("back to ≥ 99 % after the end, ≤ 3 s", shown, self.guarded, in_time)
    }

    /// Twice the usual and what may be in flight at once is no stampede.
    fn ramp(&self) -> Figure {
        let usual = self.usual_starts();
        let most = (2.0 * usual + self.guards[0].limit as f64).ceil();
        let peak = peak(&self.starts, self.record.fault.end);
        let what = "begun in 100 ms after it, ≤ 2 × usual + limit";
        let shown = format!("{peak} of {most}");
        goal(what, shown, self.guarded, peak as f64 <= most)
    }

    fn limits(&self) -> Figure {
        let [before, after, _] = self.guards;
        plain("limit before and just after it", format!("{} / {}", before.limit, after.limit))
    }

    /// Permits that nobody has and places in which nobody waits.
    fn leaks(&self) -> Figure {
        let leaked = self.leaked();
        promise("permits leaked", leaked.to_string(), leaked == 0)
    }

    pub(crate) fn leaked(&self) -> usize {
        let [_, _, last] = self.guards;
        last.in_flight + last.waiting
    }

    /// Requests that begin with the database in a bucket before the fault, on average.
    fn usual_starts(&self) -> f64 {
        let before = self.record.fault.start;
        let count = self.starts.iter().filter(|at| **at < before).count();
        count as f64 * BUCKET.as_secs_f64() / before.as_secs_f64()
    }
}

fn plain(what: &'static str, shown: String) -> Figure {
    Figure { what, shown, verdict: Verdict::Plain }
}

fn promise(what: &'static str, shown: String, holds: bool) -> Figure {
    let verdict = if holds { Verdict::Met } else { Verdict::Broken };
    Figure { what, shown, verdict }
}

/// A figure that is only shown where it is not `wanted`.
fn goal(what: &'static str, shown: String, wanted: bool, met: bool) -> Figure {
    let verdict = match (wanted, met) {
        (false, _) => Verdict::Plain,
        (true, true) => Verdict::Met,
        (true, false) => Verdict::Missed,
    };
    Figure { what, shown, verdict }
}

fn share(per_cent: f64) -> String {
    format!("{per_cent:.1} %")
}

fn seconds(time: Duration) -> String {
    format!("{:.2} s", time.as_secs_f64())
}

fn millis(time: Duration) -> String {
    format!("{:.0} ms", time.as_secs_f64() * 1e3)
}

const OPENS_WITHIN: Duration = Duration::from_secs(2);
const BACK_WITHIN: Duration = Duration::from_secs(3);
