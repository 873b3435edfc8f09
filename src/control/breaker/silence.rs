//! Whether the database has stopped answering at all.

use std::time::{Duration, Instant};

use crate::{control::window::Window, signal::Signal};

/// Watches for a stall: for `stall_after` nothing came back, although two or more queries
/// are out and beyond what is slow for them, all on average or some since the last one
/// came back.
///
/// Reports that run for minutes beside a trickle of other queries look alike. So what was
/// beyond slow already when something came back for the last time is known to be long,
/// and its silence says nothing. It counts only if, at the rate of the last half minute,
/// several queries should have come back since.
#[derive(Debug)]
pub(super) struct Silence {
    stall_after: Duration,
    since: Instant,
    /// Nothing was out at the last signal.
    idle: bool,
    in_flight: usize,
    /// Of those in flight, how many at least have been so all through the silence.
    held: usize,
    /// Of those in flight, how many are known to be long.
    long: usize,
    back: Window<u64>,
}

impl Silence {
    pub(super) fn new(stall_after: Duration, now: Instant) -> Self {
        let back = Window::new(MEMORY, now.into());
        Self { stall_after, since: now, idle: true, in_flight: 0, held: 0, long: 0, back }
    }

    /// For how long nothing came back, if that is a stall.
    pub(super) fn hear(&mut self, signal: &Signal) -> Option<Duration> {
        self.long = self.long.min(signal.in_flight);
        if signal.finished > 0 || signal.in_flight == 0 {
            self.since = signal.at;
            self.held = signal.in_flight;
            self.long = if signal.overdue.is_zero() { 0 } else { signal.in_flight };
        } else if self.idle {
            // All that are out went out in the span of this signal.
            self.since = self.since.max(signal.at.checked_sub(signal.age).unwrap_or(self.since));
            self.held = signal.in_flight;
        } else {
            self.held -= self.held.min(usize::try_from(signal.cancelled).unwrap_or(usize::MAX));
        }
        self.idle = signal.in_flight == 0;
        self.in_flight = signal.in_flight;
        let usual: u64 = self.back.recent(signal.at.into()).sum();
        *self.back.current(signal.at.into()) += signal.finished;
        self.stalled(signal, usual as f64 / MEMORY.as_secs_f64())
    }

    fn stalled(&self, signal: &Signal, usual: f64) -> Option<Duration> {
        let silence = signal.at.saturating_duration_since(self.since);
        let beyond_slow =
            !signal.overdue.is_zero() || (self.held > 1 && silence > signal.slow_after);
        let hanging = signal.in_flight > 1 && beyond_slow;
        let strange = signal.in_flight - self.long > 1 || usual * silence.as_secs_f64() >= EXPECTED;
        (silence >= self.stall_after && hanging && strange).then_some(silence)
    }

    /// What is out now had its say.
    pub(super) fn restart(&mut self, now: Instant) {
        self.since = now;
        (self.long, self.held) = (self.in_flight, self.in_flight);
    }
}

/// How far back the usual rate looks.
const MEMORY: Duration = Duration::from_secs(30);

/// Queries that should have come back in the silence. If they come at random, that none
/// of five does has a chance of 1 in 150.
const EXPECTED: f64 = 5.0;
