//! Open, half-open, and closed again.

use super::*;

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
    rig.ticks(5, &[(0, 20, 0)]);
    let before = rig.level();
    assert!(before < 2.6, "{before}");
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
    probes.into_iter().for_each(|probe| rig.finish(probe, &FAST));
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
    while rig.circuit() != Circuit::Open {
        rig.tick(&[(0, 20, 20)]);
    }
    let retry_after = rig.retry_after();
    assert!(retry_after <= SECOND.mul_f64(1.2), "{retry_after:?}");
}

#[test]
fn opening_during_the_ramp_is_one_more_in_a_row() {
    let mut rig = Rig::closed_again();
    rig.ticks(2, &[(0, 20, 20)]);
    assert_eq!(rig.circuit(), Circuit::Open, "the first may be of stragglers");
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
        let inside = times.iter().filter(|time| half.contains(*time)).count();
        assert!((30..=70).contains(&inside), "{times:?}");
    }
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
        let tries = (0..3).any(|_| {
            rig.now += 100 * SECOND;
            !matches!(rig.admit(), Verdict::Refuse { .. })
        });
        prop_assert!(tries, "{:?}", rig.breaker.state);
    }
}

#[test]
fn breakers_of_different_seeds_do_not_look_in_step() {
    let spread = |seed| Breaker::new(figures(), seed, Instant::now()).spread(SECOND);
    assert!((0..50).all(|seed| around(spread(seed), SECOND)));
    assert!((1..50).all(|seed| spread(seed) != spread(0)));
}
