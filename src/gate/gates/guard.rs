//! What stands in front of one database.

use std::{sync::Arc, time::Instant};

use super::{
    counts::{Counts, Taken},
    learned::Learned,
    route::RouteState,
};
use crate::{
    class::{Class, Downstream, Priority},
    clock,
    control::level::Strain,
    gate::{
        BreakerGate, BreakerPermit, ConcurrencyGate, Entry, Finish, Gate, Permit, Wait,
        concurrency::News,
    },
    outcome::Sample,
    rejection::{Reason, Rejection},
    signal::Signal,
};

/// The circuit and the limit of one database.
pub(crate) struct Guard {
    pub(crate) database: Downstream,
    /// What people call it.
    pub(crate) name: Arc<str>,
    pub(crate) breaker: BreakerGate,
    pub(crate) concurrency: ConcurrencyGate,
    pub(crate) counts: Counts,
}

/// What a request holds of one database.
#[derive(Debug)]
pub(super) struct Held {
    pub(super) database: Downstream,
    /// The number of the database among those that are protected.
    pub(super) index: usize,
    pub(super) circuit: BreakerPermit,
    /// Of the route at this database.
    pub(super) route: Option<BreakerPermit>,
    pub(super) place: Option<Taken>,
}

impl Guard {
    /// Asks both circuits. What they try does not go out before it is resumed.
    pub(super) fn check(
        &self,
        class: &Class,
        route: Option<&RouteState>,
        index: usize,
        now: Instant,
    ) -> Result<Held, Rejection> {
        let refused = |_: &Rejection| self.counts.refuse(class.priority);
        let mut circuit = self.breaker.check_at(class, || now).inspect_err(refused)?;
        circuit.pause();
        let check = |route: &RouteState| route.at(index).breaker().check_at(class, || now);
        let route = route.map(check).transpose()?;
        let mut held = Held { database: self.database, index, circuit, route, place: None };
        held.pause();
        Ok(held)
    }

    /// The request has waited: whether it may still go on.
    pub(super) fn check_again(
        &self,
        class: &Class,
        route: Option<&RouteState>,
        index: usize,
        held: &mut Held,
    ) -> Result<(), Rejection> {
        let refused = |_: &Rejection| self.counts.refuse(class.priority);
        self.breaker.check_again(class, &mut held.circuit).inspect_err(refused)?;
        held.pause();
        if let (Some(permit), Some(route)) = (&mut held.route, route) {
            route.at(index).breaker().check_again(class, permit)?;
        }
        held.pause();
        Ok(())
    }

    /// Takes a place at once, if that needs no wait. Who is late never comes so far.
    pub(super) fn take_at_once(&self, class: &Class) -> Option<Taken> {
        let admitted = self.concurrency.admits_at_once(class);
        admitted.then(|| self.counts.take_place_at_once(class.priority))
    }

    /// Who had the place is done.
    pub(super) fn free(&self, place: Taken) {
        if let Taken::AtOnce { is_bulk } = place {
            if is_bulk {
                self.counts.free_bulk();
            }
            self.concurrency.free();
        }
    }

    /// Asks the limit.
    pub(super) fn enter(&self, class: &Class, now: Instant) -> Entry<Permit, Wait> {
        let entry = self.concurrency.enter(class, now);
        // Who was late before is none of its doing.
        if matches!(&entry, Entry::Refused(rejection) if rejection.reason() != Reason::Deadline) {
            self.counts.refuse(class.priority);
        }
        entry
    }

    /// The request has waited for the limit since then, perhaps in vain.
    pub(super) fn entered(
        &self,
        class: &Class,
        since: Instant,
        entered: Result<Permit, Rejection>,
    ) -> Result<Taken, Rejection> {
        match entered {
            Ok(place) => {
                let wait = clock::now().saturating_duration_since(since);
                self.counts.wait(class.priority, wait);
                Ok(self.counts.take_place(class.priority, place))
            }
            Err(rejection) => {
                self.counts.refuse(class.priority);
                Err(rejection)
            }
        }
    }

    /// Asks for all, in the middle of a request. A probe is out until the connection is
    /// back, or as many as come would pass a circuit that is half-open.
    pub(super) async fn check_out(
        &self,
        class: &Class,
        route: Option<&RouteState>,
        index: usize,
    ) -> Result<Held, Rejection> {
        let now = clock::now();
        let mut held = self.check(class, route, index, now)?;
        let place = match self.enter(class, now) {
            Entry::Admitted(place) => self.counts.take_place(class.priority, place),
            Entry::Waiting(wait) => self.entered(class, now, wait.await)?,
            Entry::Refused(rejection) => return Err(rejection),
        };
        held.place = Some(place);
        self.check_again(class, route, index, &mut held)?;
        held.resume();
        self.counts.admit(class.priority);
        Ok(held)
    }

    /// The database tells how it does. Queries that hang at routes which are closed off
    /// do no work: their places go to others, and the limit hears nothing of them.
    pub(super) fn hear(
        &self,
        signal: &Signal,
        learned: &Learned,
        index: usize,
        left_out: bool,
    ) -> Strain {
        self.breaker.hear(signal);
        let closed_off = learned.hear(signal, self.breaker.take_answers(), index);
        let counted = self.counts.take();
        let (admitted, tells_routes) = (Some(counted.admitted), learned.tells_routes());
        let strain = Strain {
            limit: self.concurrency.limit() as f64,
            wanted: self.wanted() as f64,
            admitted: counted.admitted.saturating_sub(counted.admitted_bulk),
            refused: counted.refused,
            finished: signal.finished,
            ill: signal.slow + signal.overloads,
            circuit: self.breaker.circuit(),
        };
        self.concurrency.hear(signal, &News { admitted, closed_off, tells_routes, left_out });
        strain
    }

    /// Who wants a place or has one. The bulk fills what it may have, which says nothing.
    fn wanted(&self) -> usize {
        let in_flight = self.concurrency.in_flight().saturating_sub(self.counts.bulk());
        in_flight + self.concurrency.waiting_from(Priority::Sheddable)
    }
}

impl Held {
    fn circuits(&mut self) -> impl Iterator<Item = &mut BreakerPermit> {
        std::iter::once(&mut self.circuit).chain(&mut self.route)
    }

    /// The request has not gone on yet.
    fn pause(&mut self) {
        self.circuits().for_each(BreakerPermit::pause);
    }

    /// It goes on.
    pub(super) fn resume(&mut self) {
        self.circuits().for_each(BreakerPermit::resume);
    }

    pub(super) fn finish(&mut self, sample: &Sample) {
        self.circuits().for_each(|permit| permit.finish(sample));
    }

    /// Why it would have been refused: by which gate first.
    pub(super) fn would_refuse(&self) -> Option<Reason> {
        let circuits = std::iter::once(&self.circuit).chain(&self.route);
        let by_circuit = circuits.into_iter().find_map(BreakerPermit::would_refuse);
        by_circuit.or_else(|| self.place.as_ref()?.would_refuse())
    }

    pub(super) fn listens(&self) -> bool {
        self.circuit.listens() || self.route.as_ref().is_some_and(Finish::listens)
    }
}
