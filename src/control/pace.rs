//! How fast places come free.

use std::time::Duration;

/// How many are done per second, lately.
#[derive(Debug, Default)]
pub(crate) struct Pace {
    in_flight: usize,
    per_second: Option<f64>,
}

impl Pace {
    /// So many came in during this span, and so many are in flight at its end: the others of
    /// those and of who was there before are done.
    pub(crate) fn see(&mut self, admitted: u64, in_flight: usize, span: Duration) {
        let seconds = span.as_secs_f64();
        let done = (admitted as f64 + self.in_flight as f64 - in_flight as f64).max(0.0);
        self.in_flight = in_flight;
        if seconds <= 0.0 {
            return;
        }
        let now = done / seconds;
        let weight = 1.0 - (-seconds / MEMORY.as_secs_f64()).exp();
        self.per_second = Some(self.per_second.map_or(now, |old| old + weight * (now - old)));
    }

    /// None before anything was seen.
    pub(crate) fn per_second(&self) -> Option<f64> {
        self.per_second
    }
}

/// What is older counts for little.
const MEMORY: Duration = Duration::from_secs(1);

#[cfg(test)]
mod tests {
    use super::*;

    const SPAN: Duration = Duration::from_millis(100);

    #[test]
    fn it_is_what_goes_out_and_not_what_comes_in() {
        let mut pace = Pace::default();
        assert_eq!(pace.per_second(), None);
        for tenth in 1..100 {
            pace.see(50, 40 * tenth, SPAN);
        }
        let per_second = pace.per_second().expect("it was seen");
        assert!((per_second - 100.0).abs() < 1e-6, "{per_second}");
    }

    #[test]
    fn it_follows_within_seconds() {
        let mut pace = Pace::default();
        (0..50).for_each(|_| pace.see(10, 0, SPAN));
        (0..30).for_each(|_| pace.see(20, 0, SPAN));
        let per_second = pace.per_second().expect("it was seen");
        assert!((190.0..200.0).contains(&per_second), "{per_second}");
    }

    use proptest::prelude::*;

    proptest! {
        /// Who came and is not there any more, averaged over a second.
        #[test]
        fn it_is_the_average_of_what_went_out(
            spans in prop::collection::vec((0..100_u64, 0..200_usize, 0..3_000_u64), 1..60),
        ) {
            let (mut pace, mut average, mut before) = (Pace::default(), None, 0.0);
            for (admitted, in_flight, millis) in spans {
                pace.see(admitted, in_flight, Duration::from_millis(millis));
                let went = f64::max(before + admitted as f64 - in_flight as f64, 0.0);
                before = in_flight as f64;
                if millis > 0 {
                    let (now, kept) = (went * 1e3 / millis as f64, (millis as f64 / -1e3).exp());
                    average = Some(average.map_or(now, |old| kept * old + (1.0 - kept) * now));
                }
                let (told, expected) = (pace.per_second(), average);
                prop_assert_eq!(told.is_some(), expected.is_some());
                let off = told.unwrap_or(0.0) - expected.unwrap_or(0.0);
                prop_assert!(off.abs() < 1e-6, "{told:?} and not {expected:?}");
            }
        }
    }
}
