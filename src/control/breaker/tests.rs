//! Promises of the breaker.

use proptest::prelude::*;

use super::*;
use crate::{
    event::BadCalls,
    outcome::{Outcome, Sample},
    signal::{StatementCalls, StatementSignal},
};

mod closed;
mod closed_loop;
mod forced;
mod model;
mod open;
mod silence;
mod stragglers;

const SECOND: Duration = Duration::from_secs(1);
const TICK: Duration = Duration::from_millis(100);
const FAST: Sample = Sample { latency: Duration::from_millis(5), outcome: Outcome::Success };
const OVERLOAD: Sample = Sample { outcome: Outcome::Overload, ..FAST };
const NAMES: [&str; 3] = ["orders.select", "products.select", ""];

fn figures() -> Figures {
    Figures {
        scope: Scope::Database,
        trip_share: 0.5,
        min_calls: 10,
        window: 3 * SECOND,
        stall_after: SECOND,
        open_for: SECOND,
        open_at_most: 4 * SECOND,
        probes: 2,
    }
}

/// A breaker and a clock that goes by ticks.
struct Rig {
    breaker: Breaker,
    now: Instant,
    /// Queries out, and how far they are beyond slow.
    in_flight: usize,
    overdue: Duration,
}

impl Rig {
    fn new() -> Self {
        Self::with(figures())
    }

    fn with(figures: Figures) -> Self {
        let now = Instant::now();
        let breaker = Breaker::new(figures, 7, now);
        Self { breaker, now, in_flight: 0, overdue: Duration::ZERO }
    }

    fn opened() -> Self {
        let mut rig = Self::new();
        rig.tick(&[(0, 10, 10)]);
        assert_eq!(rig.circuit(), Circuit::Open);
        rig
    }

    /// Half-open, with the first probe out.
    fn tried() -> (Self, Probe) {
        let mut rig = Self::opened();
        rig.wait_out();
        let probe = rig.probe();
        (rig, probe)
    }

    fn closed_again() -> Self {
        let (mut rig, first) = Self::tried();
        let second = rig.probe();
        rig.finish(first, &FAST);
        rig.finish(second, &FAST);
        rig
    }

    fn signal(&self, calls: &[(usize, u64, u64)]) -> Signal {
        let sum = |part: fn(&(usize, u64, u64)) -> u64| calls.iter().map(part).sum::<u64>();
        let calls = calls.iter().map(|&(statement, all, bad)| StatementCalls {
            statement,
            name: NAMES[statement].into(),
            all,
            bad,
            alone: 12 * TICK / 100,
        });
        Signal {
            at: self.now,
            wall: Duration::ZERO,
            span: TICK,
            slow_after: SECOND,
            in_flight: self.in_flight,
            age: self.overdue + SECOND,
            overdue: self.overdue,
            hung: 0,
            connections: None,
            busy: Duration::ZERO,
            ignored: Duration::ZERO,
            started: sum(|calls| calls.1),
            strays: 0,
            finished: sum(|calls| calls.1),
            slow: sum(|calls| calls.2),
            overloads: 0,
            cancelled: 0,
            cancelled_slow: 0,
            statements: calls.clone().filter_map(success).collect(),
            calls: calls.collect(),
        }
    }

    /// A tenth of a second in which these calls came back: statement, all, bad.
    fn tick(&mut self, calls: &[(usize, u64, u64)]) {
        self.now += TICK;
        self.breaker.on_signal(&self.signal(calls));
    }

    /// The same, but all succeed, if too slowly.
    fn slow_ticks(&mut self, count: u32, calls: &[(usize, u64, u64)]) {
        for _ in 0..count {
            self.now += TICK;
            let successes = calls.iter().map(|&(statement, all, _)| (statement, all, 0));
            let statements = self.signal(&successes.collect::<Vec<_>>()).statements;
            self.breaker.on_signal(&Signal { statements, ..self.signal(calls) });
        }
    }

    fn ticks(&mut self, count: u32, calls: &[(usize, u64, u64)]) {
        (0..count).for_each(|_| self.tick(calls));
    }

    /// A tenth of a second in which queries hang.
    fn hang(&mut self) {
        self.tick(&[]);
        self.overdue += TICK;
    }

    /// Only old queries come back, with success.
    fn straggle(&mut self, count: u64) {
        self.now += TICK;
        let mut signal = self.signal(&[(0, count, 0)]);
        signal.calls.clear();
        self.breaker.on_signal(&signal);
    }

    fn circuit(&self) -> Circuit {
        self.breaker.circuit()
    }

    fn cause(&self) -> String {
        self.breaker.cause().to_string()
    }

    fn admit(&mut self) -> Verdict {
        self.breaker.admit(Priority::Normal, self.now)
    }

    fn retry_after(&mut self) -> Duration {
        match self.admit() {
            Verdict::Refuse { retry_after } => retry_after,
            other => panic!("not refused but {other:?}"),
        }
    }

    fn wait_out(&mut self) {
        let retry_after = self.retry_after();
        self.now += retry_after;
    }

    fn probe(&mut self) -> Probe {
        match self.admit() {
            Verdict::Try(probe) => probe,
            other => panic!("no probe but {other:?}"),
        }
    }

    fn finish(&mut self, probe: Probe, sample: &Sample) {
        self.breaker.finish(probe, self.now, sample);
    }

    fn level(&mut self) -> f64 {
        self.breaker.knowledge(self.now).level
    }

    /// Of so many, how many of this priority are refused.
    fn refused(&mut self, priority: Priority, of: u32) -> u32 {
        let refused = |_| matches!(self.breaker.admit(priority, self.now), Verdict::Refuse { .. });
        (0..of).map(refused).map(u32::from).sum()
    }

    fn refusals(&mut self, of: u32) -> [u32; 4] {
        Priority::ALL.map(|priority| self.refused(priority, of))
    }
}

/// What is bad failed, and what is not took 840 ms.
fn success(calls: StatementCalls) -> Option<StatementSignal> {
    let count = calls.all - calls.bad;
    let seconds = 0.84 * count as f64;
    let success = StatementSignal { statement: calls.statement, count, seconds, squares: 0.0 };
    (count > 0).then_some(success)
}

fn around(duration: Duration, expected: Duration) -> bool {
    (expected.mul_f64(0.8)..=expected.mul_f64(1.2)).contains(&duration)
}
