//! Holds quotas for many threads.

use std::{
    fmt,
    sync::Arc,
    time::{Duration, Instant},
};

use arc_swap::ArcSwap;

use super::{
    fleet::{Case, Contact, Leases, RateWait, Sharing},
    limit::{RateLimit, Unkeyed},
    permit::{Purse, RatePermit, Spent},
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
pub struct RateGate(pub(super) Arc<Shared>);

pub(super) struct Shared {
    settings: ArcSwap<Settings>,
    store: Store,
    /// Of a quota that a fleet shares.
    pub(super) leases: Option<Leases>,
    pub(super) contact: Contact,
    /// When it was built.
    start: Instant,
    pub(super) tally: Tally,
    pub(super) observer: Arc<dyn Observe>,
}

impl RateGate {
    pub(super) fn new(
        settings: Settings,
        store: Store,
        leases: Option<Leases>,
        observer: Arc<dyn Observe>,
    ) -> Self {
        let (settings, start) = (ArcSwap::from_pointee(settings), clock::now());
        let (contact, tally) = Default::default();
        Self(Arc::new(Shared { settings, store, leases, contact, start, tally, observer }))
    }

    /// Spends the cells of a request by hand.
    ///
    /// # Errors
    ///
    /// A [`Rejection`] with the exact time until there are enough cells, if there are not.
    ///
    /// # Panics
    ///
    /// Where a fleet shares the quota, when it has to ask outside a tokio runtime with time
    /// enabled.
    ///
    /// # Cancel safety
    ///
    /// Cells that were spent stay spent, also where a fleet shares the quota and they were
    /// asked for.
    pub async fn acquire(&self, class: &Class) -> Result<RatePermit, Rejection> {
        match self.enter(class, clock::now()) {
            Entry::Admitted(permit) => Ok(permit),
            Entry::Waiting(wait) => wait.await,
            Entry::Refused(rejection) => Err(rejection),
        }
    }

    /// Other quotas from now on, while it serves. All clients keep their buckets: the time
    /// that one has yet to go until its bucket is whole again stays as it is, but is at most
    /// that of a whole burst of the quota which now stands in the same place. The bound on
    /// the keys stays as it is, too.
    ///
    /// # Errors
    ///
    /// [`InvalidConfig`] as for [`RateLimit::gate`], or if there was a quota for each key
    /// and is none now, or a fleet shared it and does not now, or the other way round. The
    /// gate goes on as it was.
    pub fn reload(&self, limit: RateLimit) -> Result<(), InvalidConfig> {
        let mut settings = limit.settings()?;
        let shared = settings.sharing.is_some();
        for (setting, value, built) in [
            ("per_key", settings.per_key, self.0.store.is_per_key()),
            ("shared", shared, self.0.leases.is_some()),
        ] {
            if value != built {
                let allowed = "as it was when the gate was built";
                return Err(InvalidConfig::new(setting, value, allowed));
            }
        }
        let change = |sharing: &Sharing| sharing.change(settings.shape());
        settings.shape = settings.sharing.as_ref().map(change);
        self.0.settings.store(Arc::new(settings));
        Ok(())
    }

    /// What it has decided so far.
    #[must_use]
    pub fn snapshot(&self) -> RateSnapshot {
        let leased = self.0.leases.as_ref().map_or(0, Leases::len);
        self.0.tally.snapshot(self.0.store.len().max(leased))
    }

    /// Whether what a request spends depends on its cost.
    pub(in crate::gate) fn counts_cost(&self) -> bool {
        self.0.settings.load().counts_cost()
    }

    /// Hands back what was spent on a request that something else refused.
    pub(in crate::gate) fn hand_back(&self, class: &Class, permit: RatePermit) {
        let Some(Spent { price, of }) = permit.spent else { return };
        let settings = self.0.settings.load();
        let (price, set) = (settings.converted(price), settings.quotas.of(class.plan));
        match (of, &self.0.leases) {
            (Purse::Lease, Some(leases)) => {
                leases.hand_back(class.key, set, price.units.get(), clock::now());
            }
            (Purse::Bucket { among }, _) if among > 1 => {
                self.hand_back_to_bucket(class, &set.divided(among, price.units), price);
            }
            _ => self.hand_back_to_bucket(class, set, price),
        }
    }

    fn hand_back_to_bucket(&self, class: &Class, set: &Set, price: Price) {
        let now = self.nanos(clock::now());
        let hand_back = |bucket: Bucket<'_>| bucket.hand_back(&set.rates, price.units, now);
        self.0.store.visit_known(class.key, set.rates.len(), hand_back);
    }

    #[inline]
    fn decide(&self, class: &Class, now: Instant) -> Entry<RatePermit, RateWait> {
        let settings = self.0.settings.load();
        let Some(price) = settings.price(class).filter(|_| !class.exempt) else {
            return Entry::Admitted(RatePermit::free());
        };
        if settings.per_key && class.key.is_none() {
            self.0.tally.miss_key();
            match settings.unkeyed {
                Unkeyed::Share => {}
                Unkeyed::Admit => return Entry::Admitted(RatePermit::free()),
                Unkeyed::Refuse => {
                    let rejection = Rejection::new(Reason::Unkeyed, Duration::ZERO);
                    return self.refuse_or_report(&settings, class, rejection).into();
                }
            }
        }
        if let Some(case) = Case::of(self, &settings, class, price) {
            return case.enter(now);
        }
        let set = settings.quotas.of(class.plan);
        let spent = self.spend(set, &settings, class, price, self.nanos(now));
        let bucket = Purse::Bucket { among: 1 };
        let result = spent.map(|standing| RatePermit::of(price, bucket, standing));
        self.settle(&settings, class, result).into()
    }

    /// The time since it was built, in nanoseconds: those last for 584 years.
    #[inline]
    pub(super) fn nanos(&self, now: Instant) -> u64 {
        let since = now.saturating_duration_since(self.0.start);
        // In 64 bits, which is cheaper than `as_nanos`.
        since.as_secs() * 1_000_000_000 + u64::from(since.subsec_nanos())
    }

    /// Spends of the bucket of this process.
    #[inline]
    pub(super) fn spend(
        &self,
        set: &Set,
        settings: &Settings,
        class: &Class,
        price: Price,
        now: u64,
    ) -> Result<Option<Standing>, Rejection> {
        if settings.tell_all {
            return self.spend_and_tell(set, settings, class, price, now);
        }
        // Nothing but this happens while others wait for the bucket.
        let spend = |bucket: Bucket<'_>| bucket.spend(&set.rates, price.units, now);
        match self.0.store.visit(class.key, set.rates.len(), spend) {
            Ok(()) => Ok(None),
            Err(lack) => Err(refusal(&lack, set, settings)),
        }
    }

    #[inline(never)]
    fn spend_and_tell(
        &self,
        set: &Set,
        settings: &Settings,
        class: &Class,
        price: Price,
        now: u64,
    ) -> Result<Option<Standing>, Rejection> {
        let spent = self.0.store.visit(class.key, set.rates.len(), |bucket| {
            bucket.spend(&set.rates, price.units, now)?;
            Ok(set.tightest(|quota, rate| bucket.debt(quota, rate, now)))
        });
        match spent {
            Ok(tightest) => Ok(Some(set.standing(tightest, settings.units))),
            Err(lack) => Err(refusal(&lack, set, settings)),
        }
    }

    /// The bucket of this process owes for each quota no less than this.
    pub(super) fn owe(&self, owed: &[u64], class: &Class, now: u64) {
        self.0.store.visit(class.key, owed.len(), |bucket| {
            let arrivals = owed.iter().map(|owed| now.saturating_add(*owed));
            arrivals.enumerate().for_each(|(quota, arrival)| bucket.owe(quota, arrival));
        });
    }

    /// Counts a decision, and tells of a refusal.
    #[inline]
    pub(super) fn settle(
        &self,
        settings: &Settings,
        class: &Class,
        result: Result<RatePermit, Rejection>,
    ) -> Result<RatePermit, Rejection> {
        match result {
            Ok(permit) => {
                self.0.tally.admit();
                Ok(permit)
            }
            Err(rejection) => self.refuse_or_report(settings, class, rejection),
        }
    }

    fn refuse_or_report(
        &self,
        settings: &Settings,
        class: &Class,
        rejection: Rejection,
    ) -> Result<RatePermit, Rejection> {
        let is_enforced = settings.enforced.includes(class.key);
        if self.0.observer.looks() {
            self.tell(class, &rejection, is_enforced);
        }
        if is_enforced {
            self.0.tally.refuse();
            return Err(rejection);
        }
        self.0.tally.would_refuse();
        Ok(RatePermit::free())
    }

    fn tell(&self, class: &Class, rejection: &Rejection, is_enforced: bool) {
        let (reason, Class { priority, route, .. }) = (rejection.reason(), *class);
        let quota = rejection.standing().map(|standing| standing.policy().name.clone());
        self.0.observer.observe(&match is_enforced {
            true => Event::Refused { priority, reason, route, quota },
            false => Event::WouldRefuse { priority, reason, route, quota },
        });
    }
}

impl Gate for RateGate {
    type Permit = RatePermit;
    type Wait = RateWait;

    fn enter(&self, class: &Class, now: Instant) -> Entry<RatePermit, RateWait> {
        self.decide(class, now)
    }
}

fn refusal(lack: &Lack, set: &Set, settings: &Settings) -> Rejection {
    let standing = set.standing(lack.debt, settings.units);
    Rejection::new(Reason::Quota, lack.wait).standing_at(standing)
}

impl fmt::Debug for RateGate {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("RateGate").field(&self.snapshot()).finish()
    }
}
