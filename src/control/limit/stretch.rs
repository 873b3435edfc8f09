//! The default limit: keeps queries from taking much longer than they would alone.

use std::time::{Duration, Instant};

use super::{
    Limit, Usage,
    response::{Point, Response},
};
use crate::{
    control::baseline::{Baselines, Work},
    signal::{Signal, StatementSignal},
};

/// Holds the *stretch* of the database's work below a target.
///
/// # Equations
///
/// For the queries that came back in a window of length Δ, let the work E be the sum of
/// their statements' baselines: what they would have taken alone. Let A be the busy
/// time, the integral of queries in flight over the window. The stretch is
///
/// ```text
/// ρ = A / E
/// ```
///
/// By Little's law ρ is the mean latency over the unloaded one, whatever the mix; and
/// since A counts what is still out, a stall raises it before anything comes back. The
/// target lets 30 % more be in flight than run at full speed, and one more, so that a
/// small database has its next query at hand: τ = 1.3 + 1/N with the mean in flight
/// N = A / Δ. With the relative standard error s of the observed sum:
///
/// ```text
/// more than 10 % overloads          L ← 0.7 L
/// in use and ρ > τ(1 + s)           L ← L · max(½, τ/ρ)
/// somebody waits, ρ ≤ τ(1 + s)      L ← 1.5 L at first, then L + max(½, ½√L)
/// nobody waits                      L ← max(0.97 L, 4 · peak, 20) where L is above
/// ```
///
/// After a cut it holds still for one latency, at most a second, for the cut to show.
/// When a stall ends, the way up is as steep as at first.
/// Baselines rise only while the database has room (less than 60 % of the limit in
/// use and no congestion, or fewer than 1.5 queries at once), so an overload, however
/// long, never becomes the normal. They fall whenever queries are faster than they say.
///
/// A ratio cannot tell a slower path from a queue. Therefore, while it cuts, it compares
/// throughput at two concurrencies; where throughput fell in proportion, the latency is
/// not ours, the baselines are learned anew and the limit goes back up. At its floor it
/// makes the same comparison upwards about every two seconds.
///
/// # Windows
///
/// 250 ms with at least 40 queries, or else 2 s; 100 ms with 40 queries until the first
/// cut. Starts at 4, never goes below 2.
///
/// # What it does not handle
///
/// * A start into an overload: the first baselines are then too high, by about as much
///   as four queries at once slow each other down.
/// * Several instances that share a database see each other's load as a slower path or
///   as congestion; nothing makes their shares equal.
///
/// # Sources
///
/// Little (1961) for A and E; Brakmo and Peterson, *TCP Vegas* (1995) for the idea of a
/// baseline; Netflix, *concurrency-limits* (2018) for the gradient τ/ρ and the √L step;
/// the response test asks the question of Park et al., *TopFull* (2024) and Cho et al.,
/// *Protego* (2023): does more concurrency give more work?
#[derive(Debug)]
pub struct Stretch {
    limit: f64,
    baselines: Baselines,
    window: Window,
    hold_until: Option<Instant>,
    slow_start: bool,
    stalled: bool,
    response: Response,
}

impl Default for Stretch {
    fn default() -> Self {
        Self {
            limit: START,
            baselines: Baselines::default(),
            window: Window::default(),
            hold_until: None,
            slow_start: true,
            stalled: false,
            response: Response::default(),
        }
    }
}

impl Limit for Stretch {
    fn limit(&self) -> f64 {
        self.limit
    }

    fn update(&mut self, signal: &Signal, usage: &Usage) {
        if self.hold_until.is_some_and(|until| signal.at < until) {
            return;
        }
        self.window.add(signal, usage);
        if self.window.is_complete(self.slow_start) {
            let window = std::mem::take(&mut self.window);
            self.decide(signal.at, &window);
        }
    }
}

impl Stretch {
    fn decide(&mut self, now: Instant, window: &Window) {
        let work = self.baselines.work(&window.statements);
        let stretch = window.stretch(work);
        let target = TARGET + 1.0 / window.mean_in_flight().max(1.0);
        let tolerated = target * (1.0 + work.error);
        if window.overloads as f64 > OVERLOADS * window.finished as f64 {
            self.cut(now, window, 0.7);
        } else if self.is_congested(window, stretch, tolerated) {
            self.relieve(now, window, work, target / stretch);
        } else {
            self.response.reset();
            self.adjust(window);
        }
        self.learn(window, stretch <= tolerated);
    }

    /// Far beyond the target counts also while the limit is not in use: it is too high
    /// to be.
    fn is_congested(&self, window: &Window, stretch: f64, tolerated: f64) -> bool {
        let shared = window.mean_in_flight() > ALONE;
        let in_use = window.has_demand() || window.usage.peak as f64 >= 0.9 * self.limit;
        shared && stretch > if in_use { tolerated } else { 2.0 * tolerated }
    }

    fn relieve(&mut self, now: Instant, window: &Window, work: Work, factor: f64) {
        let rate = work.seconds / window.span.as_secs_f64();
        let point = Point { in_flight: window.mean_in_flight(), rate, limit: self.limit };
        if let Some(limit) = self.response.add(point) {
            self.baselines.relearn(&window.statements);
            self.response.reset();
            self.limit = limit;
        } else if self.limit <= FLOOR && self.response.windows() % TRY_UP_EVERY == 0 {
            self.limit = 2.0 * FLOOR;
            self.hold(now, window);
        } else if self.stalled && window.finished > 0 {
            // This window still tells of the stall that just ended.
            self.slow_start = true;
        } else {
            self.cut(now, window, factor.max(0.5));
        }
        self.stalled = window.finished == 0;
    }

    fn cut(&mut self, now: Instant, window: &Window, factor: f64) {
        let used = (window.usage.peak as f64).max(FLOOR);
        self.limit = (self.limit.min(used) * factor).max(FLOOR);
        self.slow_start = false;
        self.hold(now, window);
    }

    fn hold(&mut self, now: Instant, window: &Window) {
        let latency = window.busy.as_secs_f64() / window.finished.max(1) as f64;
        self.hold_until = Some(now + Duration::from_secs_f64(latency.min(1.0)));
    }

    fn adjust(&mut self, window: &Window) {
        if !window.has_demand() {
            let enough = (4.0 * window.usage.peak as f64).max(IDLE);
            self.limit = self.limit.min((self.limit * 0.97).max(enough));
        } else if self.slow_start {
            self.limit *= 1.5;
        } else {
            self.limit += (0.5 * self.limit.sqrt()).max(0.5);
        }
        self.limit = self.limit.min(CEILING);
    }

    fn learn(&mut self, window: &Window, uncongested: bool) {
        let in_flight = window.mean_in_flight();
        let room = !window.has_demand() && uncongested && in_flight < 0.6 * self.limit;
        if room || in_flight < ALONE {
            self.baselines.follow(&window.statements);
        } else {
            self.baselines.drop_to(&window.statements);
        }
    }
}

/// What was seen since the last decision.
#[derive(Debug, Default)]
struct Window {
    span: Duration,
    busy: Duration,
    ignored: Duration,
    finished: u64,
    overloads: u64,
    in_flight: usize,
    statements: Vec<StatementSignal>,
    usage: Usage,
}

impl Window {
    fn add(&mut self, signal: &Signal, usage: &Usage) {
        self.span += signal.span;
        self.busy += signal.busy;
        self.ignored += signal.ignored;
        self.finished += signal.finished;
        self.overloads += signal.overloads;
        self.in_flight = signal.in_flight;
        self.usage.add(usage);
        for seen in &signal.statements {
            match self.statements.iter_mut().find(|own| own.statement == seen.statement) {
                Some(own) => own.add(seen),
                None => self.statements.push(*seen),
            }
        }
    }

    fn is_complete(&self, slow_start: bool) -> bool {
        let enough = self.finished >= QUERIES;
        let least = if slow_start { SHORT } else { USUAL };
        self.span >= LONG || (enough && self.span >= least)
    }

    fn has_demand(&self) -> bool {
        self.usage.waited + self.usage.refused > 0
    }

    fn mean_in_flight(&self) -> f64 {
        self.busy.as_secs_f64() / self.span.as_secs_f64().max(1e-9)
    }

    /// 1 where nothing was in flight; infinite where nothing came back.
    fn stretch(&self, work: Work) -> f64 {
        let busy = self.busy.saturating_sub(self.ignored).as_secs_f64();
        if busy > 0.0 { busy / work.seconds } else { 1.0 }
    }
}

const START: f64 = 4.0;
const FLOOR: f64 = 2.0;
/// Far above any database; the gate has its own bounds.
const CEILING: f64 = 100_000.0;
/// What an unused limit keeps, for a sudden start.
const IDLE: f64 = 20.0;
const TARGET: f64 = 1.3;
const OVERLOADS: f64 = 0.1;
/// Fewer queries at once than this cannot be in each other's way.
const ALONE: f64 = 1.5;
const QUERIES: u64 = 40;
const SHORT: Duration = Duration::from_millis(100);
const USUAL: Duration = Duration::from_millis(250);
const LONG: Duration = Duration::from_secs(2);
/// In windows at the floor, which take a quarter of a second or a latency.
const TRY_UP_EVERY: u32 = 8;

#[cfg(test)]
mod tests;
