//! What became of each request.

use std::collections::BTreeMap;
use std::fmt;
use std::ops::Range;
use std::time::Duration;

use super::errand::Route;
use super::watching::figures::per_cent;

/// The answer to one attempt.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Answer {
    Status(u16),
    Timeout,
    NoConnection,
}

impl Answer {
    pub(crate) fn is_success(self) -> bool {
        matches!(self, Self::Status(200..=299))
    }

    pub(crate) fn calls_for_retry(self) -> bool {
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
    /// How late the generator was with it: close to nothing, or the machine has too much
    /// else to do.
    pub(crate) lag: Duration,
    pub(crate) answers: Vec<Answer>,
    pub(crate) order: Option<String>,
}

impl Exchange {
    /// Whether the customer got what was asked for.
    pub(crate) fn succeeded(&self) -> bool {
        self.answers.last().is_some_and(|answer| answer.is_success())
    }
}

/// Everything seen in one run.
#[derive(Debug)]
pub(crate) struct Record {
    pub(crate) exchanges: Vec<Exchange>,
    /// From the start of the run.
    pub(crate) fault: Range<Duration>,
    pub(crate) end: Duration,
}

impl Record {
    /// What was ordered, and whether that was acknowledged.
    pub(crate) fn orders(&self) -> impl Iterator<Item = (&str, bool)> {
        self.exchanges.iter().filter_map(|exchange| {
            exchange.order.as_deref().map(|order| (order, exchange.succeeded()))
        })
    }

    /// From the end of the fault: when whose request arrived, and whether it succeeded.
    pub(crate) fn after_the_fault(&self) -> Vec<(Duration, bool)> {
        let end = self.fault.end;
        let later = self.exchanges.iter().filter(|exchange| exchange.arrived >= end);
        later.map(|exchange| (exchange.arrived - end, exchange.succeeded())).collect()
    }

    /// How long it was watched after the fault.
    pub(crate) fn observed(&self) -> Duration {
        self.end.saturating_sub(self.fault.end)
    }

    /// Per cent of the requests to `routes` arriving in `span` that succeeded.
    pub(crate) fn success(&self, span: &Range<Duration>, routes: impl Fn(Route) -> bool) -> f64 {
        per_cent(self.arrived_in(span, routes).map(Exchange::succeeded))
    }

    /// How often which answer was given to attempts of requests arriving in `span`.
    pub(crate) fn answers(
        &self,
        span: &Range<Duration>,
        routes: impl Fn(Route) -> bool,
    ) -> BTreeMap<Answer, usize> {
        let mut counts = BTreeMap::new();
        for answer in self.arrived_in(span, routes).flat_map(|exchange| &exchange.answers) {
            *counts.entry(*answer).or_default() += 1;
        }
        counts
    }

    fn arrived_in(
        &self,
        span: &Range<Duration>,
        routes: impl Fn(Route) -> bool,
    ) -> impl Iterator<Item = &Exchange> {
        let inside =
            move |exchange: &&Exchange| span.contains(&exchange.arrived) && routes(exchange.route);
        self.exchanges.iter().filter(inside)
    }
}
