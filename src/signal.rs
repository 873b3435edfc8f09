//! The health of one downstream, as the gates hear it.

use std::{
    ops::ControlFlow,
    sync::Arc,
    time::{Duration, Instant},
};

/// What one database did in a short span, up to one instant.
///
/// All counts are of this span alone; the next signal starts where this one ends. The
/// busy time is exact, also for what has not finished: a database that stalls shows in
/// the very next signal although nothing comes back from it.
#[derive(Clone, Debug, PartialEq)]
#[non_exhaustive]
pub struct Signal {
    /// When the span ended.
    pub at: Instant,
    /// The same on the wall clock, as time since the Unix epoch: what happens by it
    /// happens at once in all instances of a service.
    pub wall: Duration,
    /// How long it was.
    pub span: Duration,
    /// What the database's owner calls slow, whatever the statement.
    pub slow_after: Duration,
    /// The connections of its pool, if that is known: with `db.sqlx(pool)`.
    pub connections: Option<Connections>,
    /// Queries in flight at its end.
    pub in_flight: usize,
    /// How long those still in flight have been so, on average. Zero if none is.
    pub age: Duration,
    /// How far those in flight are beyond what is slow for their statements, on average.
    /// Zero if they are not. A stall is told by it: a report that always takes a minute is
    /// not overdue after ten seconds.
    pub overdue: Duration,
    /// Those in flight whose statement is beyond slow, on average: they hang, or the
    /// database does.
    pub hung: usize,
    /// The time integral of queries in flight over the span: two queries during half a
    /// second are one second.
    pub busy: Duration,
    /// The latencies, summed, of the queries whose outcome says nothing about the load.
    pub ignored: Duration,
    /// Queries that started.
    pub started: u64,
    /// Those of them of which nobody knows whether they belong to a request: they ran in a
    /// task that was not `attributed`.
    pub strays: u64,
    /// Queries that came back, with whatever outcome. A connection that was got is none;
    /// one that was not, for overload, is.
    pub finished: u64,
    /// Those of them that took longer than is slow for their statement, and did not fail
    /// by overload.
    pub slow: u64,
    /// Those of them that failed by overload.
    pub overloads: u64,
    /// Queries whose caller left before they came back. Not in `finished`.
    pub cancelled: u64,
    /// Those of them that had taken longer than is slow for their statement by then. Not
    /// in `slow`.
    pub cancelled_slow: u64,
    /// The successes by statement. Statements without any in this span are left out.
    pub statements: Vec<StatementSignal>,
    /// All queries that say whether the database keeps up, by statement. Statements
    /// without any in this span are left out.
    pub calls: Vec<StatementCalls>,
}

/// The connections of a pool at the end of a [`Signal`].
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Connections {
    /// As many as it may lend.
    pub most: u32,
    /// As many as it has lent.
    pub lent: u32,
}

impl Connections {
    /// Whether there is none to spare.
    #[must_use]
    pub fn are_exhausted(&self) -> bool {
        self.lent >= self.most
    }
}

/// The queries of one statement in the span of a [`Signal`], good and bad.
#[derive(Clone, Debug, PartialEq)]
#[non_exhaustive]
pub struct StatementCalls {
    /// The statement's number, as in [`StatementSignal`].
    pub statement: usize,
    /// Its name, or its text without the literals.
    pub name: Arc<str>,
    /// Queries that came back, and those given up when they were slow already.
    pub all: u64,
    /// Those of them that were slow, failed by overload, or were given up.
    pub bad: u64,
    /// What it takes when the database has nothing else to do, as far as is known.
    pub alone: Duration,
}

/// The successful queries of one statement in the span of a [`Signal`].
#[derive(Clone, Copy, Debug, PartialEq)]
#[non_exhaustive]
pub struct StatementSignal {
    /// The statement's number, stable for the life of the database handle.
    pub statement: usize,
    /// How many.
    pub count: u64,
    /// The sum of their latencies, in seconds.
    pub seconds: f64,
    /// The sum of the squares of their latencies, in square seconds.
    pub squares: f64,
}

impl StatementSignal {
    /// The mean latency, in seconds. The count is never 0.
    #[must_use]
    pub fn mean(&self) -> f64 {
        self.seconds / self.count as f64
    }

    /// The variance of the latency, in square seconds.
    #[must_use]
    pub fn variance(&self) -> f64 {
        (self.squares / self.count as f64 - self.mean().powi(2)).max(0.0)
    }

    /// Adds the queries of another span.
    pub fn add(&mut self, other: &Self) {
        self.count += other.count;
        self.seconds += other.seconds;
        self.squares += other.squares;
    }
}

/// Hears what a database does, about ten times a second while it is used. Closures do it.
pub trait OnSignal {
    /// Called by whoever crossed the end of the span, so it must be quick. `Break` ends
    /// the subscription. A panic goes no further than the panic hook, and does not end it.
    fn on_signal(&self, signal: &Signal) -> ControlFlow<()>;

    /// Asked after each signal: queries that started before this moment shall have no say
    /// in whether the database keeps up, in the signals to come, whoever hears them. The
    /// latest of all subscribers' counts. Default: none.
    fn judge_since(&self) -> Option<Instant> {
        None
    }
}

impl<F> OnSignal for F
where
    F: Fn(&Signal) -> ControlFlow<()>,
{
    fn on_signal(&self, signal: &Signal) -> ControlFlow<()> {
        self(signal)
    }
}
