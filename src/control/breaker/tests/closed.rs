//! Closed and partial.

use super::*;

#[test]
fn it_dims_when_half_of_enough_calls_are_bad() {
    let mut rig = Rig::new();
    rig.tick(&[(0, 9, 8)]);
    assert_eq!(rig.circuit(), Circuit::Closed, "too few calls to judge by");
    rig.tick(&[(0, 10, 0)]);
    assert_eq!(rig.circuit(), Circuit::Closed, "8 of 19");
    rig.tick(&[(0, 2, 2)]);
    assert_eq!(rig.circuit(), Circuit::Closed, "10 of 21");
    rig.tick(&[(0, 2, 2)]);
    assert_eq!(rig.circuit(), Circuit::Partial, "12 of 23");
}

#[test]
fn bad_calls_slide_out_of_the_window() {
    let mut rig = Rig::new();
    rig.tick(&[(0, 9, 9)]);
    rig.now += 3 * SECOND;
    rig.tick(&[(0, 9, 9)]);
    assert_eq!(rig.circuit(), Circuit::Closed);
    let known = rig.breaker.knowledge(rig.now);
    assert_eq!((known.calls, known.bad_share), (9, 1.0));
}

#[test]
fn below_the_least_calls_nothing_happens() {
    let mut rig = Rig::new();
    for _ in 0..100 {
        // Nine calls in three seconds.
        rig.tick(&[(0, 3, 3)]);
        rig.ticks(9, &[]);
        assert_eq!(rig.circuit(), Circuit::Closed);
    }
}

#[test]
fn the_lower_priorities_give_way_in_their_order() {
    let mut rig = Rig::new();
    let mut seen = Vec::new();
    for _ in 0..12 {
        rig.tick(&[(0, 20, 14)]);
        seen.push(rig.refusals(30));
    }
    for [critical, normal, sheddable, bulk] in &seen {
        assert_eq!(*critical, 0, "{seen:?}");
        assert!(normal == &0 || *sheddable == 30, "{seen:?}");
        assert!(sheddable == &0 || *bulk == 30, "{seen:?}");
    }
    assert!(seen.is_sorted(), "it grows: {seen:?}");
    assert_eq!(seen[2], [0, 0, 0, 30], "0.3 s");
    assert_eq!(seen[5], [0, 0, 30, 30], "0.6 s");
    assert_eq!(seen[8], [0, 30, 30, 30], "0.9 s");
    assert_eq!(rig.circuit(), Circuit::Partial, "70 % bad is no outage");
}

#[test]
fn it_brightens_while_calls_are_good() {
    let mut rig = Rig::new();
    rig.ticks(10, &[(0, 20, 14)]);
    assert!(rig.level() > 2.9);
    // It goes by the last second, and the ramp takes 3 s.
    rig.ticks(15, &[(0, 20, 0)]);
    assert_eq!(rig.circuit(), Circuit::Partial);
    rig.ticks(25, &[(0, 20, 0)]);
    assert_eq!(rig.circuit(), Circuit::Closed);
    assert_eq!(rig.cause(), "calls are good again");
}

#[test]
fn whoever_refuses_everybody_lets_in_again_without_a_signal() {
    let mut rig = Rig::new();
    rig.ticks(10, &[(0, 20, 14)]);
    assert_eq!(rig.refused(Priority::Bulk, 5), 5);
    rig.now += 4 * SECOND;
    assert_eq!(rig.refused(Priority::Bulk, 5), 0);
    assert_eq!(rig.circuit(), Circuit::Closed);
}

#[test]
fn it_opens_when_hardly_anything_succeeds() {
    let mut rig = Rig::new();
    rig.ticks(30, &[(0, 20, 0)]);
    let mut ticks = 0;
    while rig.circuit() != Circuit::Open {
        rig.tick(&[(0, 20, 20)]);
        ticks += 1;
    }
    assert!((7..=12).contains(&ticks), "{ticks}");
    let Cause::BadCalls(BadCalls { share, span, .. }) = rig.breaker.cause() else {
        panic!("{}", rig.cause());
    };
    assert!(*share >= 0.9 && *span == SECOND, "{}", rig.cause());
}

#[test]
fn slow_answers_are_answers_as_long_as_dimming_may_help() {
    let mut rig = Rig::new();
    rig.slow_ticks(8, &[(0, 20, 20)]);
    assert_eq!(rig.circuit(), Circuit::Partial);
    assert!(rig.level() > 2.5, "{}", rig.level());
    rig.slow_ticks(100, &[(0, 20, 20)]);
    assert_eq!(rig.circuit(), Circuit::Partial);
    rig.slow_ticks(2, &[(0, 20, 20)]);
    assert_eq!(rig.circuit(), Circuit::Open, "it has been dark for ten seconds");
}

#[test]
fn one_bad_moment_among_good_ones_is_no_outage() {
    let mut rig = Rig::new();
    rig.ticks(30, &[(0, 20, 0)]);
    rig.ticks(3, &[(0, 20, 20)]);
    rig.ticks(30, &[(0, 20, 0)]);
    assert_eq!(rig.circuit(), Circuit::Closed);
}

#[test]
fn a_trickle_is_judged_by_the_whole_window() {
    let mut rig = Rig::with(Figures { window: 20 * SECOND, ..figures() });
    let mut seconds = 0;
    while rig.circuit() != Circuit::Open {
        assert!(seconds < 12, "one bad query a second");
        rig.tick(&[(0, 1, 1)]);
        rig.ticks(9, &[]);
        seconds += 1;
    }
    assert_eq!(seconds, 10, "that many are enough to judge by");
}

#[test]
fn some_statements_that_are_ill_leave_it_closed() {
    let mut rig = Rig::new();
    rig.ticks(30, &[(0, 18, 0), (1, 3, 0)]);
    for _ in 0..100 {
        rig.tick(&[(0, 18, 18), (1, 3, 0)]);
        assert_eq!(rig.circuit(), Circuit::Closed);
    }
    let known = rig.breaker.knowledge(rig.now);
    assert!(known.bad_share > 0.8, "{known:?}");
}

#[test]
fn a_dimmed_circuit_brightens_where_something_is_well_in_the_window() {
    let mut rig = Rig::new();
    rig.ticks(12, &[(0, 20, 14)]);
    assert!(rig.level() > 2.9);
    // Four or five healthy calls a second, which is less than ten.
    for _ in 0..30 {
        rig.tick(&[(0, 3, 3), (1, 1, 0)]);
        rig.tick(&[]);
    }
    assert!(rig.level() < 2.0, "{}", rig.level());
    rig.ticks(20, &[(0, 3, 3), (1, 1, 0)]);
    assert_eq!(rig.circuit(), Circuit::Closed);
}

#[test]
fn a_few_healthy_calls_say_nothing_for_the_rest() {
    let mut rig = Rig::new();
    rig.ticks(30, &[(0, 98, 98), (1, 2, 0)]);
    assert_eq!(rig.circuit(), Circuit::Open, "2 % is not the database");
    let mut rig = Rig::with(Figures { window: SECOND, ..figures() });
    for _ in 0..30 {
        rig.tick(&[(0, 5, 5), (1, 1, 0)]);
        rig.tick(&[(0, 5, 5)]);
    }
    assert_eq!(rig.circuit(), Circuit::Open, "17 %, but only five calls in the window");
}

#[test]
fn a_route_is_as_ill_as_its_illest_statement() {
    let mut rig = Rig::with(Figures { scope: Scope::Route, ..figures() });
    rig.ticks(9, &[(0, 2, 2), (1, 18, 0)]);
    assert_eq!(rig.circuit(), Circuit::Open, "its requests need both");
    let mut rig = Rig::with(Figures { scope: Scope::Route, ..figures() });
    rig.ticks(30, &[(0, 10, 2), (1, 10, 3)]);
    assert_eq!(rig.circuit(), Circuit::Closed);
}

#[test]
fn the_cause_names_the_worst_statement_and_its_figures() {
    let mut rig = Rig::new();
    rig.tick(&[(0, 16, 14), (1, 10, 6)]);
    assert_eq!(
        rig.cause(),
        "77 % of 26 calls in 3 s were slow or failed; \
         most of them `orders.select`, which takes 840 ms against 12 ms alone"
    );
    let mut rig = Rig::new();
    rig.tick(&[(2, 20, 14)]);
    assert_eq!(rig.cause(), "70 % of 20 calls in 3 s were slow or failed", "it has no name");
    let mut rig = Rig::new();
    rig.tick(&[(0, 20, 14), (1, 20, 14)]);
    assert_eq!(rig.cause(), "70 % of 40 calls in 3 s were slow or failed", "both are to blame");
}

#[test]
fn statements_that_nobody_calls_are_forgotten() {
    let mut rig = Rig::new();
    rig.tick(&[(0, 1, 0), (1, 1, 0)]);
    rig.now += 3 * SECOND;
    rig.tick(&[(2, 1, 0)]);
    assert!(
        format!("{:?}", rig.breaker.calls).contains("{2: Statement"),
        "{:?}",
        rig.breaker.calls
    );
}

proptest! {
    #[test]
    fn while_something_healthy_answers_it_never_opens(
        ticks in proptest::collection::vec((0..30_u64, 0..30_u64, 3..20_u64), 1..100),
    ) {
        let mut rig = Rig::new();
        for (all, bad, healthy) in ticks {
            let (bad, healthy) = (bad.min(all), healthy.max(all / 9 + 1));
            rig.tick(&[(0, all, bad), (1, healthy, 0)]);
            prop_assert_ne!(rig.circuit(), Circuit::Open);
        }
    }

    #[test]
    fn a_critical_request_is_refused_only_while_it_is_not_closed(
        ticks in proptest::collection::vec((0..30_u64, 0..30_u64), 1..200),
    ) {
        let mut rig = Rig::new();
        for (all, bad) in ticks {
            rig.tick(&[(0, all, bad.min(all))]);
            let refused = rig.refused(Priority::Critical, 3) > 0;
            let closed = matches!(rig.circuit(), Circuit::Closed | Circuit::Partial);
            prop_assert!(!(refused && closed));
        }
    }
}
