//! What a database went through, and what to do about it.

mod advice;
mod pool;
mod route;
mod text;

use std::{cmp::Reverse, sync::Arc, time::Duration};

pub use pool::PoolAdvice;
pub use route::RouteFigures;

use super::{
    Database, checkout::CONNECTION, figures::StatementFigures, insight::Insight,
    postgres::PostgresSample,
};
use crate::{
    clock,
    control::{
        curve::{Curve, Point},
        meter::Meter,
        saturation::Saturation,
        stamp::Stamp,
    },
    lock::lock,
};

/// What a database sustained, what it was asked, and what to do about it: the to-do list
/// of a postmortem.
///
/// `Display` makes a page of it in plain text, serde (feature `serde`) an object, in which all
/// durations are seconds.
#[derive(Clone, Debug, PartialEq)]
#[cfg_attr(feature = "serde", derive(serde::Serialize))]
#[non_exhaustive]
pub struct Report {
    /// The name of the database.
    pub database: String,
    /// How long the handle has watched it.
    #[cfg_attr(feature = "serde", serde(serialize_with = "crate::serial::seconds"))]
    pub observed: Duration,
    /// How much work it did at once. `None` before it did any for some seconds.
    pub sustained: Option<Sustained>,
    /// How many connections it is worth. `None` as long as [`sustained`](Self::sustained) is.
    pub pool: Option<PoolAdvice>,
    /// How long it was asked for more than it could do.
    pub saturated: Saturated,
    /// What hangs now, the most queries first.
    pub hanging: Vec<Hanging>,
    /// The statements by the database's time since the start, the dearest first.
    pub statements: Vec<StatementFigures>,
    /// The wait for a connection, where it is timed apart.
    pub waiting: Option<StatementFigures>,
    /// The routes by the database's time, the dearest first, as far as their queries are
    /// attributed to them.
    pub routes: Vec<RouteFigures>,
    /// What PostgreSQL says of itself, if it was [asked](Database::feed_sample).
    pub sample: Option<PostgresSample>,
    /// What to do, in words, the most rewarding first.
    pub advice: Vec<String>,
}

/// A statement with queries in flight that are beyond what is slow for it, on average.
#[derive(Clone, Debug, PartialEq)]
#[cfg_attr(feature = "serde", derive(serde::Serialize))]
#[non_exhaustive]
pub struct Hanging {
    /// Its name, or its text without the literals.
    #[cfg_attr(feature = "serde", serde(serialize_with = "crate::serial::text"))]
    pub statement: Arc<str>,
    /// How many of its queries are in flight.
    pub queries: usize,
}

/// How much work a database did at how many queries in flight.
///
/// Only the queries of this process are seen. What other instances ask of the same database
/// makes it slower, so the knee is that of this process's share.
#[derive(Clone, Debug, PartialEq)]
#[cfg_attr(feature = "serde", derive(serde::Serialize))]
#[non_exhaustive]
pub struct Sustained {
    /// Where it did the most work.
    pub best: Throughput,
    /// The least queries in flight that gave at least 95 % of that.
    pub knee: f64,
    /// Whether there were ever more in flight, for some seconds, without more work done. If
    /// not, the knee may be further on.
    pub knee_passed: bool,
    /// All that was seen, by queries in flight.
    pub curve: Vec<Throughput>,
}

/// The throughput at a number of queries in flight.
#[derive(Clone, Copy, Debug, PartialEq)]
#[cfg_attr(feature = "serde", derive(serde::Serialize))]
#[non_exhaustive]
pub struct Throughput {
    /// Queries in flight, on average.
    pub in_flight: f64,
    /// Queries that succeeded, per second.
    pub queries: f64,
    /// The work done per second: what these queries would have taken with nothing else to
    /// do, in seconds. Up to the knee it is near `in_flight`.
    pub work: f64,
    /// How long that was seen, up to the ten minutes that are remembered. In seconds.
    pub seconds: f64,
}

/// When queries took more than twice what they take alone, more than a tenth of them were
/// slow or failed by overload, or nothing came back at all.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
#[cfg_attr(feature = "serde", derive(serde::Serialize))]
#[non_exhaustive]
pub struct Saturated {
    /// How long in all.
    #[cfg_attr(feature = "serde", serde(serialize_with = "crate::serial::seconds"))]
    pub total: Duration,
    /// How often.
    pub spells: u64,
    /// How long at most at a stretch. A pause of less than 5 s does not end it, and does not
    /// count.
    #[cfg_attr(feature = "serde", serde(serialize_with = "crate::serial::seconds"))]
    pub longest: Duration,
    /// When it first was, as time since the Unix epoch.
    #[cfg_attr(feature = "serde", serde(serialize_with = "crate::serial::maybe_seconds"))]
    pub first: Option<Duration>,
    /// When it last was, likewise.
    #[cfg_attr(feature = "serde", serde(serialize_with = "crate::serial::maybe_seconds"))]
    pub last: Option<Duration>,
    /// Whether it is now.
    pub now: bool,
}

/// What others know of the database, for the report.
#[derive(Default)]
pub(super) struct Sources {
    routes: Option<Routes>,
    sample: Option<PostgresSample>,
}

type Routes = Arc<dyn Fn() -> Vec<RouteFigures> + Send + Sync>;

impl Database {
    /// What it went through since the handle was made, and what to do about it. Takes up
    /// to a millisecond; meant for people and their tools, not for every request.
    ///
    /// ```
    /// # let db = brownout::Database::new("shop");
    /// println!("{}", db.report());
    /// ```
    #[must_use]
    pub fn report(&self) -> Report {
        // Of a database that nobody asks any more, nothing else tells that it is well.
        self.tick(clock::stamp());
        let mut report = self.bare_report();
        let (routes, sample) = {
            let sources = lock(&self.0.sources);
            (sources.routes.clone(), sources.sample)
        };
        report.routes = route::ranked(routes.map(|routes| routes()).unwrap_or_default());
        let most = self.pool().map(|pool| pool.max as usize);
        report.pool = report.sustained.as_ref().map(|seen| PoolAdvice::new(seen, most));
        report.sample = sample;
        report.advice = advice::advise(&report);
        report
    }

    /// Has the report tell what PostgreSQL says of itself: the last sample that was fed.
    pub fn feed_sample(&self, sample: PostgresSample) {
        lock(&self.0.sources).sample = Some(sample);
    }

    /// Where the report learns what the routes cost.
    pub(crate) fn set_routes(
        &self,
        routes: impl Fn() -> Vec<RouteFigures> + Send + Sync + 'static,
    ) {
        lock(&self.0.sources).routes = Some(Arc::new(routes));
    }

    /// As far as the handle itself knows.
    fn bare_report(&self) -> Report {
        let (waiting, statements): (Vec<_>, _) =
            self.statements().into_iter().partition(|own| &*own.name == CONNECTION);
        let now = clock::stamp();
        let mut figures = self.0.recorder.open(now);
        let (meter, books) = figures.parts();
        let Insight { curve, saturation, .. } = &books.insight;
        Report {
            database: self.name().to_owned(),
            observed: now.since(self.0.origin),
            sustained: Sustained::of(curve),
            pool: None,
            saturated: Saturated::from(saturation),
            hanging: Hanging::now(meter, now),
            statements,
            waiting: waiting.into_iter().next(),
            routes: Vec::new(),
            sample: None,
            advice: Vec::new(),
        }
    }
}

impl Hanging {
    fn now(meter: &Meter, now: Stamp) -> Vec<Self> {
        let hanging = meter.hanging(now);
        let own = |(name, queries): (&Arc<str>, usize)| Self { statement: name.clone(), queries };
        let mut hanging: Vec<_> = hanging.map(own).collect();
        hanging.sort_by_key(|own| Reverse(own.queries));
        hanging
    }
}

impl Sustained {
    fn of(curve: &Curve) -> Option<Self> {
        let knee = curve.knee()?;
        Some(Self {
            best: knee.best.into(),
            knee: knee.concurrency,
            knee_passed: knee.passed,
            curve: curve.points().into_iter().map(Throughput::from).collect(),
        })
    }
}

impl From<Point> for Throughput {
    fn from(point: Point) -> Self {
        let Point { concurrency, work, queries, seconds } = point;
        Self { in_flight: concurrency, queries, work, seconds }
    }
}

impl From<&Saturation> for Saturated {
    fn from(seen: &Saturation) -> Self {
        Self {
            total: seen.total,
            spells: seen.spells,
            longest: seen.longest,
            first: seen.first,
            last: seen.last,
            now: seen.lasts(),
        }
    }
}

#[cfg(test)]
mod tests;
