//! The last ten seconds of a database, for people.

use std::time::Duration;

use super::PoolSnapshot;
use crate::{
    control::{histogram::Histogram, stamp::Stamp, window::Window},
    outcome::Outcome,
};

/// How a database did during the last ten seconds.
#[derive(Clone, Debug, PartialEq)]
#[cfg_attr(feature = "serde", derive(serde::Serialize))]
#[non_exhaustive]
pub struct DatabaseSnapshot {
    /// Queries in flight now.
    pub in_flight: usize,
    /// Those of them whose statement is beyond slow, on average: they hang, or the database
    /// does.
    pub hung: usize,
    /// Queries that came back.
    pub finished: u64,
    /// Those of them that failed because the database did not answer or had too much to
    /// do.
    pub overloads: u64,
    /// Those of them that failed for reasons of their own.
    pub errors: u64,
    /// Queries whose caller left before they came back.
    pub cancelled: u64,
    /// The median latency, at most an eighth too high. `None` if nothing came back.
    #[cfg_attr(feature = "serde", serde(serialize_with = "crate::serial::maybe_seconds"))]
    pub p50: Option<Duration>,
    /// The latency that 99 % did not exceed, at most an eighth too high.
    #[cfg_attr(feature = "serde", serde(serialize_with = "crate::serial::maybe_seconds"))]
    pub p99: Option<Duration>,
    /// The pool, where one is known: see the feature `sqlx`.
    pub pool: Option<PoolSnapshot>,
}

#[derive(Debug)]
pub(super) struct Recent(Window<Bucket>);

#[derive(Debug, Default)]
struct Bucket {
    latencies: Histogram,
    finished: u64,
    overloads: u64,
    errors: u64,
    cancelled: u64,
}

impl Recent {
    pub(super) fn new(now: Stamp) -> Self {
        Self(Window::new(Duration::from_secs(10), now))
    }

    pub(super) fn finish(&mut self, now: Stamp, latency: Duration, outcome: Outcome) {
        let bucket = self.0.current(now);
        bucket.latencies.record(latency);
        bucket.finished += 1;
        match outcome {
            Outcome::Success => {}
            Outcome::Overload => bucket.overloads += 1,
            Outcome::Ignore => bucket.errors += 1,
        }
    }

    pub(super) fn cancel(&mut self, now: Stamp) {
        self.0.current(now).cancelled += 1;
    }

    pub(super) fn snapshot(&mut self, now: Stamp, in_flight: usize) -> DatabaseSnapshot {
        let mut all = Bucket::default();
        for bucket in self.0.recent(now) {
            all.latencies.add(&bucket.latencies);
            all.finished += bucket.finished;
            all.overloads += bucket.overloads;
            all.errors += bucket.errors;
            all.cancelled += bucket.cancelled;
        }
        DatabaseSnapshot {
            in_flight,
            hung: 0,
            finished: all.finished,
            overloads: all.overloads,
            errors: all.errors,
            cancelled: all.cancelled,
            p50: all.latencies.quantile(0.5),
            p99: all.latencies.quantile(0.99),
            pool: None,
        }
    }
}
