//! When a run is back to normal, and how hard the server was met then.

use std::time::Duration;

use super::record::{Record, per_cent};

const WINDOW: Duration = Duration::from_millis(500);
const STEP: Duration = Duration::from_millis(50);
const NORMAL: f64 = 99.0;

/// Time from the end of the fault until every later half-second window sees at least
/// 99 % of its arrivals succeed; `None` if that never comes.
pub(crate) fn time_to_recover(record: &Record) -> Option<Duration> {
    let end = record.fault.end;
    let later = record.exchanges.iter().filter(|exchange| exchange.arrived >= end);
    let arrivals: Vec<_> =
        later.map(|exchange| (exchange.arrived - end, exchange.succeeded())).collect();
    last_bad_window(&arrivals, record.end.saturating_sub(end))
}

/// Slides the window back from the end of the run to the last one that is not normal. A
/// bad last window means that the run never recovered.
fn last_bad_window(arrivals: &[(Duration, bool)], observed: Duration) -> Option<Duration> {
    let mut recovered = None;
    let mut start = observed.saturating_sub(WINDOW);
    loop {
        let window = start..start + WINDOW;
        let seen = arrivals.iter().filter(|(at, _)| window.contains(at));
        if per_cent(seen.map(|(_, success)| *success)) < NORMAL {
            return recovered;
        }
        recovered = Some(start);
        if start.is_zero() {
            return recovered;
        }
        start = start.saturating_sub(STEP);
    }
}

/// The most that happened in any [`BUCKET`] from `from` on.
pub(crate) fn peak(moments: &[Duration], from: Duration) -> usize {
    let mut moments: Vec<_> = moments.iter().filter(|at| **at >= from).collect();
    moments.sort();
    let end_of = |start: usize| moments.partition_point(|at| **at < *moments[start] + BUCKET);
    (0..moments.len()).map(|start| end_of(start) - start).max().unwrap_or_default()
}

/// What counts as at once.
pub(crate) const BUCKET: Duration = Duration::from_millis(100);

#[cfg(test)]
mod tests {
    use super::*;

    const OBSERVED: Duration = Duration::from_secs(10);

    fn one_arrival_every_10_ms(success: impl Fn(Duration) -> bool) -> Vec<(Duration, bool)> {
        (0..1_000).map(|n| Duration::from_millis(n * 10)).map(|at| (at, success(at))).collect()
    }

    #[test]
    fn unbroken_success_recovers_at_once() {
        let arrivals = one_arrival_every_10_ms(|_| true);
        assert_eq!(last_bad_window(&arrivals, OBSERVED), Some(Duration::ZERO));
    }

    #[test]
    fn recovery_starts_after_the_last_failure() {
        let arrivals = one_arrival_every_10_ms(|at| at > Duration::from_secs(3));
        let recovered = last_bad_window(&arrivals, OBSERVED).unwrap();
        assert!(recovered > Duration::from_secs(3));
        assert!(recovered <= Duration::from_secs(3) + STEP);
    }

    #[test]
    fn failing_to_the_end_is_no_recovery() {
        let arrivals = one_arrival_every_10_ms(|at| at < Duration::from_millis(9_900));
        assert_eq!(last_bad_window(&arrivals, OBSERVED), None);
    }

    #[test]
    fn the_peak_is_found_wherever_it_lies() {
        let moments = [0, 1, 2, 3, 1_090, 1_100, 1_110, 5_000].map(Duration::from_millis);
        assert_eq!(peak(&moments, Duration::ZERO), 4);
        assert_eq!(peak(&moments, Duration::from_secs(1)), 3);
        assert_eq!(peak(&moments, Duration::from_secs(9)), 0);
    }
}
