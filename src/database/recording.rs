//! Queries start and end.

use std::{sync::Arc, time::Duration};

use super::{Database, recorder::Over, visit::Visit};
use crate::{
    clock,
    control::{
        call::Call,
        stamp::Stamp,
        witness::{Ended, Witness},
    },
    outcome::Outcome,
};

impl Database {
    /// A query starts, for the request that runs now or for nobody known.
    pub(super) fn start(&self, statement: usize, now: Stamp) -> (Call, Option<Arc<dyn Witness>>) {
        let present = Visit::present(|visit| {
            visit.touch(self.0.number);
            visit.witness()
        });
        let call = self.0.recorder.start(statement, now, present.is_none());
        let witness = present.flatten();
        if let Some(witness) = &witness {
            witness.start(self.0.number, &call);
        }
        self.tick(now);
        (call, witness)
    }

    /// A query that was started is over.
    pub(super) fn finish(&self, call: &Call, at: Stamp, outcome: Option<Outcome>) -> Ended {
        let latency = at.since(call.started);
        let over = Over { statement: call.statement, at, latency, outcome };
        let work = self.0.recorder.finish(call, over);
        Visit::present(|visit| visit.spend(self.0.number, &self.0.name, latency));
        self.tick(at);
        Ended { at, outcome, work }
    }

    pub(super) fn record_as(&self, statement: usize, latency: Duration, outcome: Outcome) {
        let at = clock::stamp();
        let request = Visit::present(|visit| {
            visit.touch(self.0.number);
            visit.spend(self.0.number, &self.0.name, latency);
        });
        let over = Over { statement, at, latency, outcome: Some(outcome) };
        let (call, work) = self.0.recorder.record(over, outcome, request.is_none());
        let ended = Ended { at, outcome: Some(outcome), work };
        Visit::present(|visit| visit.tell(self.0.number, &call, &ended));
        self.tick(at);
    }
}
