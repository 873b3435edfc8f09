//! One question to the buckets that a fleet shares.

use std::{
    error::Error,
    fmt,
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
    /// What is wrong, where there is no answer.
    pub(super) trouble: Trouble,
}

/// Why a question has no answer.
pub(super) enum Trouble {
    /// It is on its way, for as long as is waited.
    Late,
    Panic,
    /// It has taken less than it was asked for.
    Short,
    Error(Box<dyn Error + Send + Sync>),
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
        Self { answer, probe, since: now, more, trouble: Trouble::Late }
    }

    /// The answer. None if it failed.
    pub(super) fn poll(&mut self, cx: &mut Context<'_>) -> Poll<Option<Taken>> {
        let polled = self.answer.as_mut().and_then(|answer| caught(|| answer.as_mut().poll(cx)));
        self.trouble = match polled {
            Some(Poll::Pending) => return Poll::Pending,
            Some(Poll::Ready(Ok(taken))) => return Poll::Ready(Some(taken)),
            Some(Poll::Ready(Err(error))) => Trouble::Error(error),
            None => Trouble::Panic,
        };
        Poll::Ready(None)
    }

    /// Tells how it went.
    pub(super) fn finish(&mut self, store: &FleetStore, answered: bool, now: Instant) {
        let latency = now.saturating_duration_since(self.since);
        let outcome = if answered { Outcome::Success } else { Outcome::Overload };
        self.probe.finish(&Sample::new(latency, outcome));
        (store.account)(latency, outcome);
    }
}

impl fmt::Display for Trouble {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Late => f.write_str("no answer in time"),
            Self::Panic => f.write_str("asking panics"),
            Self::Short => f.write_str("it takes less than it is asked for"),
            Self::Error(error) => error.fmt(f),
        }
    }
}

/// A store that panics is one that does not answer: it must not take a request with it.
fn caught<T>(ask: impl FnOnce() -> T) -> Option<T> {
    catch_unwind(AssertUnwindSafe(ask)).ok()
}
