//! Promises of the breaker.

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
        wall: Duration::ZERO,
        span: SECOND / 10,
        slow_after: SECOND,
        in_flight: 0,
        age: Duration::ZERO,
        overdue: Duration::ZERO,
        busy: Duration::ZERO,
        ignored: Duration::ZERO,
        started: finished,
        strays: 0,
        finished,
        slow,
        overloads: 0,
        cancelled: 0,
        cancelled_slow: 0,
        calls: Vec::new(),
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
        breaker.on_signal(&hanging(t0 + 2 * SECOND + SECOND / 10 * tick));
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
fn long_reports_beside_light_traffic_are_no_stall() {
    let t0 = Instant::now();
    let mut breaker = Breaker::new(figures(), t0);
    for tick in 0..300 {
        let at = t0 + SECOND / 10 * tick;
        // Two reports are out all the time; of the rest, one comes back each second.
        let finished = u64::from(tick % 10 == 0);
        let age = at - t0;
        breaker.on_signal(&Signal { in_flight: 2, age, ..signal(at, finished, 0) });
    }
    assert_eq!(breaker.circuit(), Circuit::Closed);
}

#[test]
fn probes_that_take_longer_than_the_longest_open_time_still_close_it() {
    let t0 = Instant::now();
    let short = Figures { open_for: SECOND / 5, open_at_most: SECOND / 4, ..figures() };
    let mut breaker = Breaker::new(short, t0);
    breaker.on_signal(&signal(t0, 10, 10));
    let now = t0 + SECOND / 4;
    let (first, second) = (probe(&mut breaker, now), probe(&mut breaker, now));
    let later = now + SECOND / 2;
    assert!(matches!(breaker.admit(later), Verdict::Refuse { .. }));
    breaker.finish(first, later, &FAST);
    breaker.finish(second, later, &FAST);
    assert_eq!(breaker.circuit(), Circuit::Closed);
}

#[test]
fn the_database_speaks_for_probes_that_say_nothing() {
    let (mut breaker, t0) = opened();
    let now = t0 + SECOND;
    for _ in 0..2 {
        let probe = probe(&mut breaker, now);
        breaker.abandon(probe, now, SECOND / 100);
    }
    breaker.on_signal(&signal(now + SECOND / 20, 9, 0));
    assert_eq!(breaker.circuit(), Circuit::HalfOpen, "its span began before the trial");
    breaker.on_signal(&signal(now + SECOND / 5, 9, 1));
    assert_eq!(breaker.circuit(), Circuit::HalfOpen, "one was slow");
    breaker.on_signal(&signal(now + SECOND / 2, 9, 0));
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
