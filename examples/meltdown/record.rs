//! What became of each request, and what follows from it.

use std::collections::{BTreeMap, HashMap, HashSet};
use std::fmt;
use std::time::Duration;

use crate::mix::Route;
use crate::protection::Guard;
use crate::timeline::{Phase, Timeline};
use crate::watching::figures::{per_cent, quantile_of};
use crate::watching::origin::Origin;

/// The answer to one attempt.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Answer {
    Status(u16, Origin),
    Timeout,
    NoConnection,
}

impl Answer {
    pub(crate) fn is_success(&self) -> bool {
        matches!(self, Self::Status(200..=299, _))
    }

    pub(crate) fn is_refusal(&self) -> bool {
        matches!(self, Self::Status(429 | 503, _))
    }

    pub(crate) fn calls_for_retry(&self) -> bool {
        matches!(self, Self::Status(429 | 500..=599, _) | Self::Timeout | Self::NoConnection)
    }
}

impl fmt::Display for Answer {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Status(code, Origin::Own) => write!(f, "{code}"),
            Self::Status(code, Origin::Shared) => write!(f, "{code} (shared)"),
            Self::Status(code, Origin::Copy) => write!(f, "{code} (a copy)"),
            Self::Timeout => f.write_str("timeout"),
            Self::NoConnection => f.write_str("no connection"),
        }
    }
}

/// What became of a request in the end.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Fate {
    /// A good answer, made for this request.
    Fresh,
    /// A good answer, made for another request at the same time.
    Shared,
    /// A good answer from before: of use, but degraded.
    Copy,
    /// Told to come back later.
    Refused,
    /// An error, a timeout, no connection.
    Failed,
}

impl Fate {
    pub(crate) const ALL: [Self; 5] =
        [Self::Fresh, Self::Shared, Self::Copy, Self::Refused, Self::Failed];

    pub(crate) fn name(self) -> &'static str {
        match self {
            Self::Fresh => "fresh",
            Self::Shared => "shared",
            Self::Copy => "copy",
            Self::Refused => "refused",
            Self::Failed => "failed",
        }
    }

    /// Whether the customer got what was asked for, in whatever age.
    pub(crate) fn is_useful(self) -> bool {
        self.is_current() || self == Self::Copy
    }

    /// Whether the answer is as it would be without any trouble.
    pub(crate) fn is_current(self) -> bool {
        matches!(self, Self::Fresh | Self::Shared)
    }
}

/// One customer's request with all its attempts.
#[derive(Clone, Debug)]
pub(crate) struct Exchange {
    pub(crate) route: Route,
    pub(crate) path: String,
    /// Intended arrival of the first attempt, from the start of the run.
    pub(crate) arrived: Duration,
    /// How late the generator was with it: close to nothing, or the machine is
    /// too small for the surge.
    pub(crate) lag: Duration,
    /// End of the last attempt, from the start of the run.
    pub(crate) ended: Duration,
    pub(crate) answers: Vec<Answer>,
    /// Whether the last answer had the part that it can do without.
    pub(crate) whole: bool,
    pub(crate) order: Option<String>,
}

impl Exchange {
    pub(crate) fn fate(&self) -> Fate {
        match self.answers.last() {
            Some(Answer::Status(200..=299, Origin::Own)) => Fate::Fresh,
            Some(Answer::Status(200..=299, Origin::Shared)) => Fate::Shared,
            Some(Answer::Status(200..=299, Origin::Copy)) => Fate::Copy,
            Some(answer) if answer.is_refusal() => Fate::Refused,
            _ => Fate::Failed,
        }
    }

    /// Whether the customer got what was asked for, in whatever age.
    pub(crate) fn succeeded(&self) -> bool {
        self.fate().is_useful()
    }

    /// Whether it is a product page that the customer got.
    pub(crate) fn is_page(&self) -> bool {
        self.route == Route::Product && self.succeeded()
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
    /// Paths that were asked for before the run.
    pub(crate) before: HashSet<String>,
    pub(crate) exchanges: Vec<Exchange>,
    pub(crate) figures: Vec<(Duration, Guard)>,
}

impl Record {
    /// What was ordered, and whether that was acknowledged.
    pub(crate) fn orders(&self) -> impl Iterator<Item = (&str, bool)> {
        self.exchanges.iter().filter_map(|exchange| {
            exchange.order.as_deref().map(|order| (order, exchange.succeeded()))
        })
    }
}

impl Record {
    /// The requests that arrived in a phase.
    pub(crate) fn arrived_in(&self, phase: Phase) -> impl Iterator<Item = &Exchange> {
        self.exchanges.iter().filter(move |exchange| self.timeline.phase(exchange.arrived) == phase)
    }

    /// Per cent of the requests to `routes` arriving in `phase` that got a useful answer.
    pub(crate) fn success(&self, phase: Phase, routes: impl Fn(Route) -> bool) -> f64 {
        self.share(phase, routes, Fate::is_useful)
    }

    /// Per cent of the requests to `routes` arriving in `phase` with one of these `fates`.
    pub(crate) fn share(
        &self,
        phase: Phase,
        routes: impl Fn(Route) -> bool,
        fates: impl Fn(Fate) -> bool,
    ) -> f64 {
        let asked = self.arrived_in(phase).filter(|exchange| routes(exchange.route));
        per_cent(asked.map(|exchange| fates(exchange.fate())))
    }

    /// How many attempts of requests to `routes` arriving in `phase` were refused.
    pub(crate) fn refused_attempts(&self, phase: Phase, routes: impl Fn(Route) -> bool) -> usize {
        let asked = self.arrived_in(phase).filter(|exchange| routes(exchange.route));
        asked.flat_map(|exchange| &exchange.answers).filter(|answer| answer.is_refusal()).count()
    }

    /// How many requests to `routes` arriving in `phase` were refused in the end.
    pub(crate) fn refused(&self, phase: Phase, routes: impl Fn(Route) -> bool) -> usize {
        let asked = self.arrived_in(phase).filter(|exchange| routes(exchange.route));
        asked.filter(|exchange| exchange.fate() == Fate::Refused).count()
    }

    /// Per cent of the product pages that customers got in `phase` which had the part that
    /// they can do without.
    pub(crate) fn whole(&self, phase: Phase) -> f64 {
        let pages = self.arrived_in(phase).filter(|exchange| exchange.is_page());
        per_cent(pages.map(|page| page.whole))
    }

    /// Searches of the surge that were refused in the end although their answer was there
    /// when they arrived: somebody else had it already.
    pub(crate) fn refused_in_spite_of_a_copy(&self) -> usize {
        let mut first = HashMap::new();
        for exchange in self.exchanges.iter().filter(|exchange| exchange.succeeded()) {
            let known = first.entry(exchange.path.as_str()).or_insert(exchange.ended);
            *known = exchange.ended.min(*known);
        }
        self.arrived_in(Phase::Surge)
            .filter(|exchange| exchange.route == Route::Search && exchange.fate() == Fate::Refused)
            .filter(|exchange| {
                let path = exchange.path.as_str();
                self.before.contains(path)
                    || first.get(path).is_some_and(|known| *known < exchange.arrived)
            })
            .count()
    }

    /// A quantile of the latency of the useful answers to requests that arrived
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
    /// second: a route's weight for each answer that was made for its request.
    /// A shared one or a copy cost the database nothing more.
    pub(crate) fn surge_goodput(&self, weight: impl Fn(Route) -> f64) -> f64 {
        let (start, end) = self.timeline.span(Phase::Surge);
        let work: f64 = self
            .exchanges
            .iter()
            .filter(|exchange| exchange.fate() == Fate::Fresh)
            .filter(|exchange| (start..end).contains(&exchange.ended))
            .map(|exchange| weight(exchange.route))
            .sum();
        work / (end - start).as_secs_f64()
    }
}
