//! Proof of admission, which for a probe has to come back.

use std::time::Instant;

use super::BreakerGate;
use crate::{clock, control::breaker::Probe, gate::Finish, outcome::Sample};

/// Leave to pass the circuit. A probe's place comes back when this drops.
#[derive(Debug)]
pub struct BreakerPermit {
    probe: Option<Out>,
}

#[derive(Debug)]
struct Out {
    gate: BreakerGate,
    probe: Probe,
    /// None while it waits for another gate, which says nothing about the database.
    started: Option<Instant>,
}

impl BreakerPermit {
    pub(super) fn free() -> Self {
        Self { probe: None }
    }

    pub(super) fn of_probe(gate: BreakerGate, probe: Probe, started: Instant) -> Self {
        Self { probe: Some(Out { gate, probe, started: Some(started) }) }
    }

    pub(super) fn probe(&self) -> Option<Probe> {
        self.probe.as_ref().map(|out| out.probe)
    }

    /// The request waits for another gate.
    pub(in crate::gate) fn pause(&mut self) {
        if let Some(out) = &mut self.probe {
            out.started = None;
        }
    }

    /// The request goes on.
    pub(in crate::gate) fn resume(&mut self) {
        if let Some(out) = &mut self.probe {
            out.started = Some(clock::now());
        }
    }
}

impl Finish for BreakerPermit {
    fn finish(&mut self, sample: &Sample) {
        if let Some(Out { gate, probe, .. }) = self.probe.take() {
            gate.change(|breaker| breaker.finish(probe, clock::now(), sample));
        }
    }

    fn listens(&self) -> bool {
        self.probe.is_some()
    }
}

impl Drop for BreakerPermit {
    fn drop(&mut self) {
        if let Some(Out { gate, probe, started }) = self.probe.take() {
            let now = clock::now();
            gate.change(|breaker| match started {
                Some(started) => {
                    breaker.abandon(probe, now, now.saturating_duration_since(started));
                }
                None => breaker.withdraw(probe),
            });
        }
    }
}
