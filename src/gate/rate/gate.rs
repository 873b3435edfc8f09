//! Holds quotas for many threads.

use std::{
    fmt,
    future::Ready,
    sync::Arc,
    time::{Duration, Instant},
};

use arc_swap::ArcSwap;

use super::{
    limit::{RateLimit, Unkeyed},
    permit::RatePermit,
    quotas::Set,
    settings::{Price, Settings},
    snapshot::{RateSnapshot, Tally},
    spend::{Bucket, Lack},
    store::Store,
};
use crate::{
    class::Class,
    clock,
    config::InvalidConfig,
    event::{Event, Observe},
    gate::{Entry, Gate},
    rejection::{Reason, Rejection},
    standing::Standing,
};

/// Holds quotas for many threads. Clones share all state.
#[derive(Clone)]
pub struct RateGate(Arc<Shared>);

struct Shared {
    settings: ArcSwap<Settings>,
    store: Store,
    /// When it was built.
    start: Instant,
    tally: Tally,
    observer: Arc<dyn Observe>,
}

impl RateGate {
    pub(super) fn new(settings: Settings, store: Store, observer: Arc<dyn Observe>) -> Self {
        let (settings, start) = (ArcSwap::from_pointee(settings), clock::now());
        Self(Arc::new(Shared { settings, store, start, tally: Tally::default(), observer }))
    }

    /// Spends the cells of a request by hand.
    ///
    /// # Errors
    ///
    /// A [`Rejection`] with the exact time until there are enough cells, if there are not.
    ///
    /// # Cancel safety
    ///
    /// Cells that were spent stay spent.
    pub async fn acquire(&self, class: &Class) -> Result<RatePermit, Rejection> {
        self.decide(class, clock::now())
    }

    /// Other quotas from now on, while it serves. All clients keep their buckets: the time
    /// that one has yet to go until its bucket is whole again stays as it is, but is at most
    /// that of a whole burst of the quota which now stands in the same place. The bound on
    /// the keys stays as it is, too.
    ///
    /// # Errors
    ///
    /// [`InvalidConfig`] as for [`RateLimit::gate`], or if there was a quota for each key
    /// and is none now, or the other way round. The gate goes on as it was.
    pub fn reload(&self, limit: RateLimit) -> Result<(), InvalidConfig> {
        let settings = limit.settings()?;
        if settings.per_key != self.0.store.is_per_key() {
            let allowed = "as it was when the gate was built";
            return Err(InvalidConfig::new("per_key", settings.per_key, allowed));
        }
        self.0.settings.store(Arc::new(settings));
        Ok(())
    }

    /// What it has decided so far.
    #[must_use]
    pub fn snapshot(&self) -> RateSnapshot {
        self.0.tally.snapshot(self.0.store.len())
    }

    /// Whether what a request spends depends on its cost.
    pub(in crate::gate) fn counts_cost(&self) -> bool {
        self.0.settings.load().counts_cost()
    }

    /// Hands back what was spent on a request that something else refused.
    pub(in crate::gate) fn hand_back(&self, class: &Class, permit: RatePermit) {
        let Some(spent) = permit.spent else { return };
        let settings = self.0.settings.load();
        let (spent, now) = (settings.converted(spent), self.0.nanos(clock::now()));
        let rates = &settings.quotas.of(class.plan).rates;
        self.0.store.visit_known(class.key, rates.len(), |bucket| {
            bucket.hand_back(rates, spent.units, now);
        });
    }

    #[inline]
    pub(in crate::gate) fn decide(
        &self,
        class: &Class,
        now: Instant,
    ) -> Result<RatePermit, Rejection> {
        let settings = self.0.settings.load();
        let free = class.exempt || (settings.unkeyed_is(Unkeyed::Admit) && class.key.is_none());
        let Some(price) = settings.price(class).filter(|_| !free) else {
            return Ok(RatePermit::free());
        };
        if settings.unkeyed_is(Unkeyed::Refuse) && class.key.is_none() {
            let rejection = Rejection::new(Reason::Unkeyed, Duration::ZERO);
            return self.refuse_or_report(&settings, class, rejection);
        }
        match self.spend(&settings, class, price, now) {
            Ok(standing) => {
                self.0.tally.admit();
                Ok(RatePermit::of(price, standing))
            }
            Err(rejection) => self.refuse_or_report(&settings, class, rejection),
        }
    }

    #[inline]
    fn spend(
        &self,
        settings: &Settings,
        class: &Class,
        price: Price,
        now: Instant,
    ) -> Result<Option<Standing>, Rejection> {
        let set = settings.quotas.of(class.plan);
        let now = self.0.nanos(now);
        self.0.store.visit(class.key, set.rates.len(), |bucket| {
            match bucket.spend(&set.rates, price.units, now) {
                Ok(()) if settings.tell_all => Ok(Some(set.standing(&bucket, settings.units, now))),
                Ok(()) => Ok(None),
                Err(Lack { quota, wait }) => {
                    let standing = set.standing_at(quota, &bucket, settings.units, now);
                    Err(Rejection::new(Reason::Quota, wait).standing_at(standing))
                }
            }
        })
    }

    fn refuse_or_report(
        &self,
        settings: &Settings,
        class: &Class,
        rejection: Rejection,
    ) -> Result<RatePermit, Rejection> {
        let (reason, Class { priority, route, key, .. }) = (rejection.reason(), *class);
        if settings.enforced.includes(key) {
            self.0.tally.refuse();
            self.0.observer.observe(&Event::Refused { priority, reason, route });
            return Err(rejection);
        }
        self.0.tally.would_refuse();
        self.0.observer.observe(&Event::WouldRefuse { priority, reason, route });
        Ok(RatePermit::free())
    }
}

impl Shared {
    /// The time since it was built, which lasts for 584 years.
    #[inline]
    fn nanos(&self, now: Instant) -> u64 {
        now.saturating_duration_since(self.start).as_nanos() as u64
    }
}

impl Settings {
    fn unkeyed_is(&self, unkeyed: Unkeyed) -> bool {
        self.per_key && self.unkeyed == unkeyed
    }
}

impl Set {
    /// How a client stands with the tightest of its quotas: that with the smallest share
    /// of its burst left.
    fn standing(&self, bucket: &Bucket<'_>, units: u32, now: u64) -> Standing {
        let spent = |quota: usize| {
            let rate = &self.rates[quota];
            bucket.debt(quota, rate, now) as f64 / rate.span() as f64
        };
        let tightest = (0..self.rates.len()).max_by(|one, two| spent(*one).total_cmp(&spent(*two)));
        self.standing_at(tightest.unwrap_or_default(), bucket, units, now)
    }

    fn standing_at(&self, quota: usize, bucket: &Bucket<'_>, units: u32, now: u64) -> Standing {
        let rate = &self.rates[quota];
        let debt = bucket.debt(quota, rate, now);
        let left = rate.span().saturating_sub(debt) / rate.interval / u64::from(units);
        // No more than a burst, so it fits.
        let (policies, full_after) = (self.policies.clone(), Duration::from_nanos(debt));
        Standing::new(policies, quota, left as u32, full_after)
    }
}

impl Gate for RateGate {
    type Permit = RatePermit;
    type Wait = Ready<Result<RatePermit, Rejection>>;

    fn enter(&self, class: &Class, now: Instant) -> Entry<RatePermit, Self::Wait> {
        match self.decide(class, now) {
            Ok(permit) => Entry::Admitted(permit),
            Err(rejection) => Entry::Refused(rejection),
        }
    }
}

impl fmt::Debug for RateGate {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("RateGate").field(&self.snapshot()).finish()
    }
}
