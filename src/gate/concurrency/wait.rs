//! A place in the queue, as a future.

use std::{
    future::Future,
    pin::Pin,
    task::{Context, Poll, ready},
};

use pin_project::{pin_project, pinned_drop};
use tokio::{sync::oneshot, time::Sleep};

use super::{ConcurrencyGate, Permit};
use crate::{
    control::queue::Ticket,
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

#[pinned_drop]
impl PinnedDrop for Wait {
    fn drop(self: Pin<&mut Self>) {
        self.gate.leave(self.ticket);
    }
}
