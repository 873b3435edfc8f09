//! Active probes, and circuits that somebody forces.

use super::*;

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
fn an_active_probe_that_passes_too_soon_keeps_it_open_no_longer() {
    let mut rig = Rig::opened();
    let before = rig.retry_after();
    rig.breaker.probed(rig.now + TICK, true);
    assert_eq!(rig.retry_after(), before);
}

#[test]
fn an_active_probe_that_fails_keeps_it_open_and_doubles_nothing() {
    let mut rig = Rig::opened();
    for _ in 0..20 {
        rig.now += TICK;
        rig.breaker.probed(rig.now, false);
        assert_eq!(rig.retry_after(), 2 * SECOND, "until after the next, which may be slow");
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
