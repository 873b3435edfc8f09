//! The wait for all gates.

use std::{
    future::Future,
    pin::Pin,
    task::{Context, Poll, ready},
};

use pin_project::pin_project;

use super::{Gates, GatesPermit, Place};
use crate::{
    class::Downstream,
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
    /// For the limit of a database.
    Limit {
        database: Downstream,
        #[pin]
        wait: Wait,
    },
}

impl GatesWait {
    pub(super) fn new(gates: Gates, permit: GatesPermit, stage: Stage) -> Self {
        Self { gates, permit: Some(permit), stage }
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
                StageProject::Limit { database, wait } => {
                    let entered = ready!(wait.poll(cx));
                    this.gates.after_limit(*database, this.permit.take().expect(ONCE), entered)
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
                permit.paid = self.paid(spent);
                self.go_in(place, permit, clock::now())
            }
            Err(rejection) => Entry::Refused(self.count(&permit.class, rejection)),
        }
    }

    fn after_limit(
        &self,
        database: Downstream,
        mut permit: GatesPermit,
        entered: Result<Permit, Rejection>,
    ) -> Entry<GatesPermit, GatesWait> {
        let checked = entered.and_then(|place| {
            permit.take_place(database, place);
            self.check_again(&mut permit)
        });
        match checked {
            Ok(()) => self.go_on(permit, clock::now()),
            Err(rejection) => Entry::Refused(self.refuse(permit, rejection)),
        }
    }
}

const ONCE: &str = "polled after it was ready";
