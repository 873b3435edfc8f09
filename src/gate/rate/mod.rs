//! The rate limit: a token bucket, in the form of the generic cell rate algorithm.

mod quota;
mod store;

pub use quota::Quota;

use std::{
    future::Ready,
    sync::Arc,
    time::{Duration, Instant},
};

use governor::{RateLimiter, clock::Clock, nanos::Nanos};

use self::store::Store;
use crate::{
    class::{Class, Key},
    clock,
    config::{self, InvalidConfig},
    gate::{Entry, Gate},
    rejection::{Reason, Rejection},
};

/// Settings of a rate limit: a [`Quota`], for all requests together or per client.
///
/// ```
/// use brownout::{Class, Quota, RateLimit};
/// # use http::Request;
///
/// // For all together …
/// let all = RateLimit::new(Quota::per_second(500)).layer()?;
/// // … or for each API key.
/// let each = RateLimit::new(Quota::per_minute(60).burst(10))
///     .per_key()
///     .layer()?
///     .classify(|request: &Request<()>| {
///         Class::default().key(&request.headers().get("x-api-key"))
///     });
/// # let _ = (all.classify(|_: &Request<()>| Class::default()), each);
/// # Ok::<(), brownout::InvalidConfig>(())
/// ```
///
/// The algorithm is the generic cell rate algorithm (ITU-T I.371), by `governor`.
#[derive(Clone, Debug)]
#[must_use]
pub struct RateLimit {
    quota: Quota,
    per_key: bool,
    max_keys: usize,
}

impl RateLimit {
    /// One quota for all requests together.
    pub fn new(quota: Quota) -> Self {
        Self { quota, per_key: false, max_keys: 100_000 }
    }

    /// A quota for each [`Class::key`]. Requests without a key share one.
    pub fn per_key(self) -> Self {
        Self { per_key: true, ..self }
    }

    /// How many keys are remembered, at most. Default: 100 000; at least 1. When there
    /// are more, those that come rarely are forgotten first and start afresh.
    pub fn max_keys(self, keys: usize) -> Self {
        Self { max_keys: keys, ..self }
    }

    /// The gate, to be entered by hand.
    ///
    /// # Errors
    ///
    /// [`InvalidConfig`] if the quota, its burst or the number of keys is zero, or the
    /// quota is out of range.
    pub fn gate(self) -> Result<RateGate, InvalidConfig> {
        let quota = self.quota.checked()?;
        let max_keys = config::at_least("max_keys", self.max_keys, 1)?;
        let store = if self.per_key { Store::per_key(max_keys) } else { Store::one() };
        let limiter = RateLimiter::new(quota, store.clone(), SinceStart(clock::now()));
        let interval = quota.replenish_interval();
        Ok(RateGate(Arc::new(Shared { limiter, store, interval })))
    }
}

/// Holds a quota for many threads.
#[derive(Clone, Debug)]
pub struct RateGate(Arc<Shared>);

#[derive(Debug)]
struct Shared {
    limiter: RateLimiter<Option<Key>, Store, SinceStart>,
    store: Store,
    interval: Duration,
}

impl RateGate {
    /// Spends a cell of the class's bucket.
    ///
    /// # Errors
    ///
    /// A [`Rejection`] with the exact time until the next cell, if there is none.
    pub fn check(&self, class: &Class) -> Result<(), Rejection> {
        if class.exempt {
            return Ok(());
        }
        self.0.limiter.check_key(&class.key).map_err(|until| {
            let now = self.0.limiter.clock().now();
            Rejection::new(Reason::Quota, until.wait_time_from(now))
        })
    }

    /// Hands back the cell of a request that was refused by something else.
    pub(super) fn hand_back(&self, class: &Class) {
        self.0.store.hand_back(class.key, self.0.interval);
    }
}

impl Gate for RateGate {
    type Permit = ();
    type Wait = Ready<Result<(), Rejection>>;

    fn enter(&self, class: &Class, _now: Instant) -> Entry<(), Self::Wait> {
        match self.check(class) {
            Ok(()) => Entry::Admitted(()),
            Err(rejection) => Entry::Refused(rejection),
        }
    }
}

/// Governor's clock: ours, counted from when the gate was built.
#[derive(Clone, Debug)]
struct SinceStart(Instant);

impl Clock for SinceStart {
    type Instant = Nanos;

    fn now(&self) -> Nanos {
        Nanos::from(clock::now().saturating_duration_since(self.0))
    }
}
