//! What was seen since the last decision.

use std::time::Duration;

use super::Usage;
use crate::{
    control::baseline::Work,
    signal::{Signal, StatementSignal},
};

/// Signals, added up until they are enough to decide on.
#[derive(Clone, Debug, Default)]
pub(super) struct Tally {
    span: Duration,
    busy: Duration,
    finished: u64,
    overloads: u64,
    cancelled: u64,
    usage: Usage,
    statements: Vec<StatementSignal>,
}

/// What that comes to.
#[derive(Clone, Copy, Debug)]
pub(super) struct View {
    /// In seconds.
    pub(super) span: f64,
    /// Queries in flight, on average.
    pub(super) in_flight: f64,
    pub(super) finished: f64,
    /// The share of queries that failed by overload or were given up.
    pub(super) failed: f64,
    pub(super) usage: Usage,
    /// Queries that came back and say something.
    pub(super) count: u64,
    /// Their mean latency, in seconds; 0 without any.
    pub(super) latency: f64,
    /// Their mean latency over the unloaded one; 1 without any.
    pub(super) stretch: f64,
    /// The standard error of that, relative to it.
    pub(super) error: f64,
    /// Work done per second, in seconds of queries alone.
    pub(super) rate: f64,
}

impl Tally {
    pub(super) fn add(&mut self, signal: &Signal, usage: &Usage) {
        self.span = self.span.saturating_add(signal.span);
        self.busy = self.busy.saturating_add(signal.busy);
        self.finished += signal.finished;
        self.overloads += signal.overloads;
        self.cancelled += signal.cancelled;
        self.usage.add(usage);
        for seen in &signal.statements {
            match self.statements.iter_mut().find(|own| own.statement == seen.statement) {
                Some(own) => own.add(seen),
                None => self.statements.push(*seen),
            }
        }
    }

    pub(super) fn statements(&self) -> &[StatementSignal] {
        &self.statements
    }

    /// Whether there is enough to decide on: at least `least` long and twice as long as
    /// what is in flight takes, with so many queries; or a second of silence; or two seconds.
    pub(super) fn is_complete(&self, least: Duration, queries: f64) -> bool {
        let enough = self.finished as f64 >= queries && self.span >= least.max(self.lasting());
        let silent = self.finished == 0 && self.span >= LONG / 2;
        enough || silent || self.span >= LONG
    }

    pub(super) fn view(&self, work: &Work) -> View {
        let span = self.span.as_secs_f64().max(1e-9);
        View {
            span,
            in_flight: self.busy.as_secs_f64() / span,
            finished: self.finished as f64,
            failed: (self.overloads + self.cancelled) as f64
                / (self.finished + self.cancelled).max(1) as f64,
            usage: self.usage,
            count: work.count,
            latency: if work.count > 0 { work.observed / work.count as f64 } else { 0.0 },
            stretch: if work.seconds > 0.0 { work.observed / work.seconds } else { 1.0 },
            error: work.error(),
            rate: work.seconds / span,
        }
    }

    /// Twice the mean latency of what is in flight: it is mostly the long that are.
    fn lasting(&self) -> Duration {
        let seconds: f64 = self.statements.iter().map(|seen| seen.seconds).sum();
        let squares: f64 = self.statements.iter().map(|seen| seen.squares).sum();
        Duration::from_secs_f64((2.0 * squares / seconds.max(1e-9)).min(LONG.as_secs_f64()))
    }
}

impl View {
    /// Somebody had to wait, or nearly.
    pub(super) fn is_in_use(&self, limit: f64) -> bool {
        self.waits() || self.usage.peak as f64 >= 0.9 * limit
    }

    pub(super) fn waits(&self) -> bool {
        self.usage.waited + self.usage.refused > 0
    }

    /// The share of what was asked for that was let in.
    pub(super) fn share(&self) -> f64 {
        (self.admitted() + 1.0) / (self.admitted() + 1.0 + self.usage.refused as f64)
    }

    /// Requests that were let in: as many as queries came back, if they are not counted.
    pub(super) fn admitted(&self) -> f64 {
        self.usage.admitted.map_or(self.finished, |requests| requests as f64)
    }

    /// Requests in flight, on average or less: one may have several queries in flight.
    pub(super) fn requests_in_flight(&self) -> f64 {
        self.in_flight.min(self.usage.peak as f64)
    }

    /// Whether one instance alone sees enough of the database to judge what it does: some
    /// hundred queries a second.
    pub(super) fn sees_much(&self) -> bool {
        self.error.powi(2) * self.span < MUCH
    }
}

const LONG: Duration = Duration::from_secs(2);
/// The squared standard error after a second.
const MUCH: f64 = 0.013;
