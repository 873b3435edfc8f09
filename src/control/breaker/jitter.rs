//! A little randomness, so that the instances of a fleet do not try all at once.

use std::time::Duration;

/// The Weyl sequence of a seed, each step well mixed: enough for spreading, and nothing
/// else.
#[derive(Clone, Debug)]
pub(super) struct Jitter(u64);

impl Jitter {
    pub(super) fn new(seed: u64) -> Self {
        Self(seed)
    }

    /// The duration, up to a fifth longer or shorter.
    pub(super) fn spread(&mut self, duration: Duration) -> Duration {
        duration.mul_f64(1.0 + SPREAD * (2.0 * self.unit() - 1.0))
    }

    /// A number from 0 to 1.
    fn unit(&mut self) -> f64 {
        self.0 = self.0.wrapping_add(STEP);
        let folded = u128::from(self.0 ^ STEP.rotate_left(21)) * u128::from(self.0 | 1);
        let mixed = (folded >> 64) as u64 ^ folded as u64;
        let folded = u128::from(mixed ^ STEP) * u128::from(STEP.rotate_left(40) | 1);
        let mixed = (folded >> 64) as u64 ^ folded as u64;
        mixed as f64 / u64::MAX as f64
    }
}

/// The share of the duration by which it is spread to either side.
const SPREAD: f64 = 0.2;

/// 2⁶⁴ over the golden ratio.
const STEP: u64 = 0x9e37_79b9_7f4a_7c15;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn it_fills_a_fifth_to_either_side_and_no_more() {
        const SECOND: Duration = Duration::from_secs(1);
        for seed in [0, 1, 2, u64::MAX, 0x1234_5678] {
            let mut jitter = Jitter::new(seed);
            let spread: Vec<_> = (0..1_000).map(|_| jitter.spread(SECOND).as_secs_f64()).collect();
            assert!(spread.iter().all(|seconds| (0.8..=1.2).contains(seconds)), "seed {seed}");
            for tenth in 0..10 {
                let from = 0.8 + 0.04 * f64::from(tenth);
                let inside = spread.iter().filter(|at| (from..from + 0.04).contains(*at)).count();
                assert!((60..140).contains(&inside), "seed {seed}, tenth {tenth}: {inside}");
            }
        }
    }

    #[test]
    fn neighbours_do_not_go_in_step() {
        let first = |seed| Jitter::new(seed).spread(Duration::from_secs(1));
        let mut all: Vec<_> = (0..100).map(first).collect();
        all.sort();
        all.dedup_by(|one, other| one.abs_diff(*other) < Duration::from_micros(10));
        assert!(all.len() > 90, "{}", all.len());
    }
}
