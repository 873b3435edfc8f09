//! The gates in their right order, as one gate: rate, then the circuits, then the
//! concurrency limits of the databases that a request needs.

mod guard;
mod learned;
mod listener;
mod permit;
mod quota;
mod route;
mod snapshot;
mod wait;

pub(crate) use guard::Guard;
pub(crate) use listener::WeakGates;
pub use permit::GatesPermit;
pub(crate) use route::RouteUse;
pub use snapshot::{GuardSnapshot, Snapshot};
pub use wait::GatesWait;

use std::{
    fmt,
    sync::{
        Arc,
        atomic::{AtomicU64, Ordering},
    },
    time::Instant,
};

use self::{guard::Held, learned::Learned, wait::Stage};
use super::{BreakerGate, ConcurrencyGate, Entry, Finish, Gate, Permit, RateGate, Wait};
use crate::{
    class::{Class, Downstream, Route},
    clock,
    control::patience::is_late,
    event::{Event, Observe},
    rejection::{Reason, Rejection},
    signal::Signal,
};

/// Rate limit (if there is a quota), and for each database that a request needs (said by
/// its [`Class`], or learned) its circuit, that of the route at it, and its limit, as one.
/// Where a quota that a fleet shares has to be asked for, the rest comes after the answer.
///
/// The concurrency permits are taken last, so that no refusal by something else ever holds
/// one. A cell of the quota that was spent on a request which another gate refuses is
/// handed back; where that refusal comes so late that the bucket is full again by then, it
/// holds one more than its burst for a moment.
#[derive(Clone)]
pub struct Gates(Arc<Shared>);

struct Shared {
    rate: Option<RateGate>,
    guards: Box<[Guard]>,
    learned: Learned,
    place: Place,
    observer: Arc<dyn Observe>,
    admitted: AtomicU64,
    refused: [AtomicU64; Reason::ALL.len()],
}

/// Where the circuits and limits bind.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) enum Place {
    /// Where a request comes in.
    #[default]
    Edge,
    /// Where it takes a connection.
    Checkout,
}

impl Gates {
    pub(crate) fn new(
        rate: Option<RateGate>,
        guards: Vec<Guard>,
        place: Place,
        route_breaker: Option<impl Fn(Route, usize) -> BreakerGate + Send + Sync + 'static>,
        observer: Arc<dyn Observe>,
    ) -> Self {
        let databases = guards.iter().map(|guard| guard.database);
        let learned = Learned::new(databases, route_breaker);
        let (admitted, refused, guards) = (AtomicU64::default(), Default::default(), guards.into());
        Self(Arc::new(Shared { rate, guards, learned, place, observer, admitted, refused }))
    }

    /// Enters all of them.
    ///
    /// # Errors
    ///
    /// A [`Rejection`] when one refuses, or there is no room in time.
    ///
    /// # Panics
    ///
    /// When it has to wait outside a tokio runtime with time enabled.
    ///
    /// # Cancel safety
    ///
    /// Dropping the future gives up the place.
    pub async fn acquire(&self, class: &Class) -> Result<GatesPermit, Rejection> {
        // Who asks by hand has no checkout to be asked at.
        match self.enter_at(Place::Edge, class, clock::now()) {
            Entry::Admitted(permit) => Ok(permit),
            Entry::Waiting(wait) => wait.await,
            Entry::Refused(rejection) => Err(rejection),
        }
    }

    /// The gate of the concurrency limit of the first database, to look at or to reload.
    #[must_use]
    pub fn concurrency(&self) -> &ConcurrencyGate {
        &self.0.guards[0].concurrency
    }

    /// The circuit of the first database.
    #[must_use]
    pub fn breaker(&self) -> &BreakerGate {
        &self.0.guards[0].breaker
    }

    pub(crate) fn guard_of(&self, database: Downstream) -> Option<&Guard> {
        self.0.guards.iter().find(|guard| guard.database == database)
    }

    pub(crate) fn guards(&self) -> &[Guard] {
        &self.0.guards
    }

    /// The gate of the quotas, if there are any.
    #[must_use]
    pub fn rate(&self) -> Option<&RateGate> {
        self.0.rate.as_ref()
    }

    /// What the routes were seen to do with a database.
    pub(crate) fn route_uses(&self, index: usize) -> Vec<RouteUse> {
        self.0.learned.usage(index)
    }

    fn hear(&self, signal: &Signal, index: usize) {
        self.0.guards[index].hear(signal, &self.0.learned, index);
    }

    /// Enters the gates of one database, in the middle of a request that holds nothing of
    /// it.
    pub(crate) async fn check_out(
        &self,
        index: usize,
        class: &Class,
    ) -> Result<GatesPermit, Rejection> {
        let route = self.0.learned.of(class).map(Arc::as_ref);
        let class = self.0.learned.priced(class, route, index);
        let entered = self.0.guards[index].check_out(&class, route, index).await;
        let held = entered.map_err(|rejection| self.count(&class, rejection))?;
        let mut permit = GatesPermit::new(&class, None);
        permit.hold(held);
        Ok(permit)
    }

    /// Counts one in at a database, whatever its limit.
    pub(crate) fn occupy(&self, index: usize) -> Permit {
        self.0.guards[index].concurrency.occupy()
    }

    fn enter_at(&self, place: Place, class: &Class, now: Instant) -> Entry<GatesPermit, GatesWait> {
        if class.exempt {
            return Entry::Admitted(GatesPermit::new(class, None));
        }
        let mut permit = GatesPermit::new(class, self.0.learned.of(class).cloned());
        match self.spend(&permit, now) {
            Entry::Admitted(spent) => {
                permit.paid = spent;
                self.go_in(place, permit, now)
            }
            Entry::Waiting(wait) => {
                let stage = Stage::Quota { place, wait };
                Entry::Waiting(GatesWait::new(self.clone(), permit, stage))
            }
            Entry::Refused(rejection) => Entry::Refused(self.count(class, rejection)),
        }
    }

    /// Asks the circuits of what the request needs, for one that the quota lets pass.
    fn go_in(
        &self,
        place: Place,
        mut permit: GatesPermit,
        now: Instant,
    ) -> Entry<GatesPermit, GatesWait> {
        let Shared { guards, learned, .. } = &*self.0;
        let class = permit.class;
        let route = learned.of(&class).map(Arc::as_ref);
        for (index, guard) in guards.iter().enumerate() {
            if place == Place::Edge && learned.needs(&class, route, index) {
                match guard.check(&class, route, index) {
                    Ok(held) => permit.hold(held),
                    Err(rejection) => return Entry::Refused(self.refuse(permit, rejection)),
                }
            }
        }
        self.go_on(permit, now)
    }

    /// Takes the places that the permit has not yet, one after the other.
    fn go_on(&self, mut permit: GatesPermit, now: Instant) -> Entry<GatesPermit, GatesWait> {
        // The limits look, too, but not all requests need one.
        if is_late(&permit.class, now) {
            return Entry::Refused(self.refuse(permit, Rejection::for_load(Reason::Deadline)));
        }
        while let Some(database) = self.next(&permit) {
            match self.enter_limit(&permit, database, now) {
                Entry::Admitted(place) => permit.take_place(database, place),
                Entry::Waiting(wait) => {
                    let stage = Stage::Limit { database, wait };
                    return Entry::Waiting(GatesWait::new(self.clone(), permit, stage));
                }
                Entry::Refused(rejection) => {
                    return Entry::Refused(self.refuse(permit, rejection));
                }
            }
        }
        permit.held().for_each(Held::resume);
        let held = |guard: &&Guard| permit.holds(guard.database);
        self.0.guards.iter().filter(held).for_each(Guard::count_admitted);
        self.0.admitted.fetch_add(1, Ordering::Relaxed);
        Entry::Admitted(permit)
    }

    /// For one who has waited. A circuit may have opened meanwhile.
    fn check_again(&self, permit: &mut GatesPermit) -> Result<(), Rejection> {
        let (class, route) = (permit.class, permit.route.clone());
        for held in permit.held() {
            let index = self.index(held.database);
            self.0.guards[index].check_again(&class, route.as_deref(), index, held)?;
        }
        Ok(())
    }

    fn index(&self, database: Downstream) -> usize {
        let index = self.0.guards.iter().position(|guard| guard.database == database);
        index.expect("what is held is of a guard")
    }

    /// The next limit to enter. First those that are full, so that who waits for one
    /// database holds no place of another that has room.
    fn next(&self, permit: &GatesPermit) -> Option<Downstream> {
        let is_full = |database: &Downstream| {
            self.guard_of(*database).is_some_and(|guard| guard.concurrency.is_full())
        };
        permit.lacks().find(is_full).or_else(|| permit.lacks().next())
    }

    fn enter_limit(
        &self,
        permit: &GatesPermit,
        database: Downstream,
        now: Instant,
    ) -> Entry<Permit, Wait> {
        let Shared { guards, learned, .. } = &*self.0;
        let index = self.index(database);
        let class = learned.priced(&permit.class, permit.route.as_deref(), index);
        guards[index].concurrency.enter(&class, now)
    }

    fn refuse(&self, mut permit: GatesPermit, rejection: Rejection) -> Rejection {
        permit.hand_back();
        self.count(&permit.class, rejection)
    }

    fn count(&self, class: &Class, rejection: Rejection) -> Rejection {
        let reason = rejection.reason();
        self.0.refused[reason as usize].fetch_add(1, Ordering::Relaxed);
        // The rate gate tells of its own.
        if matches!(reason, Reason::Quota | Reason::Unkeyed | Reason::Fleet) {
            return rejection;
        }
        let Class { priority, route, .. } = *class;
        self.0.observer.observe(&Event::Refused { priority, reason, route, quota: None });
        rejection
    }
}

impl Gate for Gates {
    type Permit = GatesPermit;
    type Wait = GatesWait;

    fn enter(&self, class: &Class, now: Instant) -> Entry<GatesPermit, GatesWait> {
        self.enter_at(self.0.place, class, now)
    }
}

impl fmt::Debug for Gates {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("Gates").field(&self.snapshot()).finish()
    }
}

#[cfg(test)]
mod tests;
