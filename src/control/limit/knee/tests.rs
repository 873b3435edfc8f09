//! Closed loops in virtual time against a fluid model of a database: `knee` queries run
//! at full speed, more share it.

use super::*;
use crate::signal::StatementSignal;
use proptest::prelude::*;

const TICK: Duration = Duration::from_millis(100);

struct Loop {
    limit: Knee,
    now: Instant,
    origin: Instant,
    /// Queries a second that come, and that the database answered in the last tick.
    offered: f64,
    answered: f64,
    knee: f64,
    /// Seconds that a query takes alone, in the database and on the way to it.
    service: f64,
    way: f64,
}

impl Loop {
    fn new(knee: f64, service: f64) -> Self {
        let (limit, now) = (Knee::default(), Instant::now());
        Self { limit, now, origin: now, offered: 0.0, answered: 0.0, knee, service, way: 0.0 }
    }

    fn capacity(&self) -> f64 {
        self.knee / self.service
    }

    fn run(&mut self, seconds: u32) {
        for _ in 0..seconds * 10 {
            self.tick();
        }
    }

    fn tick(&mut self) {
        self.now += TICK;
        let alone = self.service + self.way;
        let needed = (self.offered * alone).max(1e-6);
        let waits = self.offered > self.throughput(needed) + 1e-9 || needed > self.limit.limit();
        let in_flight = if waits { self.limit.limit().floor() } else { needed };
        self.answered = self.throughput(in_flight).min(self.offered);
        let latency = in_flight / self.answered;
        let count = (self.answered * TICK.as_secs_f64()).round() as u64;
        let seen = StatementSignal {
            statement: 0,
            count,
            seconds: count as f64 * latency,
            squares: count as f64 * latency * latency * 1.25,
        };
        let signal = Signal {
            at: self.now,
            wall: self.now - self.origin,
            span: TICK,
            slow_after: Duration::from_secs(1),
            in_flight: in_flight as usize,
            age: Duration::from_secs_f64(latency / 2.0),
            busy: TICK.mul_f64(in_flight),
            ignored: Duration::ZERO,
            finished: count,
            slow: 0,
            overloads: 0,
            cancelled: 0,
            cancelled_slow: 0,
            statements: if count > 0 { vec![seen] } else { Vec::new() },
        };
        let peak = in_flight.ceil() as usize;
        let usage = Usage { peak, waited: u64::from(waits), refused: u64::from(waits) };
        self.limit.update(&signal, &usage);
    }

    /// Queries a second with so many in flight: the way adds time but no queue.
    fn throughput(&self, in_flight: f64) -> f64 {
        (in_flight / (self.service + self.way)).min(self.capacity())
    }
}

/// A database that was calm for a while and is then offered five times what it can do.
fn overloaded(knee: f64) -> Loop {
    let mut closed = Loop::new(knee, 0.010);
    closed.offered = 0.3 * closed.capacity();
    closed.run(20);
    closed.offered = 5.0 * closed.capacity();
    closed
}

#[test]
fn overload_is_held_near_the_knee_at_full_throughput() {
    for knee in [4.0, 16.0, 60.0] {
        let mut closed = overloaded(knee);
        closed.run(10);
        let limit = closed.limit.limit();
        assert!((0.7 * knee..2.6 * knee + 2.0).contains(&limit), "knee {knee}: {limit}");
        assert!(closed.answered > 0.9 * closed.capacity(), "knee {knee}: {}", closed.answered);
    }
}

#[test]
fn twenty_minutes_of_overload_are_never_taken_for_normal() {
    let mut closed = overloaded(16.0);
    closed.run(20 * 60);
    assert!(closed.limit.limit() < 30.0, "{}", closed.limit.limit());
}

#[test]
fn a_loss_of_capacity_lowers_the_limit() {
    let mut closed = overloaded(40.0);
    closed.run(10);
    closed.knee = 10.0;
    closed.run(30);
    assert!(closed.limit.limit() < 25.0, "{}", closed.limit.limit());
    assert!(closed.answered > 0.9 * closed.capacity(), "{}", closed.answered);
}

#[test]
fn a_slower_way_to_the_database_costs_no_throughput_for_long() {
    let mut closed = overloaded(16.0);
    closed.run(10);
    closed.way = 0.050;
    closed.run(60);
    assert!(closed.answered > 0.8 * closed.capacity(), "{}", closed.answered);
}

#[test]
fn an_unused_limit_never_rises() {
    let mut closed = Loop::new(16.0, 0.010);
    closed.offered = 100.0;
    for _ in 0..100 {
        let before = closed.limit.limit();
        closed.run(1);
        assert!(closed.limit.limit() <= before);
    }
}

#[test]
fn a_stall_lowers_the_limit_and_its_end_brings_it_back() {
    let mut closed = overloaded(16.0);
    closed.run(10);
    let usage = Usage { peak: 16, waited: 9, refused: 9 };
    for _ in 0..100 {
        closed.now += TICK;
        let signal = Signal {
            at: closed.now,
            wall: Duration::ZERO,
            span: TICK,
            slow_after: Duration::from_secs(1),
            in_flight: 16,
            age: Duration::from_secs(5),
            busy: TICK * 16,
            ignored: Duration::ZERO,
            finished: 0,
            slow: 0,
            overloads: 0,
            cancelled: 0,
            cancelled_slow: 0,
            statements: Vec::new(),
        };
        closed.limit.update(&signal, &usage);
    }
    assert!(closed.limit.limit() < 8.0, "{}", closed.limit.limit());
    closed.run(3);
    assert!(closed.answered > 0.9 * closed.capacity(), "{}", closed.answered);
}

proptest! {
    #[test]
    fn the_limit_stays_in_bounds_and_finite(
        ticks in prop::collection::vec((0..2_000_u64, 0.0..5.0_f64, 0..100_u64, 0..300_usize), 1..80),
    ) {
        let mut limit = Knee::default();
        let mut now = Instant::now();
        for (count, latency, overloads, peak) in ticks {
            now += TICK;
            let seconds = count as f64 * latency;
            let squares = seconds * latency;
            let seen = StatementSignal { statement: 0, count, seconds, squares };
            let signal = Signal {
                at: now,
                wall: Duration::ZERO,
                span: TICK,
slow_after: Duration::from_secs(1),
                in_flight: peak,
                age: Duration::from_secs(1),
                busy: Duration::from_secs_f64(seconds),
                ignored: Duration::ZERO,
                finished: count + overloads,
                slow: 0,
                overloads,
                cancelled: 0,
                cancelled_slow: 0,
                statements: if count > 0 { vec![seen] } else { Vec::new() },
            };
            limit.update(&signal, &Usage { peak, waited: count, refused: overloads });
            prop_assert!((FLOOR..=CEILING).contains(&limit.limit()));
        }
    }
}
