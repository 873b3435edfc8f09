//! The default limit: seeks the knee of the database's throughput.

use std::time::{Duration, Instant};

use super::{
    Limit, Usage,
    climb::{Climb, Seen},
    tally::Tally,
};
use crate::{
    control::baseline::{Baselines, Work},
    signal::Signal,
};

/// Lets in as much at once as gives more work done, and no more.
///
/// Two questions, one fast and one that cannot be fooled:
///
/// **How much longer do queries take than alone?** For those that came back in a window,
/// let the work E be the sum of their statements' baselines: what they would have taken
/// alone. Let R be the sum of their latencies. The *stretch*
///
/// ```text
/// ρ = R / E
/// ```
///
/// is the mean latency over the unloaded one, whatever the mix; while nothing comes back
/// although something is out, it is infinite. It guides the start and the sudden turns,
/// with the mean in flight N and the relative standard error s of R:
///
/// ```text
/// start   somebody waits, ρ ≤ 2(1 + s) + 1/N    L ← 2 L below ρ = 1.3, else 1.5 L
/// turn    ρ/(1 + 2s) > 3 × the usual ρ, and > 2 L ← L · max(½, 2/ρ), once
/// turn    overloads > 10 % and > 3 × the usual  L ← 0.7 L
/// ```
///
/// What is usual follows by at most 5 % a window. After a turn the limit holds still for
/// one latency, at most a second. When a stall ends, there is a new start.
///
/// **Does more concurrency give more work?** A ratio to a baseline cannot tell a slower
/// path from a queue, and a database's best may lie well beyond its unloaded latency.
/// So, while somebody waits, the limit swings a quarter up and a quarter down and follows
/// the elasticity of work per second to concurrency: up while it is above 0.1, down
/// while it is below.
///
/// While nobody waits, the limit falls slowly towards twice what is used, not below 8; if
/// the surge left it lower, it is 8 again.
///
/// Baselines rise only while the database has room (nobody waits and less than 60 % of
/// the limit is in use at a stretch below 2, or fewer than 1.5 queries run at once), so
/// an overload, however long, never becomes the normal. They fall whenever queries are
/// faster than they say.
///
/// Windows last 250 ms with at least 40 queries, or else 2 s; at the start 100 ms with
/// two queries for each that may be in flight. It starts at 8 and never goes below 2.
///
/// # What it does not handle
///
/// * With few queries, a period of the swing lasts up to 4 s and its verdict is noisy.
/// * Several instances that share a database swing together by their wall clocks; where
///   those differ by more than a tenth of a second each takes from the others. Nothing
///   makes their shares equal.
/// * A partial stall, as of one locked table, shows only when those queries come back.
///
/// # Sources
///
/// Gunther, *Universal Scalability Law* (1993), for the knee; Krstić and
/// Wang (2000) for extremum seeking; the question is that of Cho et al., *Protego* (2023).
/// The baseline is Brakmo and Peterson's, *TCP Vegas* (1995).
#[derive(Debug)]
pub struct Knee {
    limit: f64,
    baselines: Baselines,
    window: Tally,
    climb: Climb,
    starting: bool,
    stalled: bool,
    /// Whether somebody waited at the last signal.
    demanded: bool,
    usual: f64,
    usual_overloads: f64,
    hold_until: Option<Instant>,
}

impl Default for Knee {
    fn default() -> Self {
        Self {
            limit: START,
            baselines: Baselines::default(),
            window: Tally::default(),
            climb: Climb::default(),
            starting: true,
            stalled: false,
            demanded: false,
            usual: 1.0,
            usual_overloads: 0.0,
            hold_until: None,
        }
    }
}

impl Limit for Knee {
    fn limit(&self) -> f64 {
        if self.swings() { self.climb.swing(self.limit) } else { self.limit }
    }

    fn update(&mut self, signal: &Signal, usage: &Usage) {
        if self.hold_until.is_some_and(|until| signal.at < until) {
            return;
        }
        self.hold_until = None;
        self.climb(signal, usage);
        self.window.add(signal, usage);
        if self.window.is_complete(self.starting, self.limit) {
            let window = std::mem::take(&mut self.window);
            self.decide(signal.at, &window);
        }
    }
}

impl Knee {
    fn swings(&self) -> bool {
        !self.starting && self.demanded
    }

    fn climb(&mut self, signal: &Signal, usage: &Usage) {
        self.demanded = usage.waited + usage.refused > 0;
        if self.starting || !self.demanded {
            self.climb.restart();
            return;
        }
        let work = self.baselines.work(&signal.statements);
        let seen = Seen {
            wall: signal.wall,
            span: signal.span,
            work: work.seconds,
            squares: work.squares,
            stretch: self.usual,
        };
        let next = self.climb.add(self.limit, &seen);
        self.limit = next.unwrap_or(self.limit).clamp(FLOOR, CEILING);
    }

    fn decide(&mut self, now: Instant, window: &Tally) {
        let work = self.baselines.work(&window.statements);
        let stretch = window.stretch(work);
        let in_use = window.has_demand() || window.usage.peak as f64 >= 0.9 * self.limit;
        let doubt = 1.0 + 2.0 * work.error;
        let sudden = stretch > (SUDDEN * self.usual).max(STRETCH) * doubt;
        let stall_over = self.stalled && window.finished > 0;
        self.stalled = window.finished == 0 && window.mean_in_flight() > ALONE;
        if stall_over {
            // This window still tells of the stall; what it takes now is not known.
            self.starting = true;
            self.usual = 1.0;
        } else if self.fails_more_than_usual(window) {
            self.cut(now, window, 0.7);
        } else if in_use && sudden && window.mean_in_flight() > ALONE {
            let factor = (STRETCH / stretch).max(0.5);
            self.cut(now, window, factor);
            // One turn, one cut: whether it was right, the climb finds out.
            self.usual = if stretch.is_finite() { stretch * factor } else { self.usual };
        } else {
            self.adjust(window, stretch, work);
            self.usual = stretch.clamp(1.0, 1.05 * self.usual.max(1.0));
        }
        self.learn(window, stretch);
    }

    /// A share of overloads that stays, whatever the limit, is not of its making.
    fn fails_more_than_usual(&mut self, window: &Tally) -> bool {
        let share = window.overloads as f64 / window.finished.max(1) as f64;
        let usual = self.usual_overloads;
        self.usual_overloads += 0.05 * (share - usual);
        share > OVERLOADS.max(SUDDEN * usual)
    }

    fn adjust(&mut self, window: &Tally, stretch: f64, work: Work) {
        if !window.has_demand() {
            let enough = (2.0 * window.usage.peak as f64).max(START);
            self.limit = self.limit.min((self.limit * 0.97).max(enough));
            if stretch < STRETCH {
                self.limit = self.limit.max(START);
            }
        } else if self.starting {
            self.start(window, stretch, work);
        }
    }

    fn start(&mut self, window: &Tally, stretch: f64, work: Work) {
        let tolerated = STRETCH * (1.0 + work.error) + 1.0 / window.mean_in_flight().max(1.0);
        if stretch > tolerated {
            self.starting = false;
        } else {
            self.limit *= if stretch < UNLOADED { 2.0 } else { 1.5 };
            self.limit = self.limit.min(CEILING);
        }
    }

    fn cut(&mut self, now: Instant, window: &Tally, factor: f64) {
        let used = (window.usage.peak as f64).max(FLOOR);
        self.limit = (self.limit.min(used) * factor).max(FLOOR);
        self.starting = false;
        self.climb.restart();
        let latency = window.busy.as_secs_f64() / window.finished.max(1) as f64;
        self.hold_until = Some(now + Duration::from_secs_f64(latency.min(1.0)));
    }

    fn learn(&mut self, window: &Tally, stretch: f64) {
        let in_flight = window.mean_in_flight();
        let room = !window.has_demand() && stretch < STRETCH && in_flight < 0.6 * self.limit;
        if room || in_flight < ALONE {
            self.baselines.follow(&window.statements);
        } else {
            self.baselines.drop_to(&window.statements);
        }
    }
}

const START: f64 = 8.0;
const FLOOR: f64 = 2.0;
/// Far above any database; the gate has its own bounds.
const CEILING: f64 = 100_000.0;
/// The stretch up to which the start goes on.
const STRETCH: f64 = 2.0;
const UNLOADED: f64 = 1.3;
/// Times the usual stretch that are a sudden turn.
const SUDDEN: f64 = 3.0;
const OVERLOADS: f64 = 0.1;
/// Fewer queries at once than this cannot be in each other's way.
const ALONE: f64 = 1.5;

#[cfg(test)]
mod tests;
