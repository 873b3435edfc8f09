//! What is remembered of one second.

use std::{sync::Arc, time::Duration};

use serde::Serialize;

use crate::{
    admission::Admission,
    clock,
    control::call::WAIT,
    database::Database,
    event::Circuit,
    gate::GuardSnapshot,
    overview::Decisions,
    signal::{Signal, StatementSignal},
};

/// What is cheap to know, and what the plots are made of.
#[derive(Debug, Serialize)]
pub(super) struct Sample {
    /// Since the Unix epoch, in seconds.
    at: f64,
    level: f64,
    databases: Vec<DatabaseSample>,
    /// Counts since the start.
    decisions: Vec<Decisions>,
}

#[derive(Debug, Serialize)]
struct DatabaseSample {
    #[serde(serialize_with = "crate::serial::text")]
    name: Arc<str>,
    limit: f64,
    in_flight: usize,
    waiting: usize,
    circuit: Circuit,
    /// Queries that ended, per second.
    queries: f64,
    /// The mean latency of those whose latency alone is known, in seconds, as all.
    latency: Option<f64>,
    /// What those would have taken alone.
    alone: Option<f64>,
    slowdown: Option<f64>,
    /// Of the last ten seconds.
    p99: Option<f64>,
}

impl Sample {
    pub(super) fn of(admission: &Admission, spans: &[Span]) -> Self {
        let snapshot = admission.snapshot();
        let databases = admission.databases().iter().zip(&snapshot.databases).zip(spans);
        let sample = |((database, guard), span): ((&Database, &GuardSnapshot), &Span)| {
            let limit = admission.concurrency_of(database).map(|gate| gate.snapshot().limit);
            DatabaseSample::of(database, guard, limit, span)
        };
        Self {
            at: clock::wall().as_secs_f64(),
            level: snapshot.level,
            databases: databases.map(sample).collect(),
            decisions: Decisions::all(&snapshot),
        }
    }
}

impl DatabaseSample {
    fn of(database: &Database, guard: &GuardSnapshot, limit: Option<f64>, span: &Span) -> Self {
        let known = |seconds: f64| (span.known > 0).then(|| seconds / span.known as f64);
        Self {
            name: guard.name.clone(),
            limit: limit.unwrap_or(guard.limit as f64),
            in_flight: guard.in_flight,
            waiting: guard.waiting,
            circuit: guard.circuit,
            queries: span.ended as f64 / span.length.as_secs_f64(),
            latency: known(span.seconds),
            alone: known(span.work),
            slowdown: (span.work > 0.0).then(|| span.seconds / span.work),
            p99: database.snapshot().p99.map(|p99| p99.as_secs_f64()),
        }
    }
}

/// What one database did since the last sample, summed up.
#[derive(Clone, Debug, Default)]
pub(super) struct Span {
    length: Duration,
    /// Queries that came back or were given up.
    ended: u64,
    /// Successes whose latency alone is known.
    known: u64,
    /// What those took, in seconds.
    seconds: f64,
    /// What those would have taken alone, in seconds.
    work: f64,
}

impl Span {
    pub(super) fn lasting(self, length: Duration) -> Self {
        Self { length, ..self }
    }

    pub(super) fn add(&mut self, signal: &Signal) {
        self.ended += signal.finished + signal.cancelled;
        for own in signal.statements.iter().filter(|own| own.statement != WAIT) {
            self.add_statement(own, alone(signal, own.statement));
        }
    }

    fn add_statement(&mut self, own: &StatementSignal, alone: f64) {
        if alone > 0.0 {
            self.known += own.count;
            self.seconds += own.seconds;
            self.work += own.count as f64 * alone;
        }
    }
}

/// In seconds; zero if it is not known.
fn alone(signal: &Signal, statement: usize) -> f64 {
    let own = signal.calls.iter().find(|own| own.statement == statement);
    own.map_or(0.0, |own| own.alone.as_secs_f64())
}
