//! Latencies in buckets that grow with them: quantiles to an eighth, 800 bytes.

use std::time::Duration;

/// Buckets per doubling of the latency, so a quantile is at most 12.5 % too high.
const STEPS: u64 = 8;
const STEPS_LOG2: u32 = STEPS.trailing_zeros();
/// Up to 2²⁷ µs, which is 134 s; what takes longer counts as that.
const LONGEST: u64 = (1 << 27) - 1;
const BUCKETS: usize = bucket(LONGEST) + 1;

/// How many queries took how long.
#[derive(Clone, Debug)]
pub(crate) struct Histogram {
    counts: [u32; BUCKETS],
}

impl Default for Histogram {
    fn default() -> Self {
        Self { counts: [0; BUCKETS] }
    }
}

impl Histogram {
    pub(crate) fn record(&mut self, latency: Duration) {
        // Much cheaper than `as_micros`, which divides 128 bits.
        let micros = latency.as_secs().saturating_mul(1_000_000);
        let micros = micros.saturating_add(u64::from(latency.subsec_micros())).min(LONGEST);
        let count = &mut self.counts[bucket(micros)];
        *count = count.saturating_add(1);
    }

    pub(crate) fn add(&mut self, other: &Self) {
        for (count, more) in self.counts.iter_mut().zip(other.counts) {
            *count = count.saturating_add(more);
        }
    }

    /// The latency that `share` of the queries did not exceed; `None` without queries.
    pub(crate) fn quantile(&self, share: f64) -> Option<Duration> {
        let total: u64 = self.counts.iter().copied().map(u64::from).sum();
        // In binary, 7 % of 100 is a little more than 7, which is not the eighth.
        let exact = total as f64 * share * (1.0 - 2.0 * f64::EPSILON);
        let rank = (exact.ceil() as u64).max(1);
        let mut seen = 0;
        self.counts
            .iter()
            .position(|count| {
                seen += u64::from(*count);
                seen >= rank
            })
            .map(|bucket| Duration::from_micros(highest(bucket)))
    }
}

/// The bucket of a latency: exact below [`STEPS`] µs, then [`STEPS`] per doubling.
const fn bucket(micros: u64) -> usize {
    if micros < STEPS {
        return micros as usize;
    }
    let doublings = micros.ilog2() - STEPS_LOG2;
    let step = (micros >> doublings) - STEPS;
    (STEPS + STEPS * doublings as u64 + step) as usize
}

/// The longest latency that falls into `bucket`, in µs.
const fn highest(bucket: usize) -> u64 {
    let bucket = bucket as u64;
    if bucket < STEPS {
        return bucket;
    }
    let (doublings, step) = ((bucket - STEPS) / STEPS, (bucket - STEPS) % STEPS);
    ((STEPS + step + 1) << doublings) - 1
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn quantiles_of_nothing_are_nothing() {
        assert_eq!(Histogram::default().quantile(0.5), None);
    }

    #[test]
    fn quantiles_pick_the_rank() {
        let mut histogram = Histogram::default();
        for millis in 1..=100 {
            histogram.record(Duration::from_millis(millis));
        }
        let p50 = histogram.quantile(0.5).expect("a hundred went in");
        assert!((50_000..=56_250).contains(&p50.as_micros()), "{p50:?}");
        assert!(histogram.quantile(1.0) >= Some(Duration::from_millis(100)));
        for millis in 1..=100 {
            let told = histogram.quantile(millis as f64 / 100.0).expect("a hundred went in");
            assert_eq!(told, Duration::from_micros(highest(bucket(1_000 * millis))), "{millis} ms");
        }
    }

    proptest! {
        #[test]
        fn a_bucket_is_at_most_an_eighth_wide(micros in 0..=LONGEST) {
            let top = highest(bucket(micros));
            prop_assert!(top >= micros);
            prop_assert!(top - micros <= micros / STEPS);
        }
    }

    #[test]
    fn the_longest_latency_has_a_bucket() {
        let mut histogram = Histogram::default();
        histogram.record(Duration::MAX);
        assert_eq!(histogram.quantile(1.0), Some(Duration::from_micros(LONGEST)));
    }

    proptest! {
        /// Against the latencies themselves, in order.
        #[test]
        fn a_quantile_is_that_of_the_sorted_latencies_to_an_eighth(
            halves in prop::array::uniform2(prop::collection::vec(
                prop_oneof![0..20_u64, 0..10_000_u64, 0..=2 * LONGEST], 0..100,
            )),
            hundredths in 0..=100_u32,
        ) {
            let of = |latencies: &Vec<u64>| {
                let mut histogram = Histogram::default();
                latencies.iter().for_each(|us| histogram.record(Duration::from_micros(*us)));
                histogram
            };
            let mut histogram = of(&halves[0]);
            histogram.add(&of(&halves[1]));
            let mut sorted = halves.concat();
            sorted.sort_unstable();
            let rank = (sorted.len() * hundredths as usize).div_ceil(100).max(1);
            let exact = sorted.get(rank - 1).map(|us| (*us).min(LONGEST));
            let told = histogram.quantile(f64::from(hundredths) / 100.0);
            let told = told.map(|told| told.as_micros() as u64);
            prop_assert_eq!(told.is_some(), exact.is_some());
            if let (Some(told), Some(exact)) = (told, exact) {
                prop_assert!((exact..=exact + exact / 8).contains(&told), "{told} for {exact}");
            }
        }
    }
}
