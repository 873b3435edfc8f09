//! Promises of the circuits, of databases and of routes.

use super::*;

#[tokio::test(start_paused = true)]
async fn a_probe_that_ends_in_the_queue_makes_way_for_others() {
    let two = two(&fixed(1));
    two.breaker(0).force_open();
    two.breaker(0).release();
    for _ in 0..10 {
        let full = two.place(1);
        let mut wait = two.waiting(NORMAL);
        advance(SECOND).await;
        assert!(assert_ready!(wait.poll()).is_err());
        drop(full);
    }
    assert_eq!(two.breaker(0).circuit(), Circuit::HalfOpen);
    for _ in 0..3 {
        let mut probe = two.admitted(NORMAL);
        probe.finish(&Sample::new(MS, Outcome::Success));
    }
    assert_eq!(two.breaker(0).circuit(), Circuit::Partial);
}

#[tokio::test(start_paused = true)]
async fn only_who_needs_the_database_minds_its_open_circuit() {
    let two = two(&fixed(10));
    let (free, first) = (route("unit: free"), route("unit: of the first"));
    two.acquaint(free, 60, None);
    two.acquaint(first, 60, Some(0.001));
    two.breaker(1).force_open();
    drop((two.admitted(free), two.admitted(first)));
    two.breaker(0).force_open();
    drop(two.admitted(free));
    assert_eq!(two.refused(first), Reason::CircuitOpen);
    assert_eq!(two.refused(route("unit: new")), Reason::CircuitOpen);
}

#[tokio::test(start_paused = true)]
async fn a_half_open_circuit_bounds_those_who_come_at_the_checkout() {
    let two = two(&fixed(10));
    two.breaker(0).force_open();
    two.breaker(0).release();
    let mut held = Vec::new();
    for _ in 0..10 {
        held.extend(two.gates.check_out(0, &NORMAL).await.ok());
    }
    assert_eq!(held.len(), 3, "as many as there are probes");
    drop(held);
    assert!(two.gates.check_out(0, &NORMAL).await.is_ok(), "their places are free again");
}

#[tokio::test(start_paused = true)]
async fn a_probe_of_a_route_may_take_what_the_database_calls_slow() {
    let two = two(&fixed(10));
    let class = route("unit: slow");
    two.acquaint(class, 1, Some(0.001));
    let patient = Slow { after: 5 * SECOND, ..Slow::default() };
    let mut meter = Meter::new(patient, clock::stamp());
    two.gates.hear(&meter.take(clock::stamp(), Duration::ZERO), 0);
    let state = two.gates.0.learned.of(&class).expect("it was seen").clone();
    let breaker = state.at(0).breaker();
    breaker.force_open();
    breaker.release();
    for _ in 0..3 {
        let mut probe = two.admitted(class);
        probe.finish(&Sample::new(2 * SECOND, Outcome::Success));
    }
    assert_eq!(breaker.circuit(), Circuit::Partial);
}

#[tokio::test(start_paused = true)]
async fn a_request_that_another_circuit_refuses_is_no_probe() {
    let two = two(&fixed(10));
    let closed_off = route("unit: closed off");
    two.acquaint(closed_off, 1, None);
    let state = two.gates.0.learned.of(&closed_off).expect("it was seen").clone();
    state.at(0).breaker().force_open();
    two.breaker(0).force_open();
    two.breaker(0).release();
    let first = |class: Class| class.needs(two.numbers[0]);
    for _ in 0..30 {
        assert_eq!(two.refused(first(closed_off)), Reason::CircuitOpen);
    }
    two.breaker(1).force_open();
    for _ in 0..30 {
        assert_eq!(two.refused(NORMAL), Reason::CircuitOpen);
    }
    let mut probe = two.admitted(first(NORMAL));
    probe.finish(&Sample::new(MS, Outcome::Ignore));
    assert_eq!(two.breaker(0).circuit(), Circuit::HalfOpen, "one said nothing, and not 61");
}

#[tokio::test(start_paused = true)]
async fn a_probe_that_waits_is_none_any_more_when_another_has_failed() {
    let two = two(&fixed(2));
    two.breaker(0).force_open();
    two.breaker(0).release();
    let mut other = two.admitted(NORMAL.needs(two.numbers[0]));
    let full = [two.place(1), two.place(1)];
    let mut wait = two.waiting(NORMAL);
    other.finish(&Sample::new(MS, Outcome::Overload));
    assert_eq!(two.breaker(0).circuit(), Circuit::Open);
    drop(full);
    let rejection = assert_ready!(wait.poll()).expect_err("it has opened again");
    assert_eq!(rejection.reason(), Reason::CircuitOpen);
}

#[tokio::test(start_paused = true)]
async fn a_request_without_a_route_passes_the_databases_alone() {
    let two = two(&fixed(10));
    drop(two.gates.check_out(1, &NORMAL).await.expect("there is room"));
    two.breaker(1).force_open();
    let rejection = two.gates.check_out(1, &NORMAL).await.map(drop).expect_err("it is open");
    assert_eq!(rejection.reason(), Reason::CircuitOpen);
    assert!(two.gates.route_uses(1).is_empty());
}
