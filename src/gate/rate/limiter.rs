//! governor's decision on one quota.

use std::{
    cell::Cell,
    hash::{Hash, Hasher},
    num::NonZeroU32,
    time::Duration,
};

use governor::{
    RateLimiter, clock::Clock, middleware::NoOpMiddleware, nanos::Nanos, state::StateStore,
};

/// governor's decision on one quota. It keeps nothing: it is told what is owed, and stands
/// at the beginning of time.
#[derive(Debug)]
pub(super) struct Limiter(RateLimiter<Owed, Nowhere, Still, NoOpMiddleware<Nanos>>);

impl Limiter {
    pub(super) fn new(quota: governor::Quota) -> Self {
        Self(RateLimiter::new(quota, Nowhere, Still))
    }

    /// What is owed once so many units more are spent, in nanoseconds until the quota is
    /// whole again; or else until so many can be. They are no more than a burst.
    #[inline]
    pub(super) fn spend(&self, owed: u64, units: NonZeroU32) -> Result<u64, Duration> {
        let owed = Owed(Cell::new(owed));
        let decision = self.0.check_key_n(&owed, units);
        match decision.expect("it is no more than the burst") {
            Ok(()) => Ok(owed.0.get()),
            Err(until) => Err(until.wait_time_from(Nanos::default())),
        }
    }
}

/// The state comes with the question, as its key.
#[derive(Clone, Debug, PartialEq, Eq)]
struct Owed(Cell<u64>);

impl Hash for Owed {
    fn hash<H: Hasher>(&self, state: &mut H) {
        self.0.get().hash(state);
    }
}

#[derive(Debug)]
struct Nowhere;

impl StateStore for Nowhere {
    type Key = Owed;

    #[inline]
    fn measure_and_replace<T, F, E>(&self, owed: &Owed, f: F) -> Result<T, E>
    where
        F: Fn(Option<Nanos>) -> Result<(T, Nanos), E>,
    {
        let (result, later) = f(Some(owed.0.get().into()))?;
        owed.0.set(later.into());
        Ok(result)
    }
}

#[derive(Clone, Debug)]
struct Still;

impl Clock for Still {
    type Instant = Nanos;

    #[inline]
    fn now(&self) -> Nanos {
        Nanos::default()
    }
}
