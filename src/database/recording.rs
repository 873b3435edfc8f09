//! Queries start and end.

use std::{
    sync::Arc,
    time::{Duration, Instant},
};

use super::{
    Database,
    checkout::CONNECTION,
    figures::Ledger,
    insight::Insight,
    recent::Recent,
    table::{OTHER, UNNAMED},
    visit::Visit,
};
use crate::{
    clock,
    control::{
        call::{Call, Slow, WAIT},
        meter::Meter,
        witness::{Ended, Witness},
    },
    lock::lock,
    outcome::Outcome,
    signal::Signal,
};

/// All that is counted of one database.
pub(super) struct Figures {
    pub(super) meter: Meter,
    pub(super) recent: Recent,
    pub(super) ledger: Ledger,
    pub(super) insight: Insight,
}

impl Figures {
    pub(super) fn new(slow: Slow, now: Instant) -> Self {
        let mut meter = Meter::new(slow, now);
        meter.name(UNNAMED, Arc::from(OTHER));
        meter.name(WAIT, Arc::from(CONNECTION));
        let (recent, ledger) = (Recent::new(now), Ledger::new(now));
        Self { meter, recent, ledger, insight: Insight::default() }
    }

    /// All since the last call.
    pub(super) fn take(&mut self, now: Instant, wall: Duration) -> Signal {
        let signal = self.meter.take(now, wall);
        self.insight.hear(&signal, &self.meter);
        signal
    }

    fn note_stray(&mut self, is_stray: bool) {
        if is_stray {
            self.meter.stray();
        }
    }

    fn finish(&mut self, call: &Call, at: Instant, outcome: Option<Outcome>) {
        let latency = at.saturating_duration_since(call.started);
        let Some(outcome) = outcome else {
            self.recent.cancel(at);
            self.meter.cancel(call, at);
            self.ledger.cancel(call.statement, at, latency);
            return;
        };
        self.recent.finish(at, latency, outcome);
        self.meter.finish(call, at, outcome);
        self.ledger.finish(call.statement, at, latency, outcome);
    }

    /// What a query takes alone, in seconds, or what it took if that is not known.
    fn work(&self, statement: usize, latency: Duration) -> f64 {
        self.meter.alone(statement).unwrap_or(latency.as_secs_f64())
    }
}

impl Database {
    /// A query starts, for the request that runs now or for nobody known.
    pub(super) fn start(&self, statement: usize) -> (Call, Option<Arc<dyn Witness>>) {
        let now = clock::now();
        let present = Visit::present(|visit| {
            visit.touch(self.0.number);
            visit.witness()
        });
        let mut figures = lock(&self.0.figures);
        let call = figures.meter.call(statement, now);
        figures.meter.start(&call);
        figures.note_stray(present.is_none());
        drop(figures);
        let witness = present.flatten();
        if let Some(witness) = &witness {
            witness.start(self.0.number, &call);
        }
        self.tick(now);
        (call, witness)
    }

    /// A query that was started is over.
    pub(super) fn finish(&self, call: &Call, outcome: Option<Outcome>) -> Ended {
        let at = clock::now();
        let latency = at.saturating_duration_since(call.started);
        let mut figures = lock(&self.0.figures);
        figures.finish(call, at, outcome);
        let work = figures.work(call.statement, latency);
        drop(figures);
        Visit::present(|visit| visit.spend(self.0.number, &self.0.name, latency));
        self.tick(at);
        Ended { at, outcome, work }
    }

    pub(super) fn record_as(&self, statement: usize, latency: Duration, outcome: Outcome) {
        let at = clock::now();
        let present = Visit::present(|visit| {
            visit.touch(self.0.number);
            visit.spend(self.0.number, &self.0.name, latency);
            visit.witness()
        });
        let mut figures = lock(&self.0.figures);
        let call = figures.meter.call(statement, at).earlier(latency);
        figures.meter.record(statement, at, latency, outcome);
        figures.recent.finish(at, latency, outcome);
        figures.ledger.finish(statement, at, latency, outcome);
        figures.note_stray(present.is_none());
        let work = figures.work(statement, latency);
        drop(figures);
        if let Some(witness) = present.flatten() {
            witness.start(self.0.number, &call);
            witness.end(self.0.number, &call, &Ended { at, outcome: Some(outcome), work });
        }
        self.tick(at);
    }
}
