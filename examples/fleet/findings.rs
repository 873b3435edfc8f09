//! The figures of one run, and which of them are goals.

use std::time::Duration;

use hdrhistogram::Histogram;

use crate::{
    ledger::{Checks, Ledger},
    trial::{Outage, Trial},
};

#[derive(Debug)]
pub(crate) struct Findings {
    pub(crate) trial: Trial,
    all: Ledger,
}

/// One line of the table.
pub(crate) struct Figure {
    pub(crate) what: &'static str,
    pub(crate) shown: String,
    /// None: it is no goal.
    pub(crate) met: Option<bool>,
    /// No machine may be so busy that this comes about.
    broken: bool,
}

impl Findings {
    pub(crate) fn new(trial: Trial, all: Ledger) -> Self {
        Self { trial, all }
    }

    pub(crate) fn missed(&self) -> Vec<String> {
        self.told(|figure| figure.met == Some(false))
    }

    /// What not even a busy machine excuses.
    pub(crate) fn broken(&self) -> Vec<String> {
        self.told(|figure| figure.broken)
    }

    fn told(&self, which: impl Fn(&Figure) -> bool) -> Vec<String> {
        let told = self.figures().into_iter().filter(which);
        told.map(|figure| format!("{}: {}: {}", self.trial.name, figure.what, figure.shown))
            .collect()
    }

    pub(crate) fn figures(&self) -> Vec<Figure> {
        let (all, Checks { admitted, refused }) = (&self.all, &self.all.checks);
        let longest = Duration::from_nanos(admitted.max().max(refused.max()));
        let cold = all.cold_admitted + all.cold_refused;
        let requests = all.requests() as f64;
        let (least, most) = self.deviation();
        let (over, bound) = self.over();
        let exact = self.is_exact_where(least, most);
        vec![
            plain("requests", all.requests().to_string()),
            plain(
                "offered of the hot clients, times the quota",
                format!("{:.1}", self.offered() / f64::from(self.trial.terms.quota())),
            ),
            Figure {
                what: "admitted of them, against the quota",
                shown: format!("{} to {}", percent(least), percent(most)),
                met: exact,
                broken: exact == Some(false),
            },
            Figure {
                what: "cells beyond it, and how many may be",
                shown: format!("{over} of {bound}"),
                met: Some(over <= bound),
                // Both quotas hold for as long as answers are late.
                broken: over > bound + self.trial.outage.map_or(0, |_| self.trial.terms.quota()),
            },
            plain("of what they wanted", format!("{:.1} %", self.served() * 100.0)),
            plain("in the worst second, times burst and rate", format!("{:.2}", self.worst())),
            goal(
                "admitted of the cold ones",
                format!("{} of {cold}", all.cold_admitted),
                all.cold_refused == 0,
            ),
            plain("round trips per request", format!("{:.3}", all.asked as f64 / requests)),
            plain("check of the admitted, p50 / p99", quantiles(admitted)),
            plain("check of the refused, p50 / p99", quantiles(refused)),
            Figure {
                what: "the longest",
                shown: time(longest),
                met: Some(longest <= SOON),
                broken: longest > HANGS,
            },
            plain("decided alone", all.alone.to_string()),
            goal("refused by an error", all.failed.to_string(), all.failed == 0),
        ]
    }

    fn of_clients(&self) -> impl Iterator<Item = u64> {
        self.all.admitted.iter().map(|slots| slots.iter().sum())
    }

    /// What one hot client has offered.
    fn offered(&self) -> f64 {
        let admitted: u64 = self.of_clients().sum();
        (admitted + self.all.refused) as f64 / self.all.admitted.len() as f64
    }

    /// The share of the hot clients' requests that was admitted.
    fn served(&self) -> f64 {
        let admitted: u64 = self.of_clients().sum();
        admitted as f64 / (admitted + self.all.refused) as f64
    }

    /// Of the client that got the least, and the most, as a share of the quota.
    fn deviation(&self) -> (f64, f64) {
        let quota = f64::from(self.trial.terms.quota());
        let shares = self.of_clients().map(|admitted| admitted as f64 / quota - 1.0);
        shares
            .fold((f64::MAX, f64::MIN), |(least, most), share| (least.min(share), most.max(share)))
    }

    /// What a share may deviate by: a hundredth, and what the processes may hold.
    fn tolerance(&self) -> f64 {
        let terms = self.trial.terms;
        let held = if terms.lease > 1 { terms.lease * terms.processes } else { 0 };
        0.01 + f64::from(held) / f64::from(terms.quota())
    }

    /// Where they want more than the quota and nothing breaks, as little may be missing as may
    /// be too much.
    fn is_exact_where(&self, least: f64, most: f64) -> Option<bool> {
        let applies = self.trial.outage.is_none() && self.trial.terms.times > 1.0;
        applies.then(|| least.abs().max(most.abs()) <= self.tolerance())
    }

    /// The cells that a client got beyond the quota, and how many it may be: in an outage one
    /// burst of the processes' own buckets, one of a new Redis, and a share of both while
    /// asking ramps up.
    fn over(&self) -> (u32, u32) {
        let terms = self.trial.terms;
        let most = self.of_clients().max().unwrap_or_default() as u32;
        let bursts = match self.trial.outage {
            None => 0,
            Some(Outage::Frozen) => 1,
            Some(Outage::Killed) => 2,
        };
        let ramp = if bursts > 0 { RAMP * terms.rate } else { 0 };
        let tolerance = (self.tolerance() * f64::from(terms.quota())) as u32;
        (most.saturating_sub(terms.quota()), bursts * terms.burst() + ramp + tolerance)
    }

    /// The most that a client got in a second, of what may come in one.
    fn worst(&self) -> f64 {
        let seconds = self.all.admitted.iter().flat_map(|slots| slots.windows(10));
        let worst = seconds.map(|second| second.iter().sum::<u64>()).max().unwrap_or_default();
        worst as f64 / f64::from(self.trial.terms.burst() + self.trial.terms.rate)
    }
}

fn plain(what: &'static str, shown: String) -> Figure {
    Figure { what, shown, met: None, broken: false }
}

fn goal(what: &'static str, shown: String, met: bool) -> Figure {
    Figure { what, shown, met: Some(met), broken: !met }
}

fn percent(share: f64) -> String {
    format!("{:+.2} %", share * 100.0)
}

fn quantiles(histogram: &Histogram<u64>) -> String {
    if histogram.is_empty() {
        return "none".to_owned();
    }
    let [p50, p99] = [0.5, 0.99].map(|share| histogram.value_at_quantile(share));
    format!("{} / {}", time(Duration::from_nanos(p50)), time(Duration::from_nanos(p99)))
}

fn time(time: Duration) -> String {
    let micros = time.as_nanos() as f64 / 1e3;
    if micros < 100.0 { format!("{micros:.1} µs") } else { format!("{:.2} ms", micros / 1e3) }
}

/// In which the circuit lets all ask again.
const RAMP: u32 = 3;
/// The time bound is 5 ms; the rest is for machines that have other things to do.
const SOON: Duration = Duration::from_millis(250);
const HANGS: Duration = Duration::from_secs(5);
