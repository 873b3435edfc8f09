//! One half-open spell.

use std::time::{Duration, Instant};

/// Leave to try while the circuit is half-open. Has to come back, by `finish` or
/// `abandon`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Probe {
    /// Of the spell, so that a probe of an earlier one has no say in a later one.
    pub(super) generation: u64,
}

#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) struct Trial {
    pub(super) since: Instant,
    /// When the last probe went out.
    pub(super) sent: Instant,
    /// Probes that have not come back, that succeeded, and that said nothing.
    pub(super) out: u32,
    pub(super) passed: u32,
    pub(super) undecided: u32,
    /// Of those that succeeded, how many were the active probe's.
    pub(super) active: u32,
}

impl Trial {
    pub(super) fn new(since: Instant) -> Self {
        Self { since, sent: since, out: 0, passed: 0, undecided: 0, active: 0 }
    }

    /// A probe goes out.
    pub(super) fn send(&mut self, now: Instant) {
        self.out += 1;
        self.sent = now;
    }

    pub(super) fn age(&self, now: Instant) -> Duration {
        now.saturating_duration_since(self.since)
    }

    /// Since when no probe went out.
    pub(super) fn rest(&self, now: Instant) -> Duration {
        now.saturating_duration_since(self.sent)
    }

    /// No request had a say in it yet.
    pub(super) fn is_active_only(&self) -> bool {
        self.out == 0 && self.passed == self.active
    }

    /// Probes that said nothing pass, as many as calls were good meanwhile.
    pub(super) fn settle(&mut self, good: u64) {
        let settled = self.undecided.min(u32::try_from(good).unwrap_or(u32::MAX));
        self.undecided -= settled;
        self.passed += settled;
    }
}
