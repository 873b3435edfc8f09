//! When a run is back to normal.

use std::time::Duration;

use crate::record::{Record, per_cent};

const WINDOW: Duration = Duration::from_millis(500);
const STEP: Duration = Duration::from_millis(50);
const NORMAL: f64 = 99.0;

/// Time from the end of the surge until every later half-second window sees at
/// least 99 % of its arrivals succeed; `None` if that never comes.
pub(crate) fn time_to_recover(record: &Record) -> Option<Duration> {
    let end = record.timeline.surge_end();
    let arrivals: Vec<(Duration, bool)> = record
        .exchanges
        .iter()
        .filter(|exchange| exchange.arrived >= end)
        .map(|exchange| (exchange.arrived - end, exchange.succeeded()))
        .collect();
    last_bad_window(&arrivals, record.timeline.recovery)
}

/// Slides the window back from the end of the run to the last one that is not
/// normal. A bad last window means that the run never recovered.
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
    fn a_relapse_counts() {
        let arrivals = one_arrival_every_10_ms(|at| at.as_secs() != 5);
        assert!(last_bad_window(&arrivals, OBSERVED).unwrap() >= Duration::from_secs(6));
    }

    #[test]
    fn failing_to_the_end_is_no_recovery() {
        let arrivals = one_arrival_every_10_ms(|at| at < Duration::from_millis(9_900));
        assert_eq!(last_bad_window(&arrivals, OBSERVED), None);
    }
}
