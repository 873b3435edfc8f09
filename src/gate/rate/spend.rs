//! The decision: governor's, on one quota after the other, all or none.

use std::{cell::Cell, convert::Infallible, num::NonZeroU32, time::Duration};

use governor::{
    RateLimiter,
    clock::Clock,
    middleware::NoOpMiddleware,
    nanos::Nanos,
    state::{InMemoryState, NotKeyed, StateStore},
};

use super::quota::Rate;

/// Where the state of one client lives: a theoretical arrival time (a term of the generic
/// cell rate algorithm) for each quota, in nanoseconds since the gate was built.
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
    /// Until there are enough cells.
    pub(super) wait: Duration,
}

impl Bucket<'_> {
    /// Spends so many units of all the quotas, or none of any.
    pub(super) fn spend(&self, rates: &[Rate], units: NonZeroU32, now: u64) -> Result<(), Lack> {
        for (quota, rate) in rates.iter().enumerate() {
            if let Err(wait) = self.spend_one(quota, rate, units, now) {
                self.hand_back(&rates[..quota], units);
                return Err(Lack { quota, wait });
            }
        }
        Ok(())
    }

    /// Hands back units that were spent.
    pub(super) fn hand_back(&self, rates: &[Rate], units: NonZeroU32) {
        for (quota, rate) in rates.iter().enumerate() {
            let time = rate.interval * u64::from(units.min(rate.burst).get());
            let earlier = |arrival: Option<Nanos>| {
                let arrival = arrival.unwrap_or_default();
                Ok::<_, Infallible>(((), arrival.saturating_sub(time.into())))
            };
            let Ok(()) = self.slot(quota, u64::MAX).measure_and_replace(&NotKeyed::NonKey, earlier);
        }
    }

    /// A quota is not whole before so many nanoseconds after the gate was built.
    pub(super) fn owe(&self, quota: usize, arrival: u64) {
        let later = |own: Option<Nanos>| {
            Ok::<_, Infallible>(((), own.unwrap_or_default().max(arrival.into())))
        };
        let Ok(()) = self.slot(quota, u64::MAX).measure_and_replace(&NotKeyed::NonKey, later);
    }

    /// In how long the quota is whole again, in nanoseconds.
    pub(super) fn debt(&self, quota: usize, rate: &Rate, now: u64) -> u64 {
        let look = |arrival: Option<Nanos>| Err::<((), Nanos), _>(arrival.unwrap_or_default());
        let slot = self.slot(quota, now.saturating_add(rate.span()));
        let Err(arrival) = slot.measure_and_replace(&NotKeyed::NonKey, look) else { return 0 };
        arrival.as_u64().saturating_sub(now)
    }

    fn spend_one(
        &self,
        quota: usize,
        rate: &Rate,
        units: NonZeroU32,
        now: u64,
    ) -> Result<(), Duration> {
        let slot = self.slot(quota, now.saturating_add(rate.span()));
        let limiter = RateLimiter::<_, _, _, NoOpMiddleware<Nanos>>::new(
            rate.quota(),
            slot,
            Given { now: now.into(), asked: Cell::new(false) },
        );
        let decision = limiter.check_n(units.min(rate.burst));
        let decision = decision.expect("it is no more than the burst");
        decision.map_err(|until| until.wait_time_from(now.into()))
    }

    fn slot(&self, quota: usize, most: u64) -> Slot<'_> {
        let place = match self {
            Self::Shared(slots) => Place::Shared(&slots[quota]),
            Self::Held(slots) => Place::Held(&slots[quota]),
        };
        Slot { place, most }
    }
}

/// One quota's state, as governor sees it.
struct Slot<'b> {
    place: Place<'b>,
    /// No later arrival than this is believed: after a quota has changed, what was spent of
    /// the old one is at most a whole burst of the new one.
    most: u64,
}

enum Place<'b> {
    Shared(&'b InMemoryState),
    Held(&'b Cell<u64>),
}

impl StateStore for Slot<'_> {
    type Key = NotKeyed;

    fn measure_and_replace<T, F, E>(&self, key: &NotKeyed, f: F) -> Result<T, E>
    where
        F: Fn(Option<Nanos>) -> Result<(T, Nanos), E>,
    {
        let most = Nanos::from(self.most);
        let believed = |arrival: Option<Nanos>| f(arrival.map(|arrival| arrival.min(most)));
        match self.place {
            Place::Shared(state) => state.measure_and_replace(key, believed),
            Place::Held(state) => {
                let (result, arrival) = believed(Some(state.get().into()))?;
                state.set(arrival.into());
                Ok(result)
            }
        }
    }
}

/// The time as the caller read it, so that a request reads its clock once. A limiter
/// counts from its first look at the clock, when it is made: that is zero.
struct Given {
    now: Nanos,
    asked: Cell<bool>,
}

impl Clock for Given {
    type Instant = Nanos;

    fn now(&self) -> Nanos {
        if self.asked.replace(true) { self.now } else { Nanos::default() }
    }
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
        bucket.hand_back(&rates, units(50));
        assert_eq!(bucket.debt(0, &rates[0], 0), 0);
    }
}
