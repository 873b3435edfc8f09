//! Proof of admission, which for a probe has to come back.

use std::time::Instant;

use super::BreakerGate;
use crate::{clock, control::breaker::Probe, gate::Finish, outcome::Sample, rejection::Reason};

/// Leave to pass the circuit. A probe's place comes back when this drops.
#[derive(Debug)]
pub struct BreakerPermit {
    /// Mostly there is none, so it is apart: permits are moved a lot.
    probe: Option<Box<Out>>,
    is_reported: bool,
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
        Self { probe: None, is_reported: false }
    }

    pub(super) fn of_probe(gate: BreakerGate, probe: Probe, started: Instant) -> Self {
        let started = Some(started);
        Self { probe: Some(Box::new(Out { gate, probe, started })), is_reported: false }
    }

    /// Of one who would have been refused.
    pub(super) fn reported() -> Self {
        Self { probe: None, is_reported: true }
    }

    /// Why there would be none, had the breaker not
    /// [only reported](super::CircuitBreaker::report_only).
    #[must_use]
    pub fn would_refuse(&self) -> Option<Reason> {
        self.is_reported.then_some(Reason::CircuitOpen)
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
        if let Some(out) = self.probe.take() {
            let Out { gate, probe, .. } = *out;
            gate.change(|breaker| breaker.finish(probe, clock::now(), sample));
        }
    }

    fn listens(&self) -> bool {
        self.probe.is_some()
    }
}

impl Drop for BreakerPermit {
    fn drop(&mut self) {
        if let Some(out) = self.probe.take() {
            let Out { gate, probe, started } = *out;
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
