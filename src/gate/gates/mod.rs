//! The gates in their right order, as one gate: rate, then the circuits, then the
//! concurrency limits of the databases that a request needs.

mod comeback;
mod counts;
mod drain;
mod guard;
mod learned;
mod level;
mod listener;
mod permit;
mod quota;
mod route;
mod snapshot;
mod tally;
mod wait;

pub(crate) use counts::Counts;
pub use counts::Waited;
pub(crate) use guard::Guard;
pub(crate) use listener::WeakGates;
pub use permit::GatesPermit;
pub(crate) use route::RouteUse;
pub use snapshot::{GuardSnapshot, Snapshot};
pub use wait::GatesWait;

use std::{fmt, sync::Arc, time::Instant};

use self::{
    comeback::Comeback, drain::Drain, learned::Learned, level::Levels, tally::Tally, wait::Stage,
};
use super::{BreakerGate, ConcurrencyGate, Entry, Gate, Permit, RateGate};
use crate::{
    class::{Class, Downstream, Route},
    clock,
    control::patience::is_late,
    event::Observe,
    rejection::{Reason, Rejection},
};

/// Rate limit (if there is a quota), and for each database that a request needs (said by
/// its [`Class`], or learned) its circuit, that of the route at it, and its limit, as one.
/// Where a quota that a fleet shares has to be asked for, the rest comes after the answer.
///
/// The concurrency permits are taken last, so that no refusal by something else ever holds
/// one. A cell of the quota that was spent on a request which another gate refuses is
/// handed back; where that refusal comes so late that the bucket is full again by then, it
/// holds one more than its burst for a moment. The quota is asked first all the same: who is
/// over it is told so while a circuit is open, too, and is no sign of load.
#[derive(Clone)]
pub struct Gates(Arc<Shared>);

struct Shared {
    rate: Option<RateGate>,
    guards: Box<[Guard]>,
    learned: Learned,
    levels: Levels,
    comeback: Comeback,
    place: Place,
    /// Nobody is refused or feels the level: it is only told.
    report_only: bool,
    observer: Arc<dyn Observe>,
    drain: Drain,
    tally: Tally,
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
        dim_above: f64,
        report_only: bool,
        observer: Arc<dyn Observe>,
    ) -> Self {
        let databases = guards.iter().map(|guard| guard.database);
        let learned = Learned::new(databases, route_breaker);
        let levels = Levels::new(&guards, dim_above);
        let (tally, comeback, guards) = (Tally::default(), Comeback::new(), guards.into());
        Self(Arc::new(Shared {
            rate,
            guards,
            learned,
            levels,
            comeback,
            place,
            report_only,
            observer,
            drain: Drain::default(),
            tally,
        }))
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
        match self.come_in(Place::Edge, class, clock::now()) {
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

    /// Enters the gates of one database, in the middle of a request that holds nothing of
    /// it.
    pub(crate) async fn check_out(
        &self,
        index: usize,
        class: &Class,
    ) -> Result<GatesPermit, Rejection> {
        let route = self.0.learned.of(class).map(Arc::as_ref);
        let class = &self.0.learned.priced(class, route, index).unwrap_or(*class);
        let entered = self.0.guards[index].check_out(class, route, index).await;
        let held = entered.map_err(|rejection| self.count(class, rejection))?;
        let mut permit = GatesPermit::new(class);
        permit.hold(held);
        self.count_reported(&permit);
        Ok(permit)
    }

    /// Counts one in at a database, whatever its limit.
    pub(crate) fn occupy(&self, index: usize) -> Permit {
        self.0.guards[index].concurrency.occupy()
    }

    fn enter_at(&self, place: Place, class: &Class, now: Instant) -> Entry<GatesPermit, GatesWait> {
        if class.exempt {
            return Entry::Admitted(self.browned(GatesPermit::new(class)));
        }
        let mut permit = GatesPermit::new(class);
        let Some(rate) = &self.0.rate else { return self.go_in(place, permit, now) };
        match self.spend(rate, &permit, now) {
            Entry::Admitted(paid) => {
                permit.pay(paid, self);
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
        for (index, guard) in guards.iter().enumerate() {
            let class = &permit.own.class;
            let route = learned.route(class);
            if place == Place::Edge && learned.needs(class, route, index) {
                match guard.check(class, route, index, now) {
                    Ok(held) => permit.hold(held),
                    Err(rejection) => return Entry::Refused(self.refuse(permit, rejection, now)),
                }
            }
        }
        self.go_on(permit, now)
    }

    /// Takes the places that the permit has not yet, one after the other.
    fn go_on(&self, mut permit: GatesPermit, now: Instant) -> Entry<GatesPermit, GatesWait> {
        // The limits look, too, but not all requests need one.
        let is_late = is_late(&permit.own.class, now);
        permit.report((is_late && self.0.report_only).then_some(Reason::Deadline));
        if is_late && !self.0.report_only {
            return Entry::Refused(self.refuse(permit, Rejection::too_late(), now));
        }
        while let Some(which) = self.next(&permit) {
            let index = permit.own.held[which].index;
            let priced = self.priced(&permit.own.class, index);
            let (class, guard) =
                (priced.as_ref().unwrap_or(&permit.own.class), &self.0.guards[index]);
            if let Some(place) = guard.take_at_once(class) {
                permit.take_place_at_once(which, place, self);
                continue;
            }
            match guard.enter(class, now) {
                Entry::Admitted(place) => {
                    let place = guard.counts.take_place(permit.own.class.priority, place);
                    permit.take_place(which, place);
                }
                Entry::Waiting(wait) => {
                    let stage = Stage::Limit { which, since: now, wait };
                    return Entry::Waiting(GatesWait::new(self.clone(), permit, stage));
                }
                Entry::Refused(rejection) => {
                    return Entry::Refused(self.refuse(permit, rejection, now));
                }
            }
        }
        permit.belong_to(self);
        permit.count_in(&self.0.drain);
        let priority = permit.own.class.priority;
        for held in &mut permit.own.held {
            held.resume();
            self.0.guards[held.index].counts.admit(priority);
        }
        self.0.tally.admit(priority);
        self.0.comeback.count(&permit.own.class);
        self.count_reported(&permit);
        Entry::Admitted(self.browned(permit))
    }

    /// The next limit to enter. First those that are full, so that who waits for one
    /// database holds no place of another that has room.
    fn next(&self, permit: &GatesPermit) -> Option<usize> {
        let mut lacks = permit.lacks();
        let first = lacks.next()?;
        let held = &permit.own.held;
        let is_full = |which: &usize| self.0.guards[held[*which].index].concurrency.is_full();
        // Mostly there is one.
        let Some(second) = lacks.next() else { return Some(first) };
        let mut all = [first, second].into_iter().chain(lacks);
        all.find(is_full).or(Some(first))
    }
}

impl Gate for Gates {
    type Permit = GatesPermit;
    type Wait = GatesWait;

    fn enter(&self, class: &Class, now: Instant) -> Entry<GatesPermit, GatesWait> {
        self.come_in(self.0.place, class, now)
    }
}

impl fmt::Debug for Gates {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("Gates").field(&self.snapshot()).finish()
    }
}

#[cfg(test)]
mod tests;
