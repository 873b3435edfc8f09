//! What became of each request, and what follows from it.

use std::collections::BTreeMap;
use std::fmt;
use std::time::Duration;

use hdrhistogram::Histogram;

use crate::mix::Route;
use crate::protection::Guard;
use crate::timeline::{Phase, Timeline};

/// The answer to one attempt.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Answer {
    Status(u16),
    Timeout,
    NoConnection,
}

impl Answer {
    pub(crate) fn is_success(&self) -> bool {
        matches!(self, Self::Status(200..=299))
    }

    pub(crate) fn is_refusal(&self) -> bool {
        matches!(self, Self::Status(429 | 503))
    }

    pub(crate) fn calls_for_retry(&self) -> bool {
        matches!(self, Self::Status(429 | 500..=599) | Self::Timeout | Self::NoConnection)
    }
}

impl fmt::Display for Answer {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Status(code) => write!(f, "{code}"),
            Self::Timeout => f.write_str("timeout"),
            Self::NoConnection => f.write_str("no connection"),
        }
    }
}

/// One customer's request with all its attempts.
#[derive(Clone, Debug)]
pub(crate) struct Exchange {
    pub(crate) route: Route,
    /// Intended arrival of the first attempt, from the start of the run.
    pub(crate) arrived: Duration,
    /// How late the generator was with it: close to nothing, or the machine is
    /// too small for the surge.
    pub(crate) lag: Duration,
    /// End of the last attempt, from the start of the run.
    pub(crate) ended: Duration,
    pub(crate) answers: Vec<Answer>,
    pub(crate) order: Option<String>,
}

impl Exchange {
    /// Whether the customer got what was asked for.
    pub(crate) fn succeeded(&self) -> bool {
        self.answers.last().is_some_and(Answer::is_success)
    }

    /// What the customer waited, retries included.
    pub(crate) fn latency(&self) -> Duration {
        self.ended.saturating_sub(self.arrived)
    }
}

/// Everything seen in one run.
#[derive(Debug)]
pub(crate) struct Record {
    pub(crate) timeline: Timeline,
    pub(crate) exchanges: Vec<Exchange>,
    pub(crate) figures: Vec<(Duration, Guard)>,
}

impl Record {
    /// The requests that arrived in a phase.
    pub(crate) fn arrived_in(&self, phase: Phase) -> impl Iterator<Item = &Exchange> {
        self.exchanges.iter().filter(move |exchange| self.timeline.phase(exchange.arrived) == phase)
    }

    /// Per cent of the requests to `routes` arriving in `phase` that succeeded.
    pub(crate) fn success(&self, phase: Phase, routes: impl Fn(Route) -> bool) -> f64 {
        per_cent(
            self.arrived_in(phase)
                .filter(|exchange| routes(exchange.route))
                .map(Exchange::succeeded),
        )
    }

    /// A quantile of the latency of the successes among requests that arrived
    /// in `phase`.
    pub(crate) fn latency(&self, phase: Phase, route: Route, quantile: f64) -> Option<Duration> {
        quantile_of(
            self.arrived_in(phase)
                .filter(|exchange| exchange.route == route && exchange.succeeded())
                .map(Exchange::latency),
            quantile,
        )
    }

    /// A quantile of the generator's own lateness in the surge.
    pub(crate) fn lag(&self, quantile: f64) -> Option<Duration> {
        quantile_of(self.arrived_in(Phase::Surge).map(|exchange| exchange.lag), quantile)
    }

    /// How many attempts of the whole run got which answer.
    pub(crate) fn answers(&self, routes: impl Fn(Route) -> bool) -> BTreeMap<Answer, usize> {
        let mut counts = BTreeMap::new();
        for exchange in self.exchanges.iter().filter(|exchange| routes(exchange.route)) {
            for answer in &exchange.answers {
                *counts.entry(*answer).or_default() += 1;
            }
        }
        counts
    }

    /// Database work whose results reached customers during the surge, per
    /// second: a route's weight for each success.
    pub(crate) fn surge_goodput(&self, weight: impl Fn(Route) -> f64) -> f64 {
        let (start, end) = self.timeline.span(Phase::Surge);
        let work: f64 = self
            .exchanges
            .iter()
            .filter(|exchange| exchange.succeeded() && (start..end).contains(&exchange.ended))
            .map(|exchange| weight(exchange.route))
            .sum();
        work / (end - start).as_secs_f64()
    }
}

/// A quantile of some latencies, to the precision of a plot.
pub(crate) fn quantile_of(
    latencies: impl Iterator<Item = Duration>,
    quantile: f64,
) -> Option<Duration> {
    let mut histogram = Histogram::<u32>::new(3).expect("three digits are within bounds");
    for latency in latencies {
        histogram += latency.as_micros().max(1) as u64;
    }
    (!histogram.is_empty()).then(|| Duration::from_micros(histogram.value_at_quantile(quantile)))
}

/// Share of `true` in per cent; of nothing, all.
pub(crate) fn per_cent(outcomes: impl Iterator<Item = bool>) -> f64 {
    let (mut good, mut all) = (0_u32, 0_u32);
    for outcome in outcomes {
        all += 1;
        good += u32::from(outcome);
    }
    if all == 0 { 100.0 } else { 100.0 * f64::from(good) / f64::from(all) }
}
