//! Evenly spread numbers, so that those who were refused together do not come back together.

use std::{
    hash::{BuildHasher, RandomState},
    sync::{
        OnceLock,
        atomic::{AtomicU64, Ordering},
    },
    time::Duration,
};

/// The next of a sequence from 0 to less than 1 which fills it evenly (Weyl, 1916), from a
/// start of its own in each process. Enough for spreading, and nothing else.
#[cfg(any(feature = "client", test))]
pub(crate) fn unit() -> f64 {
    // As many bits as there are in a number between 0 and 1.
    (draw() >> 11) as f64 / (1_u64 << 53) as f64
}

/// The same, from no time to less than `all`, in whole nanoseconds. Of more than 584 years it is
/// a part of those.
pub(crate) fn part_of(all: Duration) -> Duration {
    let all = u64::try_from(all.as_nanos()).unwrap_or(u64::MAX);
    // Without fractions, which cost more than all else about a refusal.
    Duration::from_nanos(((u128::from(draw()) * u128::from(all)) >> u64::BITS) as u64)
}

/// In parts of 2⁶⁴.
fn draw() -> u64 {
    static NEXT: OnceLock<AtomicU64> = OnceLock::new();
    let next = NEXT.get_or_init(|| AtomicU64::new(RandomState::new().hash_one(())));
    next.fetch_add(GOLDEN, Ordering::Relaxed)
}

/// 2⁶⁴ over the golden ratio: the multiples of this are spread evenly.
const GOLDEN: u64 = 0x9e37_79b9_7f4a_7c15;

#[cfg(test)]
mod tests {
    use super::*;

    /// Others draw meanwhile, so it is not exact.
    #[test]
    fn it_fills_all_from_0_to_1() {
        let of_minute = || part_of(Duration::from_secs(60)).as_secs_f64() / 60.0;
        is_even((0..1_000).map(|_| unit()).collect());
        is_even((0..1_000).map(|_| of_minute()).collect());
        assert_eq!(part_of(Duration::ZERO), Duration::ZERO);
        assert!(part_of(Duration::MAX) < Duration::from_nanos(u64::MAX));
    }

    fn is_even(drawn: Vec<f64>) {
        for tenth in 0..10 {
            let from = f64::from(tenth) / 10.0;
            let inside = drawn.iter().filter(|at| (from..from + 0.1).contains(*at)).count();
            assert!((50..150).contains(&inside), "tenth {tenth}: {inside}");
        }
    }
}
