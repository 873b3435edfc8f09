//! Open, half-open, and closed again.

use super::*;

const OVERLOAD: Sample = Sample { outcome: Outcome::Overload, ..FAST };

#[test]
fn open_refuses_and_says_for_how_long() {
    let mut rig = Rig::opened();
    let retry_after = rig.retry_after();
    assert!(around(retry_after, SECOND), "{retry_after:?}");
    rig.now += TICK;
    assert_eq!(rig.retry_after(), retry_after - TICK);
    assert_eq!(rig.refusals(5), [5; 4], "whoever it is");
}

#[test]
fn half_open_lets_no_more_than_its_probes_out() {
    let (mut rig, _first) = Rig::tried();
    rig.probe();
    assert!(matches!(rig.admit(), Verdict::Refuse { .. }));
    assert_eq!(rig.circuit(), Circuit::HalfOpen);
    assert!(rig.cause().starts_with("it was open for "), "{}", rig.cause());
}

#[test]
fn bulk_requests_try_only_if_nothing_else_comes() {
    let mut rig = Rig::opened();
    rig.wait_out();
    let verdict = rig.breaker.admit(Priority::Bulk, rig.now);
    assert_eq!(verdict, Verdict::Refuse { retry_after: SECOND / 2 });
    rig.now += SECOND / 2;
    let verdict = rig.breaker.admit(Priority::Bulk, rig.now);
    assert!(matches!(verdict, Verdict::Try(_)), "{verdict:?}");
}

#[test]
fn closes_after_all_probes_passed_and_forgets_the_calls_before() {
    let (mut rig, first) = Rig::tried();
    let second = rig.probe();
    rig.finish(first, &FAST);
    assert_eq!(rig.circuit(), Circuit::HalfOpen);
    rig.finish(second, &FAST);
    assert_eq!(rig.circuit(), Circuit::Partial);
    assert_eq!(rig.cause(), "2 probes came back in time");
    assert_eq!(rig.breaker.knowledge(rig.now).calls, 0);
}

#[test]
fn after_it_closed_it_ramps_up_in_three_seconds() {
    let mut rig = Rig::closed_again();
    assert_eq!(rig.refusals(30), [0, 30, 30, 30]);
    let mut let_in = vec![0];
    for tick in 1..=30 {
        assert_eq!(rig.circuit(), Circuit::Partial, "after {tick} ticks");
        rig.tick(&[(0, 20, 1)]);
        let refused: u32 = rig.refusals(40).iter().sum();
        let_in.push(160 - refused);
    }
    assert!(let_in.is_sorted(), "{let_in:?}");
    let steps = let_in.windows(2).skip(1).map(|pair| pair[1] - pair[0]);
    assert!(steps.max() <= Some(5), "no stampede: {let_in:?}");
    assert_eq!(rig.circuit(), Circuit::Closed);
}

#[test]
fn a_ramp_stops_while_calls_are_bad() {
    let mut rig = Rig::closed_again();
    rig.ticks(10, &[(0, 20, 0)]);
    let before = rig.level();
    assert!(before < 2.1, "{before}");
    rig.ticks(20, &[(0, 20, 16)]);
    assert!(rig.level() > before, "{}", rig.level());
    assert_eq!(rig.circuit(), Circuit::Partial);
}

#[test]
fn an_abandoned_probe_gives_its_place_back() {
    let (mut rig, first) = Rig::tried();
    rig.breaker.abandon(first, rig.now, TICK);
    for _ in 0..10 {
        let probe = rig.probe();
        rig.breaker.abandon(probe, rig.now, TICK);
    }
    assert_eq!(rig.circuit(), Circuit::HalfOpen);
    let probe = rig.probe();
    rig.breaker.abandon(probe, rig.now, 2 * SECOND);
    assert_eq!(rig.circuit(), Circuit::Open, "given up, but slow by then");
    assert_eq!(rig.cause(), "a probe failed or was too slow after 2 s");
}

#[test]
fn a_slow_success_is_no_success() {
    let (mut rig, probe) = Rig::tried();
    rig.finish(probe, &Sample { latency: 2 * SECOND, ..FAST });
    assert_eq!(rig.circuit(), Circuit::Open);
}

#[test]
fn an_answer_that_says_nothing_gives_the_place_back_but_not_for_ever() {
    let (mut rig, mut probe) = Rig::tried();
    for _ in 0..19 {
        rig.finish(probe, &Sample { outcome: Outcome::Ignore, ..FAST });
        assert_eq!(rig.circuit(), Circuit::HalfOpen);
        probe = rig.probe();
    }
    rig.finish(probe, &Sample { outcome: Outcome::Ignore, ..FAST });
    assert_eq!(rig.circuit(), Circuit::Open, "two probes, twenty answers");
    assert_eq!(rig.cause(), "20 probes said nothing about the database");
}

#[test]
fn the_database_speaks_for_probes_that_say_nothing() {
    let (mut rig, first) = Rig::tried();
    let second = rig.probe();
    for probe in [first, second] {
        rig.breaker.abandon(probe, rig.now, TICK / 10);
    }
    rig.now -= TICK / 2;
    rig.tick(&[(0, 9, 0)]);
    assert_eq!(rig.circuit(), Circuit::HalfOpen, "its span began before the trial");
    rig.tick(&[(0, 9, 1)]);
    assert_eq!(rig.circuit(), Circuit::HalfOpen, "one was slow");
    rig.straggle(9);
    assert_eq!(rig.circuit(), Circuit::HalfOpen, "they were started before");
    rig.tick(&[(0, 9, 0)]);
    assert_eq!(rig.circuit(), Circuit::Partial);
}

#[test]
fn probes_that_all_hang_open_it_again() {
    let (mut rig, hanging) = Rig::tried();
    rig.probe();
    rig.now += 2 * SECOND - TICK;
    assert_eq!(rig.retry_after(), SECOND);
    rig.now += TICK;
    let retry_after = rig.retry_after();
    assert!(around(retry_after, 2 * SECOND), "{retry_after:?}");
    assert_eq!(rig.circuit(), Circuit::Open);
    rig.now += retry_after;
    let _fresh = rig.probe();
    rig.finish(hanging, &OVERLOAD);
    assert_eq!(rig.circuit(), Circuit::HalfOpen, "a straggler has no say");
}

#[test]
fn one_probe_that_hangs_beside_good_ones_is_given_up() {
    let (mut rig, _hanging) = Rig::tried();
    let passed = rig.probe();
    rig.finish(passed, &FAST);
    rig.now += 2 * SECOND;
    for _ in 0..2 {
        let probe = rig.probe();
        rig.finish(probe, &FAST);
    }
    assert_eq!(rig.circuit(), Circuit::Partial);
}

#[test]
fn probes_that_take_longer_than_the_longest_open_time_still_close_it() {
    let mut rig =
        Rig::with(Figures { open_for: SECOND / 5, open_at_most: SECOND / 4, ..figures() });
    rig.tick(&[(0, 10, 10)]);
    rig.wait_out();
    let probes = [rig.probe(), rig.probe()];
    rig.now += SECOND / 2;
    assert!(matches!(rig.admit(), Verdict::Refuse { .. }));
    probes.map(|probe| rig.finish(probe, &FAST));
    assert_eq!(rig.circuit(), Circuit::Partial);
}

#[test]
fn open_time_doubles_to_its_cap_and_starts_afresh_once_fully_closed() {
    let mut rig = Rig::opened();
    for seconds in [1, 2, 4, 4] {
        let retry_after = rig.retry_after();
        assert!(around(retry_after, seconds * SECOND), "{retry_after:?}");
        rig.now += retry_after;
        let probe = rig.probe();
        rig.finish(probe, &OVERLOAD);
    }
    rig.wait_out();
    for _ in 0..2 {
        let probe = rig.probe();
        rig.finish(probe, &FAST);
    }
    rig.ticks(31, &[(0, 20, 0)]);
    assert_eq!(rig.circuit(), Circuit::Closed);
    rig.ticks(12, &[(0, 20, 20)]);
    assert_eq!(rig.circuit(), Circuit::Open);
    let retry_after = rig.retry_after();
    assert!(retry_after <= SECOND.mul_f64(1.2), "{retry_after:?}");
}

#[test]
fn opening_during_the_ramp_is_one_more_in_a_row() {
    let mut rig = Rig::closed_again();
    rig.ticks(2, &[(0, 20, 20)]);
    assert_eq!(rig.circuit(), Circuit::Open);
    let retry_after = rig.retry_after();
    assert!(around(retry_after, 2 * SECOND), "{retry_after:?}");
}

#[test]
fn a_fleet_does_not_try_in_step() {
    let now = Instant::now();
    let open_time = |seed| {
        let breaker = Breaker::new(figures(), seed, now);
        let mut rig = Rig { breaker, now, in_flight: 0, overdue: Duration::ZERO };
        rig.tick(&[(0, 10, 10)]);
        rig.retry_after()
    };
    let times: Vec<_> = (0..100).map(open_time).collect();
    assert!(times.iter().all(|time| around(*time, SECOND)), "{times:?}");
    for half in [SECOND..2 * SECOND, Duration::ZERO..SECOND] {
        let inside = times.iter().filter(|time| half.contains(time)).count();
        assert!((30..=70).contains(&inside), "{times:?}");
    }
}

#[test]
fn old_queries_that_succeed_are_a_sign_that_it_answers_again() {
    let mut rig = Rig::opened();
    for _ in 0..3 {
        rig.wait_out();
        let probe = rig.probe();
        rig.finish(probe, &OVERLOAD);
    }
    assert!(rig.retry_after() > 3 * SECOND);
    rig.straggle(5);
    assert_eq!(rig.circuit(), Circuit::Open, "they do not close it");
    assert_eq!(rig.retry_after(), 2 * TICK, "open for 0.3 s at least");
    rig.now += 2 * TICK;
    rig.probe();
    assert_eq!(rig.cause(), "5 queries came back after it was open for 300 ms");
}

#[test]
fn old_queries_that_fail_are_no_sign() {
    let mut rig = Rig::opened();
    let retry_after = rig.retry_after();
    rig.now += TICK;
    let mut signal = rig.signal(&[(0, 5, 5)]);
    signal.statements.clear();
    rig.breaker.on_signal(&signal);
    assert_eq!(rig.retry_after(), retry_after - TICK);
}

#[test]
fn what_came_back_before_it_opened_is_no_sign() {
    let (mut rig, probe) = Rig::tried();
    rig.now += TICK / 2;
    rig.finish(probe, &OVERLOAD);
    rig.now -= TICK / 2;
    rig.straggle(5);
    assert!(rig.retry_after() > SECOND, "the span of the signal began before");
}

#[test]
fn stragglers_that_fail_after_it_closed_do_not_open_it_again() {
    let mut rig = Rig::closed_again();
    let tried = rig.breaker.judge_since().expect("it has tried");
    // The meter has not been told yet who has no say.
    rig.now = tried - TICK / 2;
    rig.tick(&[(0, 100, 100)]);
    assert_eq!(rig.circuit(), Circuit::Partial);
    rig.now = rig.now.max(tried);
    rig.ticks(3, &[(0, 100, 100)]);
    assert_eq!(rig.circuit(), Circuit::Open, "the meter has been told by now");
}

#[test]
fn probes_of_an_earlier_spell_have_no_say() {
    let (mut rig, failing) = Rig::tried();
    let straggler = rig.probe();
    rig.finish(failing, &OVERLOAD);
    rig.wait_out();
    let fresh = rig.probe();
    rig.finish(straggler, &OVERLOAD);
    assert_eq!(rig.circuit(), Circuit::HalfOpen);
    rig.finish(fresh, &FAST);
    assert_eq!(rig.circuit(), Circuit::HalfOpen, "one of two");
    let second = rig.probe();
    rig.finish(second, &FAST);
    assert_eq!(rig.circuit(), Circuit::Partial);
}

#[test]
fn active_probes_close_it_without_a_request() {
    let mut rig = Rig::opened();
    rig.breaker.probed(rig.now + 2 * TICK, true);
    assert_eq!(rig.circuit(), Circuit::Open, "open for 0.3 s at least");
    rig.breaker.probed(rig.now + 3 * TICK, true);
    assert_eq!(rig.circuit(), Circuit::HalfOpen);
    assert_eq!(rig.cause(), "the active probe came back in time");
    rig.breaker.probed(rig.now + 5 * TICK, true);
    assert_eq!(rig.circuit(), Circuit::Partial);
    rig.breaker.probed(rig.now + 6 * TICK, false);
    assert_eq!(rig.circuit(), Circuit::Partial, "a closed circuit goes by the calls");
}

#[test]
fn an_active_probe_that_fails_keeps_it_open_and_doubles_nothing() {
    let mut rig = Rig::opened();
    for _ in 0..29 {
        rig.now += TICK;
        rig.breaker.probed(rig.now, false);
        assert_eq!(rig.retry_after(), SECOND, "four seconds are the most");
    }
    rig.breaker.probed(rig.now, true);
    assert_eq!(rig.circuit(), Circuit::HalfOpen);
    rig.breaker.probed(rig.now, false);
    assert_eq!(rig.cause(), "the active probe failed");
    let retry_after = rig.retry_after();
    assert!(around(retry_after, SECOND), "{retry_after:?}");
}

#[test]
fn an_active_probe_that_is_broken_does_not_keep_it_open_for_ever() {
    let mut rig = Rig::opened();
    for _ in 0..40 {
        rig.now += TICK;
        rig.breaker.probed(rig.now, false);
    }
    let probe = rig.probe();
    rig.breaker.probed(rig.now, false);
    assert_eq!(rig.circuit(), Circuit::HalfOpen, "a request tries");
    rig.finish(probe, &FAST);
    rig.breaker.probed(rig.now, false);
    assert_eq!(rig.circuit(), Circuit::HalfOpen, "and it passed");
}

#[test]
fn forced_open_refuses_whatever_the_database_does() {
    let mut rig = Rig::new();
    rig.breaker.force(Mode::ForcedOpen, rig.now);
    rig.ticks(100, &[(0, 20, 0)]);
    rig.breaker.probed(rig.now, true);
    assert_eq!((rig.circuit(), rig.cause()), (Circuit::Open, "forced".to_owned()));
    assert_eq!(rig.refusals(5), [5; 4]);
    rig.breaker.force(Mode::Automatic, rig.now);
    assert_eq!((rig.circuit(), rig.cause()), (Circuit::HalfOpen, "released".to_owned()));
    rig.probe();
}

#[test]
fn forced_closed_refuses_nobody_and_goes_on_watching() {
    let mut rig = Rig::opened();
    rig.breaker.force(Mode::ForcedClosed, rig.now);
    rig.ticks(12, &[(0, 20, 20)]);
    assert_eq!(rig.circuit(), Circuit::Closed);
    assert_eq!(rig.refusals(5), [0; 4]);
    assert_eq!(rig.breaker.knowledge(rig.now).bad_share, 1.0);
    rig.breaker.force(Mode::Automatic, rig.now);
    rig.tick(&[]);
    assert_eq!(rig.circuit(), Circuit::Open, "by what it saw meanwhile");
}

#[test]
fn a_probe_from_before_it_was_forced_has_no_say() {
    let (mut rig, probe) = Rig::tried();
    rig.breaker.force(Mode::ForcedOpen, rig.now);
    rig.breaker.force(Mode::Automatic, rig.now);
    rig.finish(probe, &OVERLOAD);
    assert_eq!(rig.circuit(), Circuit::HalfOpen);
}

proptest! {
    /// Whatever comes of the probes: no more than two are out, and whoever waits tries again.
    #[test]
    fn probes_are_bounded_and_never_leak(
        steps in proptest::collection::vec((0..6_u8, 0..3_000_u64), 1..200),
    ) {
        let mut rig = Rig::opened();
        let mut out: Vec<(Probe, u64)> = Vec::new();
        for (step, pause) in steps {
            rig.now += Duration::from_millis(pause);
            let generation = rig.breaker.generation;
            match (step, out.pop()) {
                (0, Some((probe, _))) => rig.finish(probe, &FAST),
                (1, Some((probe, _))) => rig.finish(probe, &OVERLOAD),
                (2, Some((probe, _))) => rig.breaker.abandon(probe, rig.now, TICK),
                (3, Some(kept)) => {
                    out.push(kept);
                    rig.tick(&[(0, 5, 1)]);
                }
                (_, kept) => {
                    out.extend(kept);
                    if let Verdict::Try(probe) = rig.admit() {
                        out.push((probe, rig.breaker.generation));
                    }
                }
            }
            let current = out.iter().filter(|(_, of)| *of == generation).count();
            prop_assert!(current <= 2, "{current}");
        }
        // Those that are out hang for ever.
        rig.now += 100 * SECOND;
        let refused = matches!(rig.admit(), Verdict::Refuse { .. });
        rig.now += 100 * SECOND;
        let tries = matches!(rig.admit(), Verdict::Try(_) | Verdict::Pass);
        prop_assert!(tries, "{refused}: {:?}", rig.breaker.state);
    }
}
