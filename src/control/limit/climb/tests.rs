//! Against a database that does so much work at a limit.

use super::*;

const TICK: Duration = Duration::from_millis(100);

struct Loop {
    climb: Climb,
    limit: f64,
    wall: Duration,
    /// Queries per second and in flight that are finished.
    rate: f64,
}

impl Loop {
    fn new(limit: f64) -> Self {
        Self { climb: Climb::default(), limit, wall: Duration::ZERO, rate: 100.0 }
    }

    /// One signal. The queries are as many as there is work, of 10 ms each.
    fn tick(&mut self, work: impl Fn(f64) -> f64) -> bool {
        self.wall += TICK;
        let done = work(self.climb.swing(self.limit)) * self.rate * TICK.as_secs_f64();
        let seconds = 0.010 * done;
        let work = Work {
            seconds,
            squares: 0.010 * seconds,
            observed: seconds,
            variance: 0.000_1 * done,
            lasting: 0.020 * seconds,
            count: done as u64,
        };
        let seen = Seen { wall: self.wall, span: TICK, work, binds: true };
        let next = self.climb.add(self.limit, &seen);
        self.limit = next.unwrap_or(self.limit);
        next.is_some()
    }

    fn run(&mut self, seconds: u32, work: impl Fn(f64) -> f64) -> f64 {
        for _ in 0..seconds * 10 {
            self.tick(&work);
        }
        self.limit
    }
}

/// The Universal Scalability Law with its knee at 16.
fn knee(limit: f64) -> f64 {
    limit / (1.0 + (limit - 1.0) * (0.02 + 0.98 / 256.0 * limit))
}

#[test]
fn it_climbs_to_the_knee_from_both_sides() {
    for start in [2.0, 100.0] {
        let limit = Loop::new(start).run(60, knee);
        assert!(knee(limit) > 0.99 * knee(16.0), "from {start} to {limit}");
    }
}

#[test]
fn work_that_follows_the_limit_raises_it_and_a_plateau_lowers_it() {
    assert!(Loop::new(10.0).run(20, |limit| limit) > 100.0);
    assert!(Loop::new(10.0).run(60, |_| 7.0) < 9.5);
}

#[test]
fn no_work_at_all_says_nothing() {
    let mut closed = Loop::new(10.0);
    assert!((0..100).all(|_| !closed.tick(|_| 0.0)));
    assert_eq!(closed.climb.elasticity(), None);
}

#[test]
fn it_rests_for_three_periods_of_four_once_it_is_sure() {
    let mut closed = Loop::new(16.0);
    closed.run(60, knee);
    let swung = (0..64).filter(|_| {
        closed.tick(knee);
        closed.climb.swing(closed.limit) != closed.limit
    });
    assert_eq!(swung.count(), 16, "of four periods of 1.6 s");
}

#[test]
fn what_it_did_not_expect_wakes_it() {
    let mut closed = Loop::new(16.0);
    closed.run(60, knee);
    let sure = closed.climb.doubt_left();
    assert!(sure < SURE, "{sure}");
    closed.run(7, |limit| limit);
    assert!(closed.climb.doubt_left() > 10.0 * sure);
}

#[test]
fn whoever_sees_little_moves_little_and_the_same_way() {
    let moved = |rate| {
        let mut closed = Loop::new(8.0);
        closed.climb.doubt();
        closed.rate = rate;
        closed.run(4, knee) / 8.0
    };
    let (much, little) = (moved(100.0), moved(3.0));
    assert!(little > 1.0 && much > little.powi(2), "{much} {little}");
}

#[test]
fn all_swing_at_the_same_time_whenever_they_began() {
    let (mut one, mut other) = (Loop::new(8.0), Loop::new(4.0));
    other.wall = Duration::from_millis(1_700);
    one.wall = Duration::from_millis(1_000);
    for _ in 0..7 {
        one.tick(knee);
    }
    for _ in 0..40 {
        one.tick(knee);
        other.tick(knee);
        assert_eq!(one.climb.position, other.climb.position);
    }
}

#[test]
fn slow_queries_get_long_halves() {
    let mut climb = Climb { latency: 0.5, ..Climb::default() };
    climb.choose_half();
    assert_eq!(climb.half, 4 * SHORT);
    climb.latency = 1e9;
    climb.choose_half();
    assert!(climb.half < 8 * LONG, "there is an end to it");
}
