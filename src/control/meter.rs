//! The accounting of one downstream between two signals.

use std::time::{Duration, Instant};

use crate::{
    outcome::Outcome,
    signal::{Signal, StatementSignal},
};

/// Counts what happens and turns it into a [`Signal`] when asked.
#[derive(Debug)]
pub(crate) struct Meter {
    slow_after: Duration,
    /// Start times are kept as a sum, in nanoseconds after this.
    origin: Instant,
    since: Instant,
    last: Instant,
    in_flight: usize,
    starts: u128,
    busy: Duration,
    counts: Counts,
    statements: Vec<StatementSignal>,
}

#[derive(Debug, Default)]
struct Counts {
    ignored: Duration,
    finished: u64,
    slow: u64,
    overloads: u64,
    cancelled: u64,
    cancelled_slow: u64,
}

impl Meter {
    pub(crate) fn new(slow_after: Duration, now: Instant) -> Self {
        Self {
            slow_after,
            origin: now,
            since: now,
            last: now,
            in_flight: 0,
            starts: 0,
            busy: Duration::ZERO,
            counts: Counts::default(),
            statements: Vec::new(),
        }
    }

    pub(crate) fn in_flight(&self) -> usize {
        self.in_flight
    }

    /// A query starts.
    pub(crate) fn start(&mut self, now: Instant) {
        self.advance(now);
        self.in_flight += 1;
        self.starts += self.after_origin(now);
    }

    /// A query that was started comes back.
    pub(crate) fn finish(
        &mut self,
        now: Instant,
        started: Instant,
        statement: usize,
        outcome: Outcome,
    ) {
        self.leave(now, started);
        self.count(statement, now.saturating_duration_since(started), outcome);
    }

    /// The caller of a query that was started leaves before it comes back. Its time so
    /// far is in the busy time; what it would have taken is not known.
    pub(crate) fn cancel(&mut self, now: Instant, started: Instant) {
        self.leave(now, started);
        let slow = now.saturating_duration_since(started) > self.slow_after;
        self.counts.cancelled += 1;
        self.counts.cancelled_slow += u64::from(slow);
    }

    /// A query that nobody started here came back after `latency`.
    pub(crate) fn record(
        &mut self,
        now: Instant,
        statement: usize,
        latency: Duration,
        outcome: Outcome,
    ) {
        self.advance(now);
        self.busy = self.busy.saturating_add(latency);
        self.count(statement, latency, outcome);
    }

    /// All since the last call.
    pub(crate) fn take(&mut self, now: Instant, wall: Duration) -> Signal {
        self.advance(now);
        let counts = std::mem::take(&mut self.counts);
        let signal = Signal {
            at: now,
            wall,
            span: now.saturating_duration_since(self.since),
            slow_after: self.slow_after,
            in_flight: self.in_flight,
            age: self.mean_age(now),
            busy: std::mem::take(&mut self.busy),
            ignored: counts.ignored,
            finished: counts.finished,
            slow: counts.slow,
            overloads: counts.overloads,
            cancelled: counts.cancelled,
            cancelled_slow: counts.cancelled_slow,
            statements: self.statements.iter().filter(|own| own.count > 0).copied().collect(),
        };
        self.since = now.max(self.since);
        for (number, statement) in self.statements.iter_mut().enumerate() {
            *statement = empty(number);
        }
        signal
    }

    fn leave(&mut self, now: Instant, started: Instant) {
        self.advance(now);
        self.in_flight -= 1;
        self.starts -= self.after_origin(started);
    }

    fn count(&mut self, statement: usize, latency: Duration, outcome: Outcome) {
        self.counts.finished += 1;
        match outcome {
            Outcome::Overload => self.counts.overloads += 1,
            Outcome::Success | Outcome::Ignore if latency > self.slow_after => {
                self.counts.slow += 1;
            }
            Outcome::Success | Outcome::Ignore => {}
        }
        match outcome {
            Outcome::Success => self.count_success(statement, latency.as_secs_f64()),
            Outcome::Ignore => {
                self.counts.ignored = self.counts.ignored.saturating_add(latency);
            }
            Outcome::Overload => {}
        }
    }

    fn count_success(&mut self, statement: usize, seconds: f64) {
        while self.statements.len() <= statement {
            self.statements.push(empty(self.statements.len()));
        }
        let one = StatementSignal { statement, count: 1, seconds, squares: seconds * seconds };
        self.statements[statement].add(&one);
    }

    fn advance(&mut self, now: Instant) {
        // Threads read the clock before they get here, so `now` may be a little late.
        let elapsed = now.saturating_duration_since(self.last);
        let in_flight = u32::try_from(self.in_flight).unwrap_or(u32::MAX);
        self.busy = self.busy.saturating_add(elapsed.saturating_mul(in_flight));
        self.last += elapsed;
    }

    fn mean_age(&self, now: Instant) -> Duration {
        let Some(count) = u128::try_from(self.in_flight).ok().filter(|count| *count > 0) else {
            return Duration::ZERO;
        };
        let nanos = (self.after_origin(now) * count).saturating_sub(self.starts) / count;
        Duration::from_nanos(u64::try_from(nanos).unwrap_or(u64::MAX))
    }

    fn after_origin(&self, at: Instant) -> u128 {
        at.saturating_duration_since(self.origin).as_nanos()
    }
}

fn empty(statement: usize) -> StatementSignal {
    StatementSignal { statement, count: 0, seconds: 0.0, squares: 0.0 }
}

#[cfg(test)]
mod tests {
    use super::*;

    const MS: Duration = Duration::from_millis(1);

    fn meter() -> (Meter, Instant) {
        let t0 = Instant::now();
        (Meter::new(100 * MS, t0), t0)
    }

    #[test]
    fn busy_time_is_the_integral_of_in_flight() {
        let (mut meter, t0) = meter();
        meter.start(t0);
        meter.start(t0 + 10 * MS);
        meter.finish(t0 + 30 * MS, t0, 0, Outcome::Success);
        let signal = meter.take(t0 + 40 * MS, Duration::ZERO);
        assert_eq!(signal.busy, (10 + 2 * 20 + 10) * MS);
        assert_eq!((signal.in_flight, signal.finished), (1, 1));
    }

    #[test]
    fn a_stall_shows_before_anything_comes_back() {
        let (mut meter, t0) = meter();
        meter.start(t0);
        meter.start(t0 + 100 * MS);
        let signal = meter.take(t0 + 500 * MS, Duration::ZERO);
        assert_eq!(signal.age, 450 * MS);
        assert_eq!(signal.busy, 900 * MS);
        assert_eq!(signal.finished, 0);
    }

    #[test]
    fn a_cancelled_query_counts_for_as_long_as_it_ran() {
        let (mut meter, t0) = meter();
        meter.start(t0);
        meter.cancel(t0 + 70 * MS, t0);
        let signal = meter.take(t0 + 100 * MS, Duration::ZERO);
        assert_eq!((signal.busy, signal.cancelled, signal.finished), (70 * MS, 1, 0));
        assert_eq!((signal.in_flight, signal.age), (0, Duration::ZERO));
        assert_eq!(signal.cancelled_slow, 0);
    }

    #[test]
    fn a_query_given_up_when_slow_already_is_told_apart() {
        let (mut meter, t0) = meter();
        meter.start(t0);
        meter.cancel(t0 + 101 * MS, t0);
        let signal = meter.take(t0 + 200 * MS, Duration::ZERO);
        assert_eq!((signal.cancelled, signal.cancelled_slow, signal.slow), (1, 1, 0));
    }

    #[test]
    fn only_successes_make_the_statement_figures() {
        let (mut meter, t0) = meter();
        meter.record(t0, 1, 2 * MS, Outcome::Success);
        meter.record(t0, 1, 4 * MS, Outcome::Success);
        meter.record(t0, 1, 900 * MS, Outcome::Overload);
        meter.record(t0, 0, MS, Outcome::Ignore);
        let signal = meter.take(t0 + MS, Duration::ZERO);
        let [only] = signal.statements[..] else { panic!("{:?}", signal.statements) };
        assert_eq!((only.statement, only.count), (1, 2));
        assert!((only.mean() - 0.003).abs() < 1e-12);
        assert!((only.variance() - 1e-6).abs() < 1e-12);
        assert_eq!((signal.finished, signal.overloads, signal.slow), (4, 1, 0));
        assert_eq!(signal.ignored, MS);
    }

    #[test]
    fn absurd_latencies_do_no_harm() {
        let (mut meter, t0) = meter();
        for outcome in [Outcome::Success, Outcome::Ignore, Outcome::Success, Outcome::Ignore] {
            meter.record(t0, 0, Duration::MAX, outcome);
        }
        meter.start(t0 + MS);
        assert_eq!(meter.take(t0 + 2 * MS, Duration::ZERO).slow, 4);
    }

    #[test]
    fn each_signal_starts_afresh() {
        let (mut meter, t0) = meter();
        meter.record(t0, 0, 200 * MS, Outcome::Success);
        assert_eq!(meter.take(t0 + MS, Duration::ZERO).slow, 1);
        let second = meter.take(t0 + 3 * MS, Duration::ZERO);
        assert_eq!((second.finished, second.slow, second.span), (0, 0, 2 * MS));
        assert!(second.statements.is_empty());
    }

    #[test]
    fn late_clock_readings_do_no_harm() {
        let (mut meter, t0) = meter();
        meter.start(t0 + 5 * MS);
        meter.start(t0 + 4 * MS);
        meter.finish(t0 + 3 * MS, t0 + 4 * MS, 0, Outcome::Success);
        meter.finish(t0 + 9 * MS, t0 + 5 * MS, 0, Outcome::Success);
        let signal = meter.take(t0 + 2 * MS, Duration::ZERO);
        assert_eq!((signal.in_flight, signal.finished), (0, 2));
    }
}
