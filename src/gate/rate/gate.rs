//! Holds quotas for many threads.

use std::{
    fmt,
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering},
    },
    time::{Duration, Instant},
};

use arc_swap::ArcSwap;

use super::{
    fleet::{Case, Contact, Leases, RateWait},
    limit::Unkeyed,
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
    event::Observe,
    gate::{Entry, Gate},
    rejection::{Reason, Rejection},
    standing::Standing,
};

/// Holds quotas for many threads. Clones share all state.
#[derive(Clone)]
pub struct RateGate(pub(super) Arc<Shared>);

pub(super) struct Shared {
    pub(super) settings: ArcSwap<Settings>,
    /// Of the settings what the other gates ask for each request.
    pub(super) counts_cost: AtomicBool,
    pub(super) store: Store,
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
        let counts_cost = AtomicBool::new(settings.counts_cost());
        let (settings, start) = (ArcSwap::from_pointee(settings), clock::now());
        let (contact, tally) = Default::default();
        Self(Arc::new(Shared {
            settings,
            counts_cost,
            store,
            leases,
            contact,
            start,
            tally,
            observer,
        }))
    }

    /// Spends the cells of a request by hand.
    ///
    /// # Errors
    ///
    /// A [`Rejection`] with the exact time until there are enough cells, if there are not;
    /// but where that [downgrades](super::RateLimit::downgrade_to), the permit
    /// [says so](RatePermit::downgraded).
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

    /// What it has decided so far.
    #[must_use]
    pub fn snapshot(&self) -> RateSnapshot {
        let leased = self.0.leases.as_ref().map_or(0, Leases::len);
        self.0.tally.snapshot(self.0.store.len().max(leased))
    }

    /// Whether nobody is refused.
    pub(in crate::gate) fn only_reports(&self) -> bool {
        self.0.settings.load().enforced.is_none()
    }

    /// Whether what a request spends depends on its cost.
    pub(in crate::gate) fn counts_cost(&self) -> bool {
        self.0.counts_cost.load(Ordering::Relaxed)
    }

    /// Hands back what was spent on a request that something else refused.
    pub(in crate::gate) fn hand_back(&self, class: &Class, permit: RatePermit, now: Instant) {
        let Spent::Units { price, of } = permit.spent else { return };
        let settings = self.0.settings.load();
        let (price, set) = (settings.converted(price), settings.quotas.of(class.plan));
        match (of, &self.0.leases) {
            (Purse::Lease, Some(leases)) => {
                leases.hand_back(class.key, set, price.units.get(), now);
            }
            (Purse::Bucket { among }, _) if among > 1 => {
                self.hand_back_to_bucket(class, &set.divided(among, price.units), price, now);
            }
            _ => self.hand_back_to_bucket(class, set, price, now),
        }
    }

    fn hand_back_to_bucket(&self, class: &Class, set: &Set, price: Price, now: Instant) {
        let now = self.nanos(now);
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
                    return self.settle_over(&settings, class, rejection).into();
                }
            }
        }
        if let Some(case) = Case::of(self, &settings, class, price) {
            return case.enter(now);
        }
        let set = settings.quotas.of(class.plan);
        match self.spend(set, &settings, class, price, self.nanos(now)) {
            Ok(standing) => {
                self.0.tally.admit();
                Entry::Admitted(RatePermit::of(price, Purse::Bucket { among: 1 }, standing))
            }
            Err(rejection) => self.settle_over(&settings, class, rejection).into(),
        }
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
            Err(rejection) => self.settle_over(settings, class, rejection),
        }
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
