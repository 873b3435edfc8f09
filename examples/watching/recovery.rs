//! When a run is back to normal.

use std::time::Duration;

use super::figures::per_cent;

const WINDOW: Duration = Duration::from_millis(500);
const STEP: Duration = Duration::from_millis(50);
const NORMAL: f64 = 99.0;

/// From when on every half-second window, until `observed`, sees at least 99 % of its arrivals
/// end well; `None` if that never comes. Arrivals are in any order, with whether they did.
pub(crate) fn time_to_recover(
    mut arrivals: Vec<(Duration, bool)>,
    observed: Duration,
) -> Option<Duration> {
    arrivals.sort_unstable_by_key(|(at, _)| *at);
    last_bad_window(&arrivals, observed)
}

/// Slides the window back from the end of the run to the last one that is not
/// normal. A bad last window means that the run never recovered.
fn last_bad_window(arrivals: &[(Duration, bool)], observed: Duration) -> Option<Duration> {
    let until = |time| arrivals.partition_point(|(at, _)| *at < time);
    let mut recovered = None;
    let mut start = observed.saturating_sub(WINDOW);
    loop {
        let seen = &arrivals[until(start)..until(start + WINDOW)];
        if per_cent(seen.iter().map(|(_, success)| *success)) < NORMAL {
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
    fn the_order_of_the_answers_does_not_matter() {
        let mut arrivals = one_arrival_every_10_ms(|at| at > Duration::from_secs(3));
        let expected = last_bad_window(&arrivals, OBSERVED);
        arrivals.reverse();
        assert_eq!(time_to_recover(arrivals, OBSERVED), expected);
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
