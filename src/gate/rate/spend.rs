//! The decision: governor's, on one quota after the other, all or none.

use std::{cell::Cell, convert::Infallible, num::NonZeroU32, time::Duration};

use governor::state::{InMemoryState, NotKeyed, StateStore};

use super::quota::Rate;

/// Where the state of one client lives: a theoretical arrival time (a term of the generic
/// cell rate algorithm) for each quota, in nanoseconds since the gate was built. Until then,
/// the quota is not whole again.
pub(super) enum Bucket<'b> {
    /// Of many threads at once.
    Shared(&'b [InMemoryState]),
    /// Of one thread at a time.
    Held(&'b [Cell<u64>]),
}

/// What was in the way.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Lack {
    /// Which of the quotas.
    pub(super) quota: usize,
    /// Until all quotas have enough cells.
    pub(super) wait: Duration,
}

impl Bucket<'_> {
    /// Spends so many units of all the quotas, or none of any.
    #[inline]
    pub(super) fn spend(&self, rates: &[Rate], units: NonZeroU32, now: u64) -> Result<(), Lack> {
        for (quota, rate) in rates.iter().enumerate() {
            if let Err(wait) = self.spend_one(quota, rate, units, now) {
                self.hand_back(&rates[..quota], units, now);
                self.forgive(rates, now);
                return Err(self.longest(Lack { quota, wait }, rates, units, now));
            }
        }
        Ok(())
    }

    /// Hands back units that were spent.
    pub(super) fn hand_back(&self, rates: &[Rate], units: NonZeroU32, now: u64) {
        for (quota, rate) in rates.iter().enumerate() {
            self.hand_back_one(quota, rate, units, now);
        }
    }

    /// Writes down that nobody owes more than a burst. Else who was told to wait would owe
    /// as much when he comes again.
    fn forgive(&self, rates: &[Rate], now: u64) {
        for (quota, rate) in rates.iter().enumerate() {
            let most = now.saturating_add(rate.span());
            let _ = self.update(quota, |arrival| (arrival > most).then_some(most).ok_or(()));
        }
    }

    /// A quota is not whole before so many nanoseconds after the gate was built.
    pub(super) fn owe(&self, quota: usize, arrival: u64) {
        let Ok(()) = self.update(quota, |own| Ok::<_, Infallible>(own.max(arrival)));
    }

    /// In how long the quota is whole again, in nanoseconds.
    pub(super) fn debt(&self, quota: usize, rate: &Rate, now: u64) -> u64 {
        let told = self.update(quota, |arrival| Err(debt(arrival, rate, now)));
        told.expect_err("nothing is changed")
    }

    /// Of the first quota that lacks units and those after it, that which will for the
    /// longest time.
    fn longest(&self, first: Lack, rates: &[Rate], units: NonZeroU32, now: u64) -> Lack {
        let after = first.quota + 1;
        let mut longest = first;
        for (quota, rate) in rates.iter().enumerate().skip(after) {
            let units = units.min(rate.burst);
            match rate.limiter.spend(self.debt(quota, rate, now), units) {
                Err(wait) if wait > longest.wait => longest = Lack { quota, wait },
                _ => {}
            }
        }
        longest
    }

    #[inline]
    fn spend_one(
        &self,
        quota: usize,
        rate: &Rate,
        units: NonZeroU32,
        now: u64,
    ) -> Result<(), Duration> {
        self.update(quota, |arrival| {
            let debt = rate.limiter.spend(debt(arrival, rate, now), units.min(rate.burst))?;
            Ok(now + debt)
        })
    }

    fn hand_back_one(&self, quota: usize, rate: &Rate, units: NonZeroU32, now: u64) {
        let time = rate.interval * u64::from(units.min(rate.burst).get());
        let Ok(()) = self.update(quota, |arrival| {
            Ok::<_, Infallible>(now + debt(arrival, rate, now).saturating_sub(time))
        });
    }

    /// Puts another arrival time in place of one, unless that is an error.
    #[inline]
    fn update<E>(&self, quota: usize, other: impl Fn(u64) -> Result<u64, E>) -> Result<(), E> {
        match self {
            Self::Shared(slots) => slots[quota].measure_and_replace(&NotKeyed::NonKey, |arrival| {
                other(arrival.map_or(0, u64::from)).map(|arrival| ((), arrival.into()))
            }),
            Self::Held(slots) => other(slots[quota].get()).map(|arrival| slots[quota].set(arrival)),
        }
    }
}

/// What is owed, in nanoseconds. After a quota has changed, what was spent of the old one is
/// at most a whole burst of the new one.
#[inline]
fn debt(arrival: u64, rate: &Rate, now: u64) -> u64 {
    arrival.saturating_sub(now).min(rate.span())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::gate::Quota;

    const MS: u64 = 1_000_000;

    fn rates(quotas: &[Quota]) -> Vec<Rate> {
        quotas.iter().map(|quota| quota.checked(1).expect("it is valid")).collect()
    }

    fn units(units: u32) -> NonZeroU32 {
        NonZeroU32::new(units).expect("it is some")
    }

    #[test]
    fn what_one_quota_refuses_is_not_spent_of_another() {
        let rates = rates(&[Quota::per_second(10), Quota::per_day(1)]);
        let mut arrivals = [0; 2];
        let bucket = Bucket::Held(Cell::from_mut(&mut arrivals[..]).as_slice_of_cells());
        assert_eq!(bucket.spend(&rates, units(1), 5), Ok(()));
        let lack = bucket.spend(&rates, units(1), 5).unwrap_err();
        assert_eq!((lack.quota, lack.wait), (1, Duration::from_secs(24 * 3600)));
        assert_eq!(bucket.debt(0, &rates[0], 5), 100 * MS, "one cell");
    }

    #[test]
    fn shared_and_held_buckets_decide_alike() {
        let rates = rates(&[Quota::per_second(10).burst(3)]);
        let (shared, mut held) = ([InMemoryState::default()], [0]);
        let shared = Bucket::Shared(&shared);
        let held = Bucket::Held(Cell::from_mut(&mut held[..]).as_slice_of_cells());
        for (now, wanted) in [(0, 2), (MS, 2), (50 * MS, 1), (120 * MS, 2), (400 * MS, 9)] {
            assert_eq!(
                shared.spend(&rates, units(wanted), now),
                held.spend(&rates, units(wanted), now)
            );
            assert_eq!(shared.debt(0, &rates[0], now), held.debt(0, &rates[0], now));
        }
    }

    #[test]
    fn after_a_quota_has_changed_nobody_waits_for_longer_than_a_burst_of_it() {
        let mut arrivals = [0];
        let bucket = Bucket::Held(Cell::from_mut(&mut arrivals[..]).as_slice_of_cells());
        bucket.spend(&rates(&[Quota::per_day(10)]), units(10), 0).expect("it is fresh");
        let quick = rates(&[Quota::per_second(10)]);
        let lack = bucket.spend(&quick, units(1), 0).unwrap_err();
        assert_eq!(lack.wait, Duration::from_millis(100));
        assert_eq!(bucket.spend(&quick, units(1), 100 * MS), Ok(()), "and no longer than was told");
    }

    #[test]
    fn what_is_owed_is_no_less_than_was_spent() {
        let rates = rates(&[Quota::per_second(10).burst(3)]);
        let (shared, mut held) = ([InMemoryState::default()], [0]);
        let held = Bucket::Held(Cell::from_mut(&mut held[..]).as_slice_of_cells());
        for bucket in [Bucket::Shared(&shared), held] {
            bucket.owe(0, 250 * MS);
            let lack = bucket.spend(&rates, units(1), 0).unwrap_err();
            assert_eq!(lack.wait, Duration::from_millis(50));
            assert_eq!(bucket.spend(&rates, units(1), 50 * MS), Ok(()));
            bucket.owe(0, 250 * MS);
            assert_eq!(bucket.debt(0, &rates[0], 50 * MS), 300 * MS);
        }
    }

    #[test]
    fn what_costs_more_than_a_burst_spends_a_whole_one() {
        let rates = rates(&[Quota::per_second(10).burst(3)]);
        let mut arrivals = [0];
        let bucket = Bucket::Held(Cell::from_mut(&mut arrivals[..]).as_slice_of_cells());
        assert_eq!(bucket.spend(&rates, units(50), 0), Ok(()));
        assert_eq!(bucket.debt(0, &rates[0], 0), 300 * MS);
        bucket.hand_back(&rates, units(50), 0);
        assert_eq!(bucket.debt(0, &rates[0], 0), 0);
    }
}
