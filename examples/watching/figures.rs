//! Shares and quantiles.

use std::time::Duration;

use hdrhistogram::Histogram;

/// A quantile of some latencies, to the precision of a plot.
pub(crate) fn quantile_of(
    latencies: impl Iterator<Item = Duration>,
    quantile: f64,
) -> Option<Duration> {
    let mut histogram = Histogram::<u32>::new(3).expect("three digits are within bounds");
    for latency in latencies {
        histogram += latency.as_micros().max(1) as u64;
    }
    (!histogram.is_empty()).then(|| Duration::from_micros(histogram.value_at_quantile(quantile)))
}

/// Share of `true` in per cent; of nothing, all.
pub(crate) fn per_cent(outcomes: impl Iterator<Item = bool>) -> f64 {
    let (mut good, mut all) = (0_u32, 0_u32);
    for outcome in outcomes {
        all += 1;
        good += u32::from(outcome);
    }
    if all == 0 { 100.0 } else { 100.0 * f64::from(good) / f64::from(all) }
}
