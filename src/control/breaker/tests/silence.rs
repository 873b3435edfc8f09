//! Stalls, and what only looks like one.

use super::*;

fn hanging(in_flight: usize) -> Rig {
    Rig { in_flight, ..Rig::new() }
}

/// Ticks of silence until it opens, at most so many.
fn silent_ticks(rig: &mut Rig, most: u32) -> u32 {
    let mut ticks = 0;
    while rig.circuit() != Circuit::Open && ticks < most {
        rig.hang();
        ticks += 1;
    }
    ticks
}

#[test]
fn a_database_that_stops_is_found_out_within_a_second_and_two_ticks() {
    let mut rig = hanging(8);
    rig.ticks(30, &[(0, 20, 0)]);
    let ticks = silent_ticks(&mut rig, 100);
    assert!((10..=12).contains(&ticks), "{ticks}");
    assert_eq!(rig.cause(), "nothing came back for 1 s with 8 queries in flight");
}

#[test]
fn one_that_never_answered_is_found_out_too() {
    let mut rig = hanging(5);
    rig.overdue = TICK;
    assert!(silent_ticks(&mut rig, 100) <= 12);
}

#[test]
fn queries_that_pile_up_do_not_hide_those_that_hang() {
    let mut rig = hanging(4);
    rig.ticks(30, &[(0, 20, 0)]);
    for _ in 0..12 {
        // So many that they are not yet slow on average.
        rig.in_flight += 100;
        rig.tick(&[]);
    }
    assert_eq!(rig.circuit(), Circuit::Open);
}

#[test]
fn queries_that_are_given_up_do_not_hang() {
    let mut rig = hanging(4);
    rig.ticks(30, &[(0, 20, 0)]);
    for _ in 0..100 {
        rig.now += TICK;
        let signal = Signal { cancelled: 4, ..rig.signal(&[]) };
        rig.breaker.on_signal(&signal);
    }
    assert_eq!(rig.circuit(), Circuit::Closed, "those that are out are new");
}

#[test]
fn idle_time_is_no_silence() {
    let mut rig = Rig::new();
    rig.ticks(30, &[(0, 1, 0)]);
    rig.now += 3600 * SECOND;
    rig.in_flight = 2;
    let mut first = rig.signal(&[]);
    first.age = TICK;
    rig.breaker.on_signal(&first);
    assert_eq!(rig.circuit(), Circuit::Closed);
    rig.overdue = TICK;
    assert!((8..=10).contains(&silent_ticks(&mut rig, 100)));
}

#[test]
fn a_single_long_report_is_no_stall() {
    let mut rig = hanging(1);
    assert_eq!(silent_ticks(&mut rig, 600), 600);
}

#[test]
fn queries_that_are_not_yet_slow_are_no_stall() {
    let mut rig = hanging(5);
    for _ in 0..600 {
        rig.now += TICK;
        let signal = Signal { slow_after: 3600 * SECOND, ..rig.signal(&[]) };
        rig.breaker.on_signal(&signal);
    }
    assert_eq!(rig.circuit(), Circuit::Closed);
}

#[test]
fn long_reports_beside_a_trickle_are_no_stall() {
    for pause in [5, 10, 17, 30] {
        let mut rig = hanging(2);
        for tick in 0..1_000 {
            // Two reports are out all the time; of the rest, one comes back now and then.
            rig.overdue = TICK * (tick + 1);
            rig.tick(if tick % pause == 0 { &[(0, 1, 0)] } else { &[] });
        }
        assert_eq!(rig.circuit(), Circuit::Closed, "one query in {pause} ticks");
    }
}

#[test]
fn a_stall_beside_long_reports_shows_by_what_should_have_come_back() {
    let mut rig = hanging(8);
    for tick in 0..300 {
        // On average they are all beyond slow, since the two reports are so far.
        rig.overdue = TICK * tick;
        rig.tick(&[(0, 10, 0)]);
    }
    let ticks = silent_ticks(&mut rig, 100);
    assert!((10..=12).contains(&ticks), "{ticks}");
}

#[test]
fn what_hung_before_it_closed_does_not_open_it_again() {
    let mut rig = hanging(5);
    silent_ticks(&mut rig, 100);
    rig.wait_out();
    for _ in 0..2 {
        let probe = rig.probe();
        rig.finish(probe, &FAST);
    }
    assert_eq!(rig.circuit(), Circuit::Partial);
    silent_ticks(&mut rig, 50);
    assert_ne!(rig.circuit(), Circuit::Open, "nothing new hangs");
    rig.in_flight += 2;
    silent_ticks(&mut rig, 50);
    assert_eq!(rig.circuit(), Circuit::Open, "two new ones do");
}
