//! From one state to the next.

use std::time::Instant;

use super::{Breaker, Calls, Dim, Mode, State, Trial};
use crate::event::Cause;

impl Breaker {
    /// Half-open.
    pub(super) fn attempt(&mut self, now: Instant, cause: Cause) {
        self.generation += 1;
        self.tried = Some(now);
        self.state = State::HalfOpen(Trial::new(now));
        self.cause = cause;
    }

    /// Open, and each time in a row for longer.
    pub(super) fn open(&mut self, now: Instant, cause: Cause) {
        self.openings = self.openings.saturating_add(1);
        self.reopen(now, cause);
    }

    /// Open for as long as the last time.
    pub(super) fn reopen(&mut self, now: Instant, cause: Cause) {
        let doublings = self.openings.saturating_sub(1).min(16);
        let longer = self.figures.open_for.saturating_mul(1 << doublings);
        let until = now + self.jitter.spread(longer.min(self.figures.open_at_most));
        self.state = State::Open { since: now, until, answers: 0 };
        self.cause = cause;
    }

    /// Closed, though dark at first: it ramps up while calls are good.
    pub(super) fn close(&mut self, now: Instant, cause: Cause) {
        self.start(Dim::dark(self.figures.scope, now), cause);
        self.silence.restart(now);
    }

    /// Has somebody else decide. Who gives it back after it was forced open has it try
    /// first; what was forced closed has been watching and decides at the next signal.
    pub(crate) fn force(&mut self, mode: Mode, now: Instant) {
        let before = std::mem::replace(&mut self.mode, mode);
        let cause = if mode == Mode::Automatic { Cause::Released } else { Cause::Forced };
        match (before, mode) {
            (before, mode) if before == mode => {}
            (Mode::ForcedOpen, Mode::Automatic) => self.attempt(now, cause),
            (Mode::ForcedClosed, Mode::Automatic) => self.cause = cause,
            _ => self.start(Dim::bright(self.figures.scope, now), cause),
        }
    }

    fn start(&mut self, dim: Dim, cause: Cause) {
        // A probe that is out has no say any more.
        self.generation += 1;
        self.calls = Calls::new(self.figures);
        self.dim = dim;
        self.state = State::Closed;
        self.cause = cause;
    }
}
