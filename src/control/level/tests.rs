use super::*;
use proptest::prelude::*;
use std::time::Duration;

const TICK: Duration = Duration::from_millis(100);

/// A level that saw the same strain ten times a second for so long.
fn after(level: &mut Level, strain: &Strain, seconds: f64) -> f64 {
    for _ in 0..(10.0 * seconds) as u32 {
        level.update(strain, 0.8, level.at + TICK);
    }
    level.get()
}

fn fresh() -> Level {
    Level::new(Instant::now())
}

/// A limit of 10 that lets in 400 a second: 18 are aimed at.
fn wanted(wanted: f64) -> Strain {
    Strain { limit: 10.0, wanted, admitted: 40, ..Strain::default() }
}

#[test]
fn a_full_limit_with_nobody_waiting_is_no_reason() {
    assert_eq!(after(&mut fresh(), &wanted(10.0), 600.0), 0.0);
}

#[test]
fn a_queue_that_stands_is_and_one_that_empties_is_not() {
    let mut level = fresh();
    for _ in 0..100 {
        assert_eq!(after(&mut level, &wanted(60.0), 0.3), 0.0);
        after(&mut level, &wanted(5.0), 0.1);
    }
    assert!(after(&mut level, &wanted(60.0), 0.5) > 0.0);
}

#[test]
fn it_is_all_within_three_seconds_and_nothing_within_three() {
    let mut level = fresh();
    assert_eq!(after(&mut level, &wanted(100.0), 3.0), 1.0);
    assert_eq!(after(&mut level, &wanted(4.0), 3.0), 0.0);
}

#[test]
fn near_the_set_point_it_stays_where_it_is() {
    for near in [15.0, 18.0, 23.0] {
        let mut level = fresh();
        after(&mut level, &wanted(40.0), 5.0);
        let before = after(&mut level, &wanted(near), 3.0);
        let later = after(&mut level, &wanted(near), 60.0);
        assert!((0.2..0.9).contains(&before), "{near}: {before}");
        assert!((later - before).abs() < 0.001, "{near}: {before} {later}");
    }
}

#[test]
fn slow_and_failed_queries_are_a_strain_of_their_own() {
    let ill = |ill| Strain { finished: 40, ill, ..wanted(5.0) };
    assert_eq!(after(&mut fresh(), &ill(2), 60.0), 0.0);
    assert_eq!(after(&mut fresh(), &ill(20), 5.0), 1.0);
    let one = Strain { finished: 1, ill: 1, admitted: 1, ..wanted(1.0) };
    let mut level = fresh();
    level.update(&one, 0.8, level.at + TICK);
    assert_eq!(after(&mut level, &wanted(5.0), 1.0), 0.0, "one of a few is no share");
}

#[test]
fn an_open_circuit_is_level_1_at_once_and_over_when_it_is() {
    let mut level = fresh();
    let open = Strain { circuit: Circuit::Open, ..Strain::default() };
    assert_eq!(after(&mut level, &open, 0.1), 1.0);
    assert_eq!(after(&mut level, &wanted(4.0), 2.5), 0.0);
}

#[test]
fn a_pause_is_over_at_once_and_raises_nothing() {
    let mut level = fresh();
    after(&mut level, &wanted(100.0), 2.0);
    let calm = Strain { wanted: 1.0, admitted: 1, ..wanted(1.0) };
    assert_eq!(level.update(&calm, 0.8, level.at + 60 * TICK), 0.0);
    let full = Strain { admitted: 1, ..wanted(100.0) };
    assert_eq!(level.update(&full, 0.8, level.at + 6_000 * TICK), 0.0);
}

fn near(is: f64, should: f64) {
    assert!((is - should).abs() < 1e-9, "{is} {should}");
}

#[test]
fn a_strain_is_what_is_wanted_over_the_room_that_is_served_or_the_share_of_ill_queries() {
    let recent = Recent { seconds: 1.0, admitted: 40.0, refused: 40.0, finished: 10.0, ill: 3.0 };
    let room = 1.4 * 10.0 + 0.022 * 40.0;
    near(recent.over(&wanted(20.0), 0.8), 20.0 / (room * 41.0 / 81.0) / 0.8);
    near(recent.over(&wanted(1.0), 0.8), 3.0 / 15.0 / 0.1);
}

#[test]
fn what_was_counted_fades_over_half_a_second() {
    let mut recent = Recent::default();
    recent.add(&wanted(1.0), 0.1);
    recent.add(&wanted(1.0), 0.2);
    near(recent.seconds, 0.1 * (-0.4_f64).exp() + 0.2);
    near(recent.admitted, 40.0 * (-0.4_f64).exp() + 40.0);
}

#[test]
fn the_level_follows_the_strain_by_its_equations() {
    let at = |sum, off, span| {
        let mut level = Level { sum, off, ..fresh() };
        level.follow(span);
        (level.sum, level.dimmed)
    };
    let (sum, dimmed) = at(0.5, 1.0, 0.1);
    near(sum, 0.5 + 0.7 * 0.7 * 0.1);
    near(dimmed, sum + 0.3 * 0.7);
    near(at(0.5, 1.0, 60.0).0, 0.5 + 0.7 * 0.7 * 0.3);
    near(at(2.7, 1.0, 0.3).0, MOST - 0.3 * 0.7);
    let mut level = fresh();
    level.update(&wanted(40.0), 0.8, level.at + TICK);
    let over = level.recent.over(&wanted(40.0), 0.8);
    near(level.off, (1.0 - (-TICK.as_secs_f64() / 0.3).exp()) * (over.ln() + FAR) - FAR);
}

proptest! {
    #[test]
    fn it_is_from_0_to_1_whatever_it_is_told(
        told in prop::collection::vec(
            (any::<f64>(), any::<f64>(), 0..9_u64, 0..9_u64, 0..9_u64, 0..3_000_u64),
            1..50,
        ),
        set_point in any::<f64>(),
    ) {
        let mut level = fresh();
        for (limit, wanted, admitted, refused, ill, millis) in told {
            let circuit = Circuit::Closed;
            let strain = Strain { limit, wanted, admitted, refused, finished: ill, ill, circuit };
            let now = level.at + Duration::from_millis(millis);
            let seen = level.update(&strain, set_point, now);
            prop_assert!((0.0..=1.0).contains(&seen), "{seen} {level:?}");
        }
        prop_assert_eq!(after(&mut level, &wanted(1.0), 10.0), 0.0, "and recovers");
    }

    #[test]
    fn more_strain_is_never_less_level(less in 0.0..80.0_f64, more in 0.0..80.0_f64) {
        let at = |now| after(&mut fresh(), &wanted(now), 3.0);
        prop_assert!(at(less) <= at(less + more));
    }
}
