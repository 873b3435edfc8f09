//! How often a client may retry: a share of what it tries first, and a floor.

use std::time::{Duration, Instant};

/// A balance of retries. Each first try adds a share of one, each second adds the floor, and
/// what is not used is forgotten, so that a long good time saves up no storm:
///
/// ```text
/// balance ← balance · e^(−span / 10 s) + floor · 10 s · (1 − e^(−span / 10 s)) + share
/// ```
///
/// At rest it holds ten seconds of both. A retry takes one from it, or is not made. So from its
/// start on,
///
/// ```text
/// retries ≤ share · first tries + floor · (seconds + 1)
/// ```
///
/// and from any other moment on, its balance then in place of the floor's first second.
///
/// The budget is Finagle's (`RetryBudget`, 20 % and 10 per second over 10 s), and so are its
/// figures; there and in tower, what was added expires in slots.
#[derive(Clone, Debug)]
pub(crate) struct Budget {
    share: f64,
    floor: f64,
    balance: f64,
    at: Instant,
}

impl Budget {
    /// The share is of first tries, the floor in retries per second. It starts with one
    /// second of the floor.
    pub(crate) fn new(share: f64, floor: f64, now: Instant) -> Self {
        let floor = floor.min(NO_BOUND);
        Self { share, floor, balance: floor, at: now }
    }

    /// Something is tried first.
    pub(crate) fn deposit(&mut self, now: Instant) {
        self.pass(now);
        self.balance += self.share;
    }

    /// Whether something may be tried again.
    pub(crate) fn withdraw(&mut self, now: Instant) -> bool {
        self.pass(now);
        // Five times a fifth may be a little less than one.
        let is_enough = self.balance >= 1.0 - 1e-9;
        if is_enough {
            self.balance -= 1.0;
        }
        is_enough
    }

    /// How many retries could be made at once.
    pub(crate) fn balance(&mut self, now: Instant) -> f64 {
        self.pass(now);
        self.balance
    }

    fn pass(&mut self, now: Instant) {
        let span = now.saturating_duration_since(self.at);
        self.at = self.at.max(now);
        let kept = (-span.as_secs_f64() / MEMORY.as_secs_f64()).exp();
        self.balance = self.balance * kept + self.floor * MEMORY.as_secs_f64() * (1.0 - kept);
    }
}

const MEMORY: Duration = Duration::from_secs(10);
/// A floor that nobody reaches, and of which nothing is lost in rounding.
const NO_BOUND: f64 = 1e12;

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    const SECOND: Duration = Duration::from_secs(1);

    fn withdrawn(budget: &mut Budget, now: Instant) -> usize {
        (0..10_000).take_while(|_| budget.withdraw(now)).count()
    }

    #[test]
    fn five_first_tries_allow_one_retry() {
        let t0 = Instant::now();
        let mut budget = Budget::new(0.2, 0.0, t0);
        for _ in 0..100 {
            (0..5).for_each(|_| budget.deposit(t0));
            assert!(budget.withdraw(t0) && !budget.withdraw(t0));
        }
    }

    #[test]
    fn the_floor_is_there_without_a_first_try_and_saves_up_ten_seconds() {
        let t0 = Instant::now();
        let mut budget = Budget::new(0.2, 3.0, t0);
        assert_eq!(withdrawn(&mut budget, t0), 3);
        assert_eq!(withdrawn(&mut budget, t0 + SECOND), 2, "almost three");
        assert_eq!(withdrawn(&mut budget, t0 + 1000 * SECOND), 30);
    }

    #[test]
    fn what_was_not_used_is_forgotten() {
        let t0 = Instant::now();
        let mut budget = Budget::new(0.2, 0.0, t0);
        (0..1_000).for_each(|_| budget.deposit(t0));
        assert_eq!(withdrawn(&mut budget.clone(), t0), 200);
        assert_eq!(withdrawn(&mut budget.clone(), t0 + 10 * SECOND), 73);
        assert_eq!(withdrawn(&mut budget, t0 + 60 * SECOND), 0);
    }

    #[test]
    fn a_floor_without_bounds_is_one() {
        let t0 = Instant::now();
        let mut budget = Budget::new(0.2, f64::MAX, t0);
        for pause in [0, 0, 1, 20, 100_000] {
            assert!(budget.withdraw(t0 + pause * SECOND), "after {pause} s");
        }
    }

    proptest! {
        /// Whatever is tried when, from any moment on.
        #[test]
        fn no_more_is_retried_than_the_share_and_the_floor_allow(
            share in 0.0..=1.0_f64,
            floor in 0.0..20.0_f64,
            steps in prop::collection::vec((any::<bool>(), 1..30_usize, 0..2_000_u64), 1..100),
            from in 0..100_usize,
        ) {
            let t0 = Instant::now();
            let mut budget = Budget::new(share, floor, t0);
            let (mut now, mut seen) = (t0, (t0, floor));
            let (mut first, mut again) = (0_usize, 0_usize);
            for (index, (tries, times, pause)) in steps.into_iter().enumerate() {
                if index == from {
                    seen = (now, budget.balance(now));
                    (first, again) = (0, 0);
                }
                for _ in 0..times {
                    match tries {
                        true => { budget.deposit(now); first += 1; }
                        false => again += usize::from(budget.withdraw(now)),
                    }
                }
                let seconds = (now - seen.0).as_secs_f64();
                let most = share * first as f64 + floor * seconds + seen.1;
                prop_assert!(again as f64 <= most + 1e-6, "{again} of {first} in {seconds} s");
                now += Duration::from_millis(pause);
            }
        }
    }
}
