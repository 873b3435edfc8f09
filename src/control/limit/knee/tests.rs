//! Closed loops in virtual time against a fluid model of a database: `knee` queries run
//! at full speed, more share it.

use super::*;
use crate::signal::StatementSignal;
use proptest::prelude::*;

const TICK: Duration = Duration::from_millis(100);

/// `busy` is the time integral of queries in flight; each that finished took `latency`
/// seconds, more or less.
fn signal(at: Instant, wall: Duration, busy: Duration, finished: u64, latency: f64) -> Signal {
    let seconds = finished as f64 * latency;
    let squares = seconds * latency * 1.25;
    let seen = StatementSignal { statement: 0, count: finished, seconds, squares };
    Signal {
        at,
        wall,
        span: TICK,
        slow_after: Duration::from_secs(1),
        in_flight: (busy.as_secs_f64() / TICK.as_secs_f64()) as usize,
        age: Duration::from_secs_f64(latency / 2.0),
        overdue: Duration::ZERO,
        hung: 0,
        connections: None,
        busy,
        ignored: Duration::ZERO,
        started: finished,
        strays: 0,
        finished,
        slow: 0,
        overloads: 0,
        cancelled: 0,
        cancelled_slow: 0,
        calls: Vec::new(),
        statements: if finished > 0 { vec![seen] } else { Vec::new() },
    }
}

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
        let signal =
            signal(self.now, self.now - self.origin, TICK.mul_f64(in_flight), count, latency);
        let peak = in_flight.ceil() as usize;
        let (waited, refused) = (u64::from(waits), u64::from(waits));
        let usage = Usage { peak, waited, refused, admitted: None };
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
    let usage = Usage { peak: 16, waited: 9, refused: 9, admitted: None };
    for _ in 0..100 {
        closed.now += TICK;
        let signal = signal(closed.now, Duration::ZERO, TICK * 16, 0, 0.0);
        closed.limit.update(&signal, &usage);
    }
    assert!(closed.limit.limit() < 8.0, "{}", closed.limit.limit());
    closed.run(3);
    assert!(closed.answered > 0.9 * closed.capacity(), "{}", closed.answered);
}

#[test]
fn a_target_holds_the_latency_where_the_work_would_not() {
    let run = |limit: Knee| {
        let mut closed = overloaded(16.0);
        closed.limit = limit;
        closed.run(60);
        let latencies = (0..64).map(|_| {
            closed.tick();
            closed.limit.limit() / closed.answered
        });
        latencies.sum::<f64>() / 64.0
    };
    let target = Knee::default().target(Duration::from_millis(11)).expect("it is in range");
    let (free, held) = (run(Knee::default()), run(target));
    assert!(free > 0.0118 && held < 0.0114, "{free} {held}");
}

#[test]
fn a_target_that_less_concurrency_cannot_reach_costs_no_work() {
    let mut closed = overloaded(16.0);
    closed.limit = Knee::default().target(Duration::from_millis(30)).expect("it is in range");
    closed.way = 0.050;
    closed.run(60);
    assert!(closed.answered > 0.8 * closed.capacity(), "{}", closed.answered);
}

#[test]
fn queries_that_take_no_time_do_no_harm() {
    let mut closed = overloaded(16.0);
    closed.run(10);
    for tick in 0..600 {
        closed.now += TICK;
        let wall = closed.now - closed.origin;
        let count = 10 + 5 * (tick / 8 % 2);
        let signal = signal(closed.now, wall, TICK * 4, count, 0.0);
        closed.limit.update(&signal, &Usage { peak: 9, waited: 9, refused: 9, admitted: None });
        assert!((FLOOR..=CEILING).contains(&closed.limit.limit), "{}", closed.limit.limit);
    }
    closed.run(30);
    assert!(closed.answered > 0.9 * closed.capacity(), "{}", closed.answered);
}

#[test]
fn it_tells_what_it_does_and_why() {
    let mut closed = overloaded(16.0);
    closed.run(30);
    let insight = closed.limit.insight();
    assert_eq!(insight.decision, "follows the work that it gives");
    assert!(insight.elasticity.is_some_and(|elasticity| elasticity < 0.5), "{insight:?}");
    assert!(insight.stretch.is_some_and(|stretch| stretch > 0.9), "{insight:?}");
    let [(0, alone)] = insight.baselines[..] else { panic!("{insight:?}") };
    assert!((9..=13).contains(&alone.as_millis()), "{alone:?}");
}

#[test]
fn a_target_of_nothing_is_refused() {
    let error = Knee::default().target(Duration::ZERO).unwrap_err();
    assert_eq!(error.to_string(), "`target` is 0ns, but must be from 1µs to 3600s");
}

#[test]
fn what_overstays_below_one_place_is_taken_off() {
    let mut limit = Knee { limit: 0.5, ..Knee::default() };
    limit.start.stop();
    let mut now = Instant::now();
    for _ in 0..10 {
        now += TICK;
        // One in flight all the time, though every second turn was meant.
        let signal = signal(now, Duration::ZERO, TICK, 1, 0.1);
        limit.update(&signal, &Usage { peak: 1, waited: 1, refused: 1, admitted: None });
    }
    assert!(limit.limit() < 0.2, "{}", limit.limit());
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
            let busy = Duration::from_secs_f64(count as f64 * latency);
            let signal = Signal {
                overloads,
                finished: count + overloads,
                ..signal(now, Duration::ZERO, busy, count, latency)
            };
            limit.update(&signal, &Usage { peak, waited: count, refused: overloads, admitted: None });
            prop_assert!((0.0..=2.0 * CEILING).contains(&limit.limit()));
            prop_assert!((FLOOR..=CEILING).contains(&limit.limit));
        }
    }
}

#[test]
fn what_is_let_in_is_requests_and_not_their_queries() {
    let view = |admitted| {
        let mut tally = Tally::default();
        let usage = Usage { peak: 4, waited: 0, refused: 100, admitted };
        tally.add(&signal(Instant::now(), Duration::ZERO, TICK * 40, 1_000, 0.004), &usage);
        tally.view(&Baselines::default().work(tally.statements()))
    };
    assert!((view(Some(100)).share() - 0.5).abs() < 0.01, "ten queries each");
    assert!((view(None).share() - 0.9).abs() < 0.02, "nobody counts requests");
    assert_eq!(view(Some(100)).requests_in_flight(), 4.0);
}
