//! How much of what comes was tried before.
//!
//! Where a service is called through several layers and each of them retries, a few failures
//! turn into many requests, and those into more failures. So it tells its callers not to
//! retry while many of its requests are retries already (Beyer et al., *Site Reliability
//! Engineering*, 2016, chapter 21, *Handling Overload*).

use std::time::{Duration, Instant};

/// The share of retries in what came during the last seconds: each counts for less as it
/// gets older,
///
/// ```text
/// count ← count · e^(−span / 10 s) + new
/// ```
#[derive(Clone, Debug)]
pub(crate) struct Retries {
    all: f64,
    retries: f64,
    /// The totals so far.
    heard: Came,
    at: Instant,
}

/// How many came so far.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct Came {
    pub(crate) all: u64,
    /// Those of them that were tried before.
    pub(crate) retries: u64,
}

impl Retries {
    pub(crate) fn new(now: Instant) -> Self {
        Self { all: 0.0, retries: 0.0, heard: Came::default(), at: now }
    }

    /// What came since the last call counts as if it came now.
    pub(crate) fn hear(&mut self, came: Came, now: Instant) {
        let span = now.saturating_duration_since(self.at);
        let fade = (-span.as_secs_f64() / MEMORY.as_secs_f64()).exp();
        // They are counted without a lock, so an older total may come later.
        let new = |total: u64, heard: u64| total.saturating_sub(heard) as f64;
        self.all = self.all * fade + new(came.all, self.heard.all);
        self.retries = self.retries * fade + new(came.retries, self.heard.retries);
        self.heard = Came {
            all: came.all.max(self.heard.all),
            retries: came.retries.max(self.heard.retries),
        };
        self.at = self.at.max(now);
    }

    /// Whether more than a fifth are retries. A few requests say nothing.
    pub(crate) fn are_many(&self) -> bool {
        self.all >= FEW && self.retries > MANY * self.all
    }
}

const MEMORY: Duration = Duration::from_secs(10);
/// A client that retries a fifth of its first tries at most, as budgets have it, makes a sixth of
/// all requests retries, which is less.
const MANY: f64 = 0.2;
const FEW: f64 = 20.0;

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    const SECOND: Duration = Duration::from_secs(1);

    #[test]
    fn more_than_a_fifth_are_many_and_are_forgotten() {
        let t0 = Instant::now();
        let mut retries = Retries::new(t0);
        retries.hear(Came { all: 80, retries: 16 }, t0);
        assert!(!retries.are_many(), "a fifth is not more");
        retries.hear(Came { all: 81, retries: 17 }, t0);
        assert!(retries.are_many());
        retries.hear(Came { all: 81, retries: 17 }, t0 + 20 * SECOND);
        assert!(!retries.are_many(), "that was long ago");
        retries.hear(Came { all: 181, retries: 27 }, t0 + 20 * SECOND);
        assert!(!retries.are_many());
    }

    #[test]
    fn a_few_say_nothing() {
        let t0 = Instant::now();
        let mut retries = Retries::new(t0);
        retries.hear(Came { all: 19, retries: 19 }, t0);
        assert!(!retries.are_many());
        retries.hear(Came { all: 20, retries: 20 }, t0);
        assert!(retries.are_many());
    }

    proptest! {
        /// Whatever comes when, a steady share is told for what it is.
        #[test]
        fn a_share_on_either_side_of_a_fifth_is_known(
            share in prop_oneof![0.0..0.19_f64, 0.21..1.0_f64],
            spans in prop::collection::vec(0..3_000_u64, 1..50),
        ) {
            let mut now = Instant::now();
            let mut retries = Retries::new(now);
            let mut came = Came::default();
            for span in spans {
                now += Duration::from_millis(span);
                came.all += 1_000;
                came.retries += (1_000.0 * share) as u64;
                retries.hear(came, now);
                prop_assert_eq!(retries.are_many(), share > MANY);
            }
        }
    }
}
