//! The circuit breaker: closed while the database keeps up, open while it does not,
//! half-open to find out.

use std::time::{Duration, Instant};

use crate::{
    event::Circuit,
    outcome::{Outcome, Sample},
    signal::Signal,
};

use super::window::Window;

/// The figures that a breaker goes by; documented where users set them.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Figures {
    pub(crate) trip_share: f64,
    pub(crate) min_calls: u64,
    pub(crate) window: Duration,
    pub(crate) open_for: Duration,
    pub(crate) open_at_most: Duration,
    pub(crate) probes: u32,
}

#[derive(Debug)]
pub(crate) struct Breaker {
    figures: Figures,
    state: State,
    window: Window<Calls>,
    /// As the last signal said.
    slow_after: Duration,
    /// When a query came back for the last time, or none was out.
    last_back: Instant,
    /// Counts the times that the circuit opened, so that a probe of an earlier
    /// half-open spell has no say in a later one.
    generation: u64,
    /// Openings in a row, which lengthen the next.
    openings: u32,
}

#[derive(Clone, Copy, Debug, PartialEq)]
enum State {
    Closed,
    Open { until: Instant },
    HalfOpen(Trial),
}

/// One half-open spell.
#[derive(Clone, Copy, Debug, PartialEq)]
struct Trial {
    since: Instant,
    /// Probes that have not come back, that succeeded, and that said nothing.
    out: u32,
    passed: u32,
    undecided: u32,
}

#[derive(Clone, Debug, Default)]
struct Calls {
    all: u64,
    bad: u64,
}

/// Leave to try while the circuit is half-open. Has to come back, by `finish` or
/// `abandon`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Probe {
    generation: u64,
}

/// The answer to one request.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Verdict {
    Pass,
    Try(Probe),
    Refuse { retry_after: Duration },
}

impl Breaker {
    pub(crate) fn new(figures: Figures, now: Instant) -> Self {
        Self {
            figures,
            state: State::Closed,
            window: Window::new(figures.window, now),
            slow_after: Duration::MAX,
            last_back: now,
            generation: 0,
            openings: 0,
        }
    }

    pub(crate) fn circuit(&self) -> Circuit {
        match self.state {
            State::Closed => Circuit::Closed,
            State::Open { .. } => Circuit::Open,
            State::HalfOpen(_) => Circuit::HalfOpen,
        }
    }

    pub(crate) fn admit(&mut self, now: Instant) -> Verdict {
        if let State::Open { until } = self.state {
            if now < until {
                return Verdict::Refuse { retry_after: until - now };
            }
            self.state = State::HalfOpen(Trial::new(now));
        }
        let State::HalfOpen(trial) = &mut self.state else { return Verdict::Pass };
        if trial.out + trial.passed >= self.figures.probes {
            let patience = self.figures.open_at_most.max(self.slow_after);
            if now.saturating_duration_since(trial.since) < patience {
                return Verdict::Refuse { retry_after: self.figures.open_for };
            }
            // Probes that hang for ever must not keep the circuit half-open for ever.
            self.generation += 1;
            *trial = Trial::new(now);
        }
        trial.out += 1;
        Verdict::Try(Probe { generation: self.generation })
    }

    /// What the database did. While the circuit is not closed, what comes back was mostly
    /// started before, so only good news count, and only for probes that said nothing.
    pub(crate) fn on_signal(&mut self, signal: &Signal) {
        self.slow_after = signal.slow_after;
        match self.state {
            State::Closed => self.watch(signal),
            State::HalfOpen(trial) => self.settle(signal, trial),
            State::Open { .. } => {}
        }
    }

    /// The database may speak for probes that said nothing themselves.
    fn settle(&mut self, signal: &Signal, mut trial: Trial) {
        let fresh = signal.at.saturating_duration_since(trial.since) >= signal.span;
        let healthy = signal.slow + signal.overloads + signal.cancelled_slow == 0;
        if !(fresh && healthy) {
            return;
        }
        let settled = trial.undecided.min(u32::try_from(signal.finished).unwrap_or(u32::MAX));
        trial.undecided -= settled;
        trial.passed += settled;
        self.state = State::HalfOpen(trial);
        if trial.passed >= self.figures.probes {
            self.close(signal.at);
        }
    }

    fn watch(&mut self, signal: &Signal) {
        let stalled = self.stalled(signal);
        let calls = self.window.current(signal.at);
        let hung = stalled + signal.cancelled_slow;
        calls.all += signal.finished + hung;
        calls.bad += signal.slow + signal.overloads + hung;
        let (all, bad) = self
            .window
            .recent(signal.at)
            .fold((0, 0), |(all, bad), calls| (all + calls.all, bad + calls.bad));
        if all >= self.figures.min_calls && bad as f64 >= self.figures.trip_share * all as f64 {
            self.open(signal.at);
        }
    }

    /// A probe came back.
    pub(crate) fn finish(&mut self, probe: Probe, now: Instant, sample: &Sample) {
        let slow = sample.latency > self.slow_after;
        let probes = self.figures.probes;
        let Some(trial) = self.give_back(probe) else { return };
        match sample.outcome {
            Outcome::Success if !slow => {
                trial.passed += 1;
                if trial.passed >= probes {
                    self.close(now);
                }
            }
            Outcome::Ignore if !slow => {
                trial.undecided += 1;
                if trial.undecided >= probes.saturating_mul(UNDECIDED_PER_PROBE) {
                    self.open(now);
                }
            }
            _ => self.open(now),
        }
    }

    /// A probe was given up after `elapsed`, by a client that left or a full queue.
    pub(crate) fn abandon(&mut self, probe: Probe, now: Instant, elapsed: Duration) {
        let slow = elapsed > self.slow_after;
        match self.give_back(probe) {
            Some(_) if slow => self.open(now),
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

    /// Queries that hang: for long nothing came back, and what is out has been out for
    /// long. One alone may be a long report and is no stall.
    fn stalled(&mut self, signal: &Signal) -> u64 {
        if signal.finished > 0 || signal.in_flight == 0 {
            self.last_back = signal.at;
        }
        let silence = signal.at.saturating_duration_since(self.last_back);
        let stall = signal.in_flight > 1 && silence.min(signal.age) > signal.slow_after;
        if stall { signal.in_flight as u64 } else { 0 }
    }

    fn close(&mut self, now: Instant) {
        self.last_back = now;
        self.window = Window::new(self.figures.window, now);
        self.openings = 0;
        self.state = State::Closed;
    }

    fn open(&mut self, now: Instant) {
        let longer = self.figures.open_for.saturating_mul(1 << self.openings.min(16));
        let until = now + longer.min(self.figures.open_at_most);
        self.openings = self.openings.saturating_add(1);
        self.generation += 1;
        self.state = State::Open { until };
    }
}

impl Trial {
    fn new(now: Instant) -> Self {
        Self { since: now, out: 0, passed: 0, undecided: 0 }
    }
}

/// Answers that say nothing, such as a 404, until the trial is broken off.
const UNDECIDED_PER_PROBE: u32 = 10;

#[cfg(test)]
mod tests;
