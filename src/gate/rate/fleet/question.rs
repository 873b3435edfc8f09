//! One question to the buckets that a fleet shares.

use std::{
    panic::{AssertUnwindSafe, catch_unwind},
    task::{Context, Poll},
    time::Instant,
};

use super::{FleetStore, Order, Shared, Taken};
use crate::{
    gate::{BreakerPermit, Finish},
    outcome::{Outcome, Sample},
};

/// A question on its way. Whatever becomes of it, there is an answer or it has failed.
pub(super) struct Question {
    /// None where not even asking went well.
    answer: Option<Shared<Taken>>,
    probe: BreakerPermit,
    since: Instant,
    /// The units asked for beyond what is needed.
    pub(super) more: u32,
}

impl Question {
    pub(super) fn ask(
        store: &FleetStore,
        order: Order,
        more: u32,
        probe: BreakerPermit,
        now: Instant,
    ) -> Self {
        let answer = caught(|| store.buckets.take(order));
        Self { answer, probe, since: now, more }
    }

    /// The answer. None if it failed.
    pub(super) fn poll(&mut self, cx: &mut Context<'_>) -> Poll<Option<Taken>> {
        let Some(answer) = &mut self.answer else { return Poll::Ready(None) };
        match caught(|| answer.as_mut().poll(cx)) {
            Some(Poll::Pending) => Poll::Pending,
            Some(Poll::Ready(result)) => Poll::Ready(result.ok()),
            None => Poll::Ready(None),
        }
    }

    /// Tells how it went.
    pub(super) fn finish(mut self, store: &FleetStore, answered: bool, now: Instant) {
        let latency = now.saturating_duration_since(self.since);
        let outcome = if answered { Outcome::Success } else { Outcome::Overload };
        self.probe.finish(&Sample::new(latency, outcome));
        (store.account)(latency, outcome);
    }
}

/// A store that panics is one that does not answer: it must not take a request with it.
fn caught<T>(ask: impl FnOnce() -> T) -> Option<T> {
    catch_unwind(AssertUnwindSafe(ask)).ok()
}
