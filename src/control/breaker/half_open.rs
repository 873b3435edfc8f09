//! Half-open: who may try, and what comes of it.

use std::time::{Duration, Instant};

use super::{Breaker, LEAST_OPEN, Mode, Probe, State, Trial, Verdict};
use crate::{
    class::Priority,
    event::Cause,
    outcome::{Outcome, Sample},
    signal::Signal,
};

impl Breaker {
    pub(super) fn admit_probe(&mut self, priority: Priority, now: Instant) -> Verdict {
        let patience = self.slow_after.saturating_mul(2).max(self.figures.open_for);
        let State::HalfOpen(trial) = &mut self.state else { return Verdict::Pass };
        let head_start = HEAD_START.saturating_sub(trial.age(now));
        if priority == Priority::Bulk && !head_start.is_zero() {
            return Verdict::Refuse { retry_after: head_start };
        }
        if trial.out + trial.passed >= self.figures.probes {
            let rest = trial.rest(now);
            if rest < patience {
                return Verdict::Refuse { retry_after: self.figures.open_for };
            }
            if trial.passed == 0 {
                self.open(now, Cause::ProbeFailed { latency: rest });
                return self.admit(priority, now);
            }
            // One probe that hangs for ever must not keep it half-open for ever.
            self.attempt(now, self.cause.clone());
        }
        let State::HalfOpen(trial) = &mut self.state else { return Verdict::Pass };
        trial.send(now);
        Verdict::Try(Probe { generation: self.generation })
    }

    /// The database may speak for probes that said nothing themselves.
    pub(super) fn settle(&mut self, signal: &Signal) {
        if !self.judges(signal) {
            return;
        }
        let bad: u64 = signal.calls.iter().map(|calls| calls.bad).sum();
        let all = signal.calls.iter().map(|calls| calls.all).sum();
        let State::HalfOpen(trial) = &mut self.state else { return };
        if bad == 0 {
            trial.settle(all);
            self.close_if_passed(signal.at);
        }
    }

    /// A probe came back.
    pub(crate) fn finish(&mut self, probe: Probe, now: Instant, sample: &Sample) {
        let (slow, latency) = (sample.latency > self.slow_after, sample.latency);
        let Some(trial) = self.give_back(probe) else { return };
        match sample.outcome {
            Outcome::Success if !slow => {
                trial.passed += 1;
                self.close_if_passed(now);
            }
            Outcome::Ignore if !slow => {
                trial.undecided += 1;
                let probes = trial.undecided;
                if probes >= self.figures.probes.saturating_mul(UNDECIDED_PER_PROBE) {
                    self.open(now, Cause::ProbesUndecided { probes });
                }
            }
            _ => self.open(now, Cause::ProbeFailed { latency }),
        }
    }

    /// Whether the circuit still waits for what becomes of this probe.
    pub(crate) fn is_out(&self, probe: Probe) -> bool {
        let trying = matches!(self.state, State::HalfOpen(_)) && self.mode == Mode::Automatic;
        trying && probe.generation == self.generation
    }

    /// A probe never went out: another gate refused it, or its client left the queue.
    pub(crate) fn withdraw(&mut self, probe: Probe) {
        self.give_back(probe);
    }

    /// A probe was given up after `elapsed`, by a client that left.
    pub(crate) fn abandon(&mut self, probe: Probe, now: Instant, elapsed: Duration) {
        let slow = elapsed > self.slow_after;
        match self.give_back(probe) {
            Some(_) if slow => self.open(now, Cause::ProbeFailed { latency: elapsed }),
            Some(trial) => trial.undecided += 1,
            None => {}
        }
    }

    fn give_back(&mut self, probe: Probe) -> Option<&mut Trial> {
        let current = probe.generation == self.generation;
        let State::HalfOpen(trial) = &mut self.state else { return None };
        if !current {
            return None;
        }
        trial.out -= 1;
        Some(trial)
    }

    /// An active probe came back, in time or not. One that passes counts as a probe that
    /// passed, and wakes an open circuit. One that fails keeps it open, though never for
    /// more than `open_at_most`: it may be the probe that is broken.
    pub(crate) fn probed(&mut self, now: Instant, passed: bool) {
        if self.mode != Mode::Automatic {
            return;
        }
        let (cause, slow_after) = (Cause::ActiveProbe { passed }, self.slow_after());
        match &mut self.state {
            State::Open { since, .. } if passed && now >= *since + LEAST_OPEN => {
                self.attempt(now, cause);
                self.pass_active(now);
            }
            State::Open { since, until, .. } if !passed => {
                // Until after the next, which may hang for as long as is slow.
                let longer = now + self.figures.open_for + slow_after;
                *until = (*until).max(longer.min(*since + self.figures.open_at_most));
            }
            State::HalfOpen(_) if passed => self.pass_active(now),
            State::HalfOpen(trial) if trial.is_active_only() => self.reopen(now, cause),
            _ => {}
        }
    }

    fn pass_active(&mut self, now: Instant) {
        let State::HalfOpen(trial) = &mut self.state else { return };
        trial.passed += 1;
        trial.active += 1;
        self.close_if_passed(now);
    }

    fn close_if_passed(&mut self, now: Instant) {
        let State::HalfOpen(trial) = self.state else { return };
        if trial.passed >= self.figures.probes {
            self.close(now, Cause::ProbesPassed { probes: trial.passed });
        }
    }
}

/// Answers that say nothing, such as a 404, until the trial is broken off.
const UNDECIDED_PER_PROBE: u32 = 10;

/// For so long a half-open circuit waits for something more important than a bulk request.
const HEAD_START: Duration = Duration::from_millis(500);
