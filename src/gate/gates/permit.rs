//! Proof of admission by all gates, and the wait for it.

use std::{
    fmt,
    future::Future,
    pin::Pin,
    sync::Arc,
    task::{Context, Poll, ready},
};

use pin_project::pin_project;

use super::{Gates, guard::Held, route::RouteState};
use crate::{
    class::{Class, Downstream, Needs},
    clock,
    control::witness::{Attendance, Witness},
    gate::{Entry, Finish, Permit, RatePermit, Wait},
    outcome::Sample,
    rejection::Rejection,
    standing::Standing,
};

/// Proof of admission by all gates. Dropping it gives back whatever they hold.
pub struct GatesPermit {
    pub(super) class: Class,
    pub(super) route: Option<Arc<RouteState>>,
    pub(super) rate: Option<RatePermit>,
    /// Of the first database that the request needs: mostly there is one.
    first: Option<Held>,
    more: Vec<Held>,
}

impl GatesPermit {
    pub(super) fn new(class: &Class, route: Option<Arc<RouteState>>) -> Self {
        Self { class: *class, route, rate: None, first: None, more: Vec::new() }
    }

    pub(super) fn hold(&mut self, held: Held) {
        match &self.first {
            None => self.first = Some(held),
            Some(_) => self.more.push(held),
        }
    }

    /// The databases whose limits have not let it in yet.
    pub(super) fn lacks(&self) -> impl Iterator<Item = Downstream> {
        let held = self.first.iter().chain(&self.more);
        held.filter(|held| held.place.is_none()).map(|held| held.database)
    }

    /// The limit of this one has let it in.
    pub(super) fn take_place(&mut self, database: Downstream, place: Permit) {
        let held = self.held().find(|held| held.database == database);
        held.expect("it is needed").place = Some(place);
    }

    pub(super) fn holds(&self, database: Downstream) -> bool {
        self.first.iter().chain(&self.more).any(|held| held.database == database)
    }

    pub(super) fn held(&mut self) -> impl Iterator<Item = &mut Held> {
        self.first.iter_mut().chain(&mut self.more)
    }
}

impl Finish for GatesPermit {
    fn finish(&mut self, sample: &Sample) {
        self.held().for_each(|held| held.finish(sample));
    }

    fn standing(&self) -> Option<&Standing> {
        self.rate.as_ref()?.standing()
    }

    fn attendance(&self) -> Option<Attendance> {
        let held = self.first.iter().chain(&self.more);
        let covered = match self.class.exempt {
            true => Needs::All,
            false => held.fold(Needs::Learned, |needs, held| needs.and(held.database)),
        };
        let witness = self.route.clone().map(|route| route as Arc<dyn Witness>);
        Some(Attendance { class: self.class, witness, covered })
    }
}

impl fmt::Debug for GatesPermit {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_list().entries(self.first.iter().chain(&self.more)).finish()
    }
}

/// Waits for the concurrency limits, one after the other, with what the other gates gave.
///
/// # Cancel safety
///
/// Dropping it gives up the places, and a breaker's probe. A spent cell stays spent: who
/// leaves while waiting was not refused.
#[pin_project]
#[derive(Debug)]
#[must_use = "futures do nothing unless polled"]
pub struct GatesWait {
    gates: Gates,
    permit: Option<GatesPermit>,
    /// For whose limit it waits.
    database: Downstream,
    #[pin]
    wait: Wait,
}

impl GatesWait {
    pub(super) fn new(gates: Gates, permit: GatesPermit, database: Downstream, wait: Wait) -> Self {
        Self { gates, permit: Some(permit), database, wait }
    }
}

impl Future for GatesWait {
    type Output = Result<GatesPermit, Rejection>;

    fn poll(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Self::Output> {
        let mut this = self.project();
        loop {
            let answer = ready!(this.wait.as_mut().poll(cx));
            let mut permit = this.permit.take().expect("polled after it was ready");
            let place = match answer {
                Ok(place) => place,
                Err(rejection) => return Poll::Ready(Err(this.gates.refuse(permit, rejection))),
            };
            permit.take_place(*this.database, place);
            if let Err(rejection) = this.gates.check_again(&mut permit) {
                return Poll::Ready(Err(this.gates.refuse(permit, rejection)));
            }
            match this.gates.go_on(permit, clock::now()) {
                Entry::Admitted(permit) => return Poll::Ready(Ok(permit)),
                Entry::Refused(rejection) => return Poll::Ready(Err(rejection)),
                Entry::Waiting(next) => {
                    *this.permit = next.permit;
                    *this.database = next.database;
                    this.wait.set(next.wait);
                }
            }
        }
    }
}
