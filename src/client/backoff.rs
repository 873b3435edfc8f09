//! How long to wait where nobody says it.

use std::time::Duration;

use crate::rejection::unit;

/// Exponential backoff with full jitter: evenly from 0 to a bound that doubles with each
/// retry (Brooker, *Exponential Backoff And Jitter*, AWS Architecture Blog, 2015).
///
/// ```text
/// wait = random(0, min(longest, first · 2ⁿ))
/// ```
#[derive(Clone, Copy, Debug)]
pub(super) struct Backoff {
    pub(super) first: Duration,
    pub(super) longest: Duration,
}

impl Backoff {
    /// The wait before another try, after so many retries.
    pub(super) fn wait(&self, retries: u32) -> Duration {
        self.bound(retries).mul_f64(unit())
    }

    fn bound(&self, retries: u32) -> Duration {
        self.first.saturating_mul(2_u32.saturating_pow(retries)).min(self.longest)
    }
}

impl Default for Backoff {
    fn default() -> Self {
        Self { first: Duration::from_millis(100), longest: Duration::from_secs(5) }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    proptest! {
        #[test]
        fn it_doubles_up_to_the_longest_and_is_spread_over_all_of_it(retries in 0..100_u32) {
            let backoff = Backoff::default();
            let bound = backoff.bound(retries);
            prop_assert_eq!(backoff.bound(0), backoff.first);
            prop_assert_eq!(backoff.bound(retries + 1), (2 * bound).min(backoff.longest));
            let waits: Vec<_> = (0..200).map(|_| backoff.wait(retries)).collect();
            prop_assert!(waits.iter().all(|wait| *wait <= bound));
            let late = waits.iter().filter(|wait| **wait > bound / 2).count();
            prop_assert!((50..150).contains(&late), "{} of 200", late);
        }
    }
}
