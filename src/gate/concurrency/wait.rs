//! A place in the queue, as a future.

use std::{
    future::Future,
    pin::Pin,
    task::{Context, Poll, ready},
    time::Instant,
};

use pin_project::{pin_project, pinned_drop};
use tokio::{
    sync::oneshot,
    time::{Sleep, sleep_until},
};

use super::{ConcurrencyGate, Permit, floor::Answer};
use crate::{
    class::Class,
    control::{
        patience::patience,
        queue::{Entered, Ticket},
    },
    gate::Entry,
    rejection::{Reason, Rejection},
};

/// Waits for a permit until the queue's longest wait or the request's deadline.
///
/// # Cancel safety
///
/// Dropping it gives up the place at once, and the permit if it was just granted.
#[pin_project(PinnedDrop)]
#[derive(Debug)]
#[must_use = "futures do nothing unless polled"]
pub struct Wait {
    gate: ConcurrencyGate,
    ticket: Ticket,
    granted: oneshot::Receiver<Result<Permit, Rejection>>,
    #[pin]
    timeout: Sleep,
    late: Reason,
}

impl Wait {
    pub(super) fn new(
        gate: ConcurrencyGate,
        ticket: Ticket,
        granted: oneshot::Receiver<Result<Permit, Rejection>>,
        timeout: Sleep,
        late: Reason,
    ) -> Self {
        Self { gate, ticket, granted, timeout, late }
    }
}

impl Future for Wait {
    type Output = Result<Permit, Rejection>;

    fn poll(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Self::Output> {
        let this = self.project();
        // The permit first: both answers spend the same cooperative budget, so a task
        // that has none left waits for the next turn and is not timed out.
        let answer = match Pin::new(&mut *this.granted).poll(cx) {
            Poll::Ready(answer) => answer.ok(),
            Poll::Pending => {
                ready!(this.timeout.poll(cx));
                this.gate.admit_overdue(*this.ticket);
                // Whoever grants a permit from here on gets it back and hands it on.
                this.granted.close();
                this.granted.try_recv().ok()
            }
        };
        Poll::Ready(answer.unwrap_or_else(|| Err(this.gate.time_out(*this.ticket, *this.late))))
    }
}

impl ConcurrencyGate {
    /// There was no room at once.
    pub(super) fn enter_or_wait(&self, class: &Class, now: Instant) -> Entry<Permit, Wait> {
        let mut answer = None;
        let entered = self.0.floor.enter(class, now, |max_wait| {
            let (wait, late) = patience(class, max_wait, now);
            let (caller, granted) = oneshot::channel();
            // Panics outside a runtime: nobody is in the queue yet.
            answer = Some((granted, sleep_until((now + wait).into()), late));
            caller
        });
        let ticket = match entered {
            Answer::Admitted => return Entry::Admitted(self.grant(class.cost)),
            Answer::Not(Entered::Waiting(ticket)) => ticket,
            Answer::Not(Entered::Evicting(ticket, evicted)) => {
                // Whoever has left by now needs no answer.
                let _ = evicted.send(Err(self.refuse(Reason::Evicted)));
                ticket
            }
            Answer::Not(Entered::Full) => {
                return Entry::Refused(Rejection::for_load(Reason::QueueFull));
            }
        };
        let (granted, timeout, late) = answer.expect("it was made to enter the queue");
        Entry::Waiting(Wait::new(self.clone(), ticket, granted, timeout, late))
    }
}

#[pinned_drop]
impl PinnedDrop for Wait {
    fn drop(self: Pin<&mut Self>) {
        self.gate.leave(self.ticket);
    }
}
