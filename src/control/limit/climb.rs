//! Extremum seeking: does more concurrency give more work?

use std::time::Duration;

use crate::control::baseline::Work;

/// Swings the limit up and down and compares what gets done.
///
/// With the work W at the high limit H = L(1 + d) and at the low M = L(1 − d), for the same
/// time each, the elasticity
///
/// ```text
/// e = ln(W_H / W_M) / ln(H / M)
/// ```
///
/// is 1 where every query more is so much more work done, and 0 where the database is
/// saturated. Near its best it falls by about s = 0.7 when the limit grows e-fold, so one
/// period tells by how much ln L is off, (e − w)/s, with the variance V that the spread of
/// the latencies gives. A Kalman filter on ln L, whose own variance is P, weighs it:
///
/// ```text
/// P ← P + Q,   K = P / (P + V),   ln L ← ln L + K (e − w)/s,   P ← (1 − K) P
/// ```
///
/// with d = 0.2 and Q = 0.002, and a step of at most 0.9. So an instance that sees much moves
/// at once, and one that sees little slowly and in the right direction on average. It is
/// likely one of many whose steps add up, so once P ≤ 0.3, V counts (1 + V) times.
///
/// Far from the best (e above 0.6 or below −0.5), P stays until the direction turns. An e
/// that the filter did not expect (over 3.5 standard deviations) says that something has
/// changed: P is 0.3 again. At P below 0.05 the limit rests for three periods of four.
///
/// The swing follows the wall clock, so that the instances of a service that share a
/// database swing together: alone, each would gain by taking from the others. What is
/// worth it, w, grows with ln L: the larger of two instances stops first, so their
/// shares become equal.
#[derive(Clone, Debug)]
pub(super) struct Climb {
    position: Position,
    period: u64,
    half: Duration,
    /// Signals at this position so far.
    seen: u32,
    latency: f64,
    high: Side,
    low: Side,
    variance: f64,
    /// Up, down, or nearby.
    heading: i8,
    elasticity: Option<f64>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Position {
    Rest,
    High,
    Low,
}

#[derive(Clone, Copy, Debug, Default)]
struct Side {
    span: Duration,
    work: f64,
    observed: f64,
    variance: f64,
    count: u64,
}

/// What was done at the swung limit.
#[derive(Clone, Copy, Debug)]
pub(super) struct Seen {
    /// Time since the Unix epoch.
    pub(super) wall: Duration,
    pub(super) span: Duration,
    pub(super) work: Work,
    /// Whether somebody had to wait.
    pub(super) binds: bool,
}

impl Default for Climb {
    fn default() -> Self {
        Self {
            position: Position::Rest,
            period: 0,
            half: SHORT,
            seen: 0,
            latency: 0.0,
            high: Side::default(),
            low: Side::default(),
            variance: UNKNOWN,
            heading: 0,
            elasticity: None,
        }
    }
}

impl Climb {
    /// The limit in force while `limit` is the one that is sought.
    pub(super) fn swing(&self, limit: f64) -> f64 {
        match self.position {
            Position::Rest => limit,
            Position::High => limit * (1.0 + SWING),
            Position::Low => limit * (1.0 - SWING),
        }
    }

    /// The last elasticity that was seen.
    pub(super) fn elasticity(&self) -> Option<f64> {
        self.elasticity
    }

    /// What is not known yet: the variance of ln L.
    pub(super) fn doubt_left(&self) -> f64 {
        self.variance
    }

    /// Something has changed: the limit may be far from its best.
    pub(super) fn doubt(&mut self) {
        self.variance = UNSURE;
        self.restart();
    }

    /// What was seen so far belongs to other times.
    pub(super) fn restart(&mut self) {
        self.seen = 0;
        self.high = Side::default();
        self.low = Side::default();
    }

    /// Adds what was seen while the limit was in use. Some: there is enough to go by, and
    /// this is the new limit.
    pub(super) fn add(&mut self, limit: f64, seen: &Seen) -> Option<f64> {
        let Seen { wall, span, work, binds } = *seen;
        if work.observed > 0.0 {
            self.latency += 0.1 * (work.lasting / work.observed - self.latency);
        }
        let next = self.turn(limit, wall);
        self.seen += 1;
        if binds && self.seen > self.unsettled() {
            let side = match self.position {
                Position::Rest => return next,
                Position::High => &mut self.high,
                Position::Low => &mut self.low,
            };
            side.add(span, work);
        }
        next
    }

    /// Signals after a turn that still tell of the limit before.
    fn unsettled(&self) -> u32 {
        1 + (10.0 * self.latency) as u32
    }

    fn turn(&mut self, limit: f64, wall: Duration) -> Option<f64> {
        let index = wall.as_millis() / self.half.as_millis();
        let period = (index / 2) as u64;
        let over = period != self.period;
        let next = if over { self.follow(limit) } else { None };
        if over {
            self.period = period;
            self.restart();
            self.choose_half();
        }
        let rests = self.variance < SURE && period % 4 != 0;
        let position = match index % 2 {
            _ if rests => Position::Rest,
            0 => Position::High,
            _ => Position::Low,
        };
        if position != self.position {
            self.position = position;
            self.seen = 0;
        }
        next
    }

    /// A half has to be longer than several latencies. All instances take the same steps.
    fn choose_half(&mut self) {
        let mut half = SHORT;
        while half.as_secs_f64() < 4.0 * self.latency && half < LONG {
            half *= 4;
        }
        self.half = half;
    }

    fn follow(&mut self, limit: f64) -> Option<f64> {
        let ratio = ((1.0 + SWING) / (1.0 - SWING)).ln();
        let seen = (self.high.rate() / self.low.rate()).ln() / ratio;
        if !seen.is_finite() {
            return None;
        }
        let elasticity = seen.clamp(-2.0, 2.0);
        self.elasticity = Some(elasticity);
        let heading = heading(elasticity);
        let turns = heading != 0 && heading == -self.heading;
        self.heading = heading;
        let noise = (self.high.noise() + self.low.noise()) / (ratio * SLOPE).powi(2);
        let noise = if self.variance > UNSURE { noise } else { noise * (1.0 + noise) };
        let off = (elasticity - worth(limit)) / SLOPE;
        self.variance += DRIFT;
        if !turns && off * off > SURPRISE * SURPRISE * (self.variance + noise) {
            self.variance = UNSURE;
        }
        let gain = self.variance / (self.variance + noise);
        if heading == 0 || turns {
            self.variance *= 1.0 - gain;
        }
        Some(limit * (gain * off).clamp(-STEP, STEP).exp())
    }
}

/// Far from the best, one period tells the direction and not the distance; once the
/// direction has turned, the best lies between.
fn heading(elasticity: f64) -> i8 {
    match elasticity {
        _ if elasticity > FAR_BELOW => 1,
        _ if elasticity < FAR_ABOVE => -1,
        _ => 0,
    }
}

impl Side {
    fn add(&mut self, span: Duration, work: Work) {
        self.span += span;
        self.work += work.seconds;
        self.observed += work.observed;
        self.variance += work.variance;
        self.count += work.count;
    }

    fn rate(&self) -> f64 {
        self.work / self.span.as_secs_f64()
    }

    /// The relative variance of the work.
    fn noise(&self) -> f64 {
        self.variance / self.observed.powi(2).max(f64::MIN_POSITIVE) + 1.0 / self.count as f64
    }
}

fn worth(limit: f64) -> f64 {
    WORTH + LEVEL * (limit / 2.0).ln()
}

const SWING: f64 = 0.2;
/// How much the elasticity falls near the best when the limit grows e-fold.
const SLOPE: f64 = 0.7;
/// The elasticity below which more concurrency is not worth its latency, at a limit of 2.
const WORTH: f64 = 0.02;
const LEVEL: f64 = 0.03;
const STEP: f64 = 0.9;
const FAR_BELOW: f64 = 0.6;
const FAR_ABOVE: f64 = -0.5;
const UNSURE: f64 = 0.3;
const UNKNOWN: f64 = 1.0;
const SURE: f64 = 0.05;
const DRIFT: f64 = 0.002;
const SURPRISE: f64 = 3.5;
const SHORT: Duration = Duration::from_millis(800);
const LONG: Duration = Duration::from_secs(20);

#[cfg(test)]
mod tests;
