//! What was started before the circuit tried.

use super::*;

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
    rig.breaker.on_signal(&rig.signal(&[(0, 5, 5)]));
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
