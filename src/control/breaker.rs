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
        if now.saturating_duration_since(trial.since) >= self.figures.open_at_most {
            // Probes that hang for ever must not keep the circuit half-open for ever.
            self.generation += 1;
            *trial = Trial::new(now);
        }
        if trial.out + trial.passed >= self.figures.probes {
            return Verdict::Refuse { retry_after: self.figures.open_for };
        }
        trial.out += 1;
        Verdict::Try(Probe { generation: self.generation })
    }

    /// What the database did. Counts only while the circuit is closed: what comes back
    /// later was started before.
    pub(crate) fn on_signal(&mut self, signal: &Signal) {
        if self.state != State::Closed {
            return;
        }
        self.slow_after = signal.slow_after;
        let stalled = stalled(signal);
        let calls = self.window.current(signal.at);
        calls.all += signal.finished + stalled;
        calls.bad += signal.slow + signal.overloads + stalled;
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
        if self.give_back(probe).is_some() && slow {
            self.open(now);
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

    fn close(&mut self, now: Instant) {
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

/// Queries that hang: nothing came back in the span, and what is out has been out for
/// long. One alone may be a long report and is no stall.
fn stalled(signal: &Signal) -> u64 {
    let hangs = signal.finished == 0 && signal.in_flight > 1;
    if hangs && signal.age > signal.slow_after { signal.in_flight as u64 } else { 0 }
}

#[cfg(test)]
mod tests {
    use super::*;

    const SECOND: Duration = Duration::from_secs(1);
    const FAST: Sample = Sample { latency: Duration::from_millis(5), outcome: Outcome::Success };

    fn figures() -> Figures {
        Figures {
            trip_share: 0.5,
            min_calls: 10,
            window: 3 * SECOND,
            open_for: SECOND,
            open_at_most: 4 * SECOND,
            probes: 2,
        }
    }

    fn signal(at: Instant, finished: u64, slow: u64) -> Signal {
        Signal {
            at,
            span: SECOND / 10,
            slow_after: SECOND,
            in_flight: 0,
            age: Duration::ZERO,
            busy: Duration::ZERO,
            ignored: Duration::ZERO,
            finished,
            slow,
            overloads: 0,
            cancelled: 0,
            statements: Vec::new(),
        }
    }

    fn opened() -> (Breaker, Instant) {
        let t0 = Instant::now();
        let mut breaker = Breaker::new(figures(), t0);
        breaker.on_signal(&signal(t0, 10, 10));
        assert_eq!(breaker.circuit(), Circuit::Open);
        (breaker, t0)
    }

    fn probe(breaker: &mut Breaker, now: Instant) -> Probe {
        match breaker.admit(now) {
            Verdict::Try(probe) => probe,
            other => panic!("no probe but {other:?}"),
        }
    }

    #[test]
    fn trips_when_half_of_enough_calls_are_slow() {
        let t0 = Instant::now();
        let mut breaker = Breaker::new(figures(), t0);
        breaker.on_signal(&signal(t0, 9, 9));
        assert_eq!(breaker.circuit(), Circuit::Closed, "too few calls to judge by");
        breaker.on_signal(&signal(t0, 10, 0));
        assert_eq!(breaker.circuit(), Circuit::Closed, "9 of 19");
        breaker.on_signal(&signal(t0, 1, 1));
        assert_eq!(breaker.circuit(), Circuit::Open, "10 of 20");
    }

    #[test]
    fn slow_calls_slide_out_of_the_window() {
        let t0 = Instant::now();
        let mut breaker = Breaker::new(figures(), t0);
        breaker.on_signal(&signal(t0, 9, 9));
        breaker.on_signal(&signal(t0 + 3 * SECOND, 9, 5));
        assert_eq!(breaker.circuit(), Circuit::Closed);
    }

    #[test]
    fn trips_on_errors_as_on_slowness() {
        let t0 = Instant::now();
        let mut breaker = Breaker::new(figures(), t0);
        breaker.on_signal(&Signal { overloads: 6, ..signal(t0, 12, 0) });
        assert_eq!(breaker.circuit(), Circuit::Open);
    }

    #[test]
    fn trips_on_a_stall_in_which_nothing_comes_back() {
        let t0 = Instant::now();
        let mut breaker = Breaker::new(figures(), t0);
        let hanging = |at| Signal { in_flight: 4, age: 2 * SECOND, ..signal(at, 0, 0) };
        for tick in 0..3 {
            assert_eq!(breaker.circuit(), Circuit::Closed);
            breaker.on_signal(&hanging(t0 + SECOND / 10 * tick));
        }
        assert_eq!(breaker.circuit(), Circuit::Open);
    }

    #[test]
    fn a_single_long_report_is_no_stall() {
        let t0 = Instant::now();
        let mut breaker = Breaker::new(figures(), t0);
        for tick in 0..100 {
            let at = t0 + SECOND / 10 * tick;
            breaker.on_signal(&Signal { in_flight: 1, age: SECOND * 60, ..signal(at, 0, 0) });
        }
        assert_eq!(breaker.circuit(), Circuit::Closed);
    }

    #[test]
    fn open_refuses_and_says_for_how_long() {
        let (mut breaker, t0) = opened();
        let later = t0 + Duration::from_millis(300);
        let retry_after = Duration::from_millis(700);
        assert_eq!(breaker.admit(later), Verdict::Refuse { retry_after });
    }

    #[test]
    fn half_open_lets_no_more_than_its_probes_out() {
        let (mut breaker, t0) = opened();
        let now = t0 + SECOND;
        probe(&mut breaker, now);
        probe(&mut breaker, now);
        assert!(matches!(breaker.admit(now), Verdict::Refuse { .. }));
        assert_eq!(breaker.circuit(), Circuit::HalfOpen);
    }

    #[test]
    fn closes_after_all_probes_passed() {
        let (mut breaker, t0) = opened();
        let now = t0 + SECOND;
        let (first, second) = (probe(&mut breaker, now), probe(&mut breaker, now));
        breaker.finish(first, now, &FAST);
        assert_eq!(breaker.circuit(), Circuit::HalfOpen);
        breaker.finish(second, now, &FAST);
        assert_eq!(breaker.circuit(), Circuit::Closed);
        breaker.on_signal(&signal(now, 1, 1));
        assert_eq!(breaker.circuit(), Circuit::Closed, "the calls before the trip are forgotten");
    }

    #[test]
    fn an_abandoned_probe_gives_its_place_back() {
        let (mut breaker, t0) = opened();
        let now = t0 + SECOND;
        for _ in 0..10 {
            let probe = probe(&mut breaker, now);
            breaker.abandon(probe, now, SECOND / 10);
        }
        assert_eq!(breaker.circuit(), Circuit::HalfOpen);
        let probe = probe(&mut breaker, now);
        breaker.abandon(probe, now, 2 * SECOND);
        assert_eq!(breaker.circuit(), Circuit::Open, "given up, but slow by then");
    }

    #[test]
    fn a_slow_success_is_no_success() {
        let (mut breaker, t0) = opened();
        let probe = probe(&mut breaker, t0 + SECOND);
        breaker.finish(probe, t0 + 3 * SECOND, &Sample { latency: 2 * SECOND, ..FAST });
        assert_eq!(breaker.circuit(), Circuit::Open);
    }

    #[test]
    fn an_answer_that_says_nothing_gives_the_place_back_but_not_for_ever() {
        let (mut breaker, t0) = opened();
        for _ in 0..20 {
            assert_ne!(breaker.circuit(), Circuit::Closed);
            let probe = probe(&mut breaker, t0 + SECOND);
            assert_eq!(breaker.circuit(), Circuit::HalfOpen);
            breaker.finish(probe, t0 + SECOND, &Sample { outcome: Outcome::Ignore, ..FAST });
        }
        assert_eq!(breaker.circuit(), Circuit::Open, "two probes, twenty answers");
    }

    #[test]
    fn probes_that_hang_for_ever_are_given_up() {
        let (mut breaker, t0) = opened();
        let now = t0 + SECOND;
        let hanging = [probe(&mut breaker, now), probe(&mut breaker, now)];
        assert!(matches!(breaker.admit(now + 3 * SECOND), Verdict::Refuse { .. }));
        let now = now + 4 * SECOND;
        let fresh = [probe(&mut breaker, now), probe(&mut breaker, now)];
        breaker.abandon(hanging[0], now, 4 * SECOND);
        assert_eq!(breaker.circuit(), Circuit::HalfOpen, "a straggler has no say");
        for probe in fresh {
            breaker.finish(probe, now, &FAST);
        }
        assert_eq!(breaker.circuit(), Circuit::Closed);
    }

    #[test]
    fn open_time_doubles_to_its_cap_and_starts_afresh() {
        let (mut breaker, mut now) = opened();
        for seconds in [1, 2, 4, 4] {
            let Verdict::Refuse { retry_after } = breaker.admit(now) else { panic!("open") };
            assert_eq!(retry_after, seconds * SECOND);
            now += retry_after;
            let probe = probe(&mut breaker, now);
            breaker.finish(probe, now, &Sample { outcome: Outcome::Overload, ..FAST });
        }
        now += 4 * SECOND;
        for _ in 0..2 {
            let probe = probe(&mut breaker, now);
            breaker.finish(probe, now, &FAST);
        }
        breaker.on_signal(&signal(now, 10, 10));
        assert_eq!(breaker.admit(now), Verdict::Refuse { retry_after: SECOND });
    }

    #[test]
    fn stragglers_have_no_say() {
        let (mut breaker, t0) = opened();
        let now = t0 + SECOND;
        let (failing, straggler) = (probe(&mut breaker, now), probe(&mut breaker, now));
        breaker.finish(failing, now, &Sample { outcome: Outcome::Overload, ..FAST });
        let now = now + 2 * SECOND;
        let fresh = probe(&mut breaker, now);
        breaker.on_signal(&signal(now, 100, 100));
        breaker.finish(straggler, now, &Sample { outcome: Outcome::Overload, ..FAST });
        let trial = |out, passed| State::HalfOpen(Trial { out, passed, ..Trial::new(now) });
        assert_eq!(breaker.state, trial(1, 0));
        breaker.finish(fresh, now, &FAST);
        assert_eq!(breaker.state, trial(0, 1));
    }
}
