//! The wait for all gates.

use std::{
    future::Future,
    pin::Pin,
    task::{Context, Poll, ready},
    time::Instant,
};

use pin_project::pin_project;

use super::{Gates, GatesPermit, Place};
use crate::{
    clock,
    gate::{Entry, Permit, RatePermit, RateWait, Wait},
    rejection::Rejection,
};

/// Waits for the quota, where that has to be asked for; then for the concurrency limits, one
/// after the other, with what the other gates gave.
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
    #[pin]
    stage: Stage,
}

/// For what it waits.
#[pin_project(project = StageProject)]
#[derive(Debug)]
pub(super) enum Stage {
    /// For the quota. The circuits are asked after that.
    Quota {
        place: Place,
        #[pin]
        wait: RateWait,
    },
    /// For the limit of a database, by which of what is held.
    Limit {
        which: usize,
        since: Instant,
        #[pin]
        wait: Wait,
    },
}

impl GatesWait {
    pub(super) fn new(gates: Gates, mut permit: GatesPermit, stage: Stage) -> Self {
        permit.count_in(&gates.0.drain);
        Self { gates, permit: Some(permit), stage }
    }

    /// What the other gates gave, of one who was never polled.
    pub(super) fn give_up(self) -> GatesPermit {
        self.permit.expect(ONCE)
    }
}

impl Future for GatesWait {
    type Output = Result<GatesPermit, Rejection>;

    fn poll(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Self::Output> {
        let mut this = self.project();
        loop {
            let entry = match this.stage.as_mut().project() {
                StageProject::Quota { place, wait } => {
                    let spent = ready!(wait.poll(cx));
                    this.gates.after_quota(*place, this.permit.take().expect(ONCE), spent)
                }
                StageProject::Limit { which, since, wait } => {
                    let entered = ready!(wait.poll(cx));
                    let permit = this.permit.take().expect(ONCE);
                    this.gates.after_limit(*which, permit, *since, entered)
                }
            };
            match entry {
                Entry::Admitted(permit) => return Poll::Ready(Ok(permit)),
                Entry::Refused(rejection) => return Poll::Ready(Err(rejection)),
                Entry::Waiting(next) => {
                    *this.permit = next.permit;
                    this.stage.set(next.stage);
                }
            }
        }
    }
}

impl Gates {
    fn after_quota(
        &self,
        place: Place,
        mut permit: GatesPermit,
        spent: Result<RatePermit, Rejection>,
    ) -> Entry<GatesPermit, GatesWait> {
        match spent {
            Ok(spent) => {
                permit.pay(spent, self);
                self.go_in(place, permit, clock::now())
            }
            Err(rejection) => Entry::Refused(self.count(&permit.own.class, rejection)),
        }
    }

    fn after_limit(
        &self,
        which: usize,
        mut permit: GatesPermit,
        since: Instant,
        entered: Result<Permit, Rejection>,
    ) -> Entry<GatesPermit, GatesWait> {
        let guard = &self.0.guards[permit.own.held[which].index];
        let checked = guard.entered(&permit.own.class, since, entered).and_then(|place| {
            permit.take_place(which, place);
            self.check_again(&mut permit)
        });
        let now = clock::now();
        match checked {
            Ok(()) => self.go_on(permit, now),
            Err(rejection) => Entry::Refused(self.refuse(permit, rejection, now)),
        }
    }

    /// A circuit may have opened meanwhile.
    fn check_again(&self, permit: &mut GatesPermit) -> Result<(), Rejection> {
        let class = permit.own.class;
        let route = self.0.learned.route(&class);
        let mut reported = None;
        for held in &mut permit.own.held {
            let index = held.index;
            self.0.guards[index].check_again(&class, route, index, held)?;
            reported = reported.or(held.would_refuse());
        }
        permit.report(reported);
        Ok(())
    }
}

const ONCE: &str = "polled after it was ready";
