//! Extremum seeking: does more concurrency give more work?

use std::time::Duration;

/// Swings the limit up and down and compares what gets done.
///
/// Six tenths of a second at the high limit H, six at the low limit M, the first signal of
/// each left out. With the work per second W at each, the elasticity
///
/// ```text
/// e = ln(W_H / W_M) / ln(H / M),   smoothed: ē ← ē + 0.3 (e − ē)
/// ē > 0.7   L ← 1.25 L
/// ē > 0.1   L ← L + 0.6 (ē − 0.1) √L
/// ē ≤ 0.1   L ← L · exp(0.25 (ē − 0.1) · min(ρ, 8))
/// ```
///
/// is 1 where every query more is so much more work done, and 0 where the database is
/// saturated. The longer queries take there (the stretch ρ), the sooner it leaves.
///
/// The swing follows the wall clock, so that the instances of a service that share a
/// database swing together: alone, each would gain by taking from the others.
#[derive(Debug, Default)]
pub(super) struct Climb {
    is_low: bool,
    settled: bool,
    high: Half,
    low: Half,
    elasticity: f64,
}

#[derive(Clone, Copy, Debug, Default)]
struct Half {
    span: Duration,
    work: f64,
    squares: f64,
}

/// What was done at the swung limit.
#[derive(Clone, Copy, Debug)]
pub(super) struct Seen {
    /// Time since the Unix epoch.
    pub(super) wall: Duration,
    pub(super) span: Duration,
    /// In seconds of queries alone, and the sum of their squares.
    pub(super) work: f64,
    pub(super) squares: f64,
    /// How much longer than alone queries take.
    pub(super) stretch: f64,
}

impl Climb {
    /// The limit in force while `limit` is the one that is sought.
    pub(super) fn swing(&self, limit: f64) -> f64 {
        if self.is_low { low(limit) } else { high(limit) }
    }

    /// Adds what was seen while somebody waited. Some: there is enough to go by, and this
    /// is the new limit.
    pub(super) fn add(&mut self, limit: f64, seen: &Seen) -> Option<f64> {
        let is_low = (seen.wall.as_millis() / HALF.as_millis()) % 2 == 1;
        if is_low != self.is_low {
            self.is_low = is_low;
            self.settled = false;
            let over = !is_low && self.high.queries().min(self.low.queries()) >= QUERIES;
            return over.then(|| self.follow(limit, seen.stretch));
        }
        if self.settled {
            let half = if is_low { &mut self.low } else { &mut self.high };
            half.span += seen.span;
            half.work += seen.work;
            half.squares += seen.squares;
        }
        self.settled = true;
        None
    }

    /// What was seen so far belongs to other times.
    pub(super) fn restart(&mut self) {
        self.settled = false;
        self.high = Half::default();
        self.low = Half::default();
    }

    fn follow(&mut self, limit: f64, stretch: f64) -> f64 {
        let more = (self.high.rate() / self.low.rate()).ln() / (high(limit) / low(limit)).ln();
        self.restart();
        if more.is_finite() {
            self.elasticity += SMOOTHING * (more.clamp(-2.0, 2.0) - self.elasticity);
        }
        let gain = self.elasticity - WORTH;
        if self.elasticity > CLEAR {
            limit * 1.25
        } else if gain > 0.0 {
            limit + 0.6 * gain * limit.sqrt()
        } else {
            limit * (0.25 * gain * stretch.clamp(1.0, 8.0)).exp()
        }
    }
}

impl Half {
    fn rate(&self) -> f64 {
        self.work / self.span.as_secs_f64()
    }

    /// How many queries of equal work would be as good a sample: a thousand cheap ones
    /// beside ten dear ones are hardly more than ten.
    fn queries(&self) -> f64 {
        if self.squares > 0.0 { self.work * self.work / self.squares } else { 0.0 }
    }
}

fn high(limit: f64) -> f64 {
    (limit * (1.0 + SWING)).max(limit + 1.0).floor()
}

fn low(limit: f64) -> f64 {
    // One less of very few would be a large share of the work.
    if limit < 4.0 { limit.floor() } else { (limit * (1.0 - SWING)).floor() }
}

const SWING: f64 = 0.25;
const SMOOTHING: f64 = 0.3;
/// The elasticity below which more concurrency is not worth its latency.
const WORTH: f64 = 0.1;
/// The elasticity above which the knee is far.
const CLEAR: f64 = 0.7;
const HALF: Duration = Duration::from_millis(600);
const QUERIES: f64 = 25.0;

#[cfg(test)]
mod tests {
    use super::*;

    /// Periods of a database that does `work` per second at a limit.
    fn climbed(mut limit: f64, periods: u32, work: impl Fn(f64) -> f64) -> f64 {
        let mut climb = Climb::default();
        let (span, mut wall) = (Duration::from_millis(100), Duration::ZERO);
        let mut over = 0;
        while over < periods {
            wall += span;
            let work = work(climb.swing(limit)) * 0.1;
            let seen = Seen { wall, span, work, squares: work * work / 100.0, stretch: 1.0 };
            if let Some(next) = climb.add(limit, &seen) {
                limit = next;
                over += 1;
            }
        }
        limit
    }

    #[test]
    fn it_climbs_to_the_knee_from_both_sides() {
        let knee = |limit: f64| limit / (1.0 + (limit - 1.0) * (0.02 + 0.98 / 256.0 * limit));
        for start in [5.0, 40.0] {
            let limit = climbed(start, 60, knee);
            assert!(knee(limit) > 0.97 * knee(16.0), "from {start} to {limit}");
        }
    }

    #[test]
    fn work_that_follows_the_limit_raises_it_and_a_plateau_lowers_it() {
        assert!(climbed(10.0, 10, |limit| limit) > 20.0);
        assert!(climbed(10.0, 10, |_| 7.0) < 9.0);
    }

    #[test]
    fn no_work_at_all_says_nothing() {
        let mut climb = Climb::default();
        for tenths in 0..100 {
            let (span, wall) = (Duration::from_millis(100), Duration::from_millis(100 * tenths));
            let seen = Seen { wall, span, work: 0.0, squares: 0.0, stretch: 1.0 };
            assert_eq!(climb.add(10.0, &seen), None);
        }
    }
}
