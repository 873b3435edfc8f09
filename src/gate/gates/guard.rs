//! What stands in front of one database.

use std::sync::{
    Arc,
    atomic::{AtomicU64, Ordering},
};

use super::{learned::Learned, route::RouteState};
use crate::{
    class::{Class, Downstream},
    gate::{BreakerGate, BreakerPermit, ConcurrencyGate, Finish, Permit, concurrency::News},
    outcome::Sample,
    rejection::Rejection,
    signal::Signal,
};

/// The circuit and the limit of one database.
pub(crate) struct Guard {
    pub(crate) database: Downstream,
    /// What people call it.
    pub(crate) name: Arc<str>,
    pub(crate) breaker: BreakerGate,
    pub(crate) concurrency: ConcurrencyGate,
    /// Since the last signal.
    pub(crate) admitted: AtomicU64,
}

/// What a request holds of one database.
#[derive(Debug)]
pub(super) struct Held {
    pub(super) database: Downstream,
    pub(super) circuit: BreakerPermit,
    /// Of the route at this database.
    pub(super) route: Option<BreakerPermit>,
    pub(super) place: Option<Permit>,
}

impl Guard {
    pub(super) fn count_admitted(&self) {
        self.admitted.fetch_add(1, Ordering::Relaxed);
    }

    /// Asks both circuits. What they try does not go out before it is resumed.
    pub(super) fn check(
        &self,
        class: &Class,
        route: Option<&RouteState>,
        index: usize,
    ) -> Result<Held, Rejection> {
        let mut circuit = self.breaker.check(class)?;
        circuit.pause();
        let route = route.map(|route| route.at(index).breaker().check(class)).transpose()?;
        let mut held = Held { database: self.database, circuit, route, place: None };
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
        self.breaker.check_again(class, &mut held.circuit)?;
        held.pause();
        if let (Some(permit), Some(route)) = (&mut held.route, route) {
            route.at(index).breaker().check_again(class, permit)?;
        }
        held.pause();
        Ok(())
    }

    /// Asks for all, in the middle of a request. A probe is out until the connection is
    /// back, or as many as come would pass a circuit that is half-open.
    pub(super) async fn check_out(
        &self,
        class: &Class,
        route: Option<&RouteState>,
        index: usize,
    ) -> Result<Held, Rejection> {
        let mut held = self.check(class, route, index)?;
        held.place = Some(self.concurrency.acquire(class).await?);
        self.check_again(class, route, index, &mut held)?;
        held.resume();
        self.count_admitted();
        Ok(held)
    }

    /// The database tells how it does. Queries that hang at routes which are closed off
    /// do no work: their places go to others, and the limit hears nothing of them.
    pub(super) fn hear(&self, signal: &Signal, learned: &Learned, index: usize) {
        self.breaker.hear(signal);
        let closed_off = learned.hear(signal, self.breaker.take_answers(), index);
        let admitted = Some(self.admitted.swap(0, Ordering::Relaxed));
        let tells_routes = learned.tells_routes();
        self.concurrency.hear(signal, &News { admitted, closed_off, tells_routes });
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

    pub(super) fn listens(&self) -> bool {
        self.circuit.listens() || self.route.as_ref().is_some_and(Finish::listens)
    }
}
