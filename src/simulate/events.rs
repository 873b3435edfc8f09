//! What happens next.

use std::{
    cmp::{Ordering, Reverse},
    collections::BinaryHeap,
};

/// A number that is never NaN, in its order.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) struct Ordered(pub(super) f64);

impl Eq for Ordered {}

impl Ord for Ordered {
    fn cmp(&self, other: &Self) -> Ordering {
        self.0.total_cmp(&other.0)
    }
}

impl PartialOrd for Ordered {
    fn partial_cmp(&self, other: &Self) -> Option<Ordering> {
        Some(self.cmp(other))
    }
}

/// Something that is due.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Event {
    /// A new customer comes.
    Arrival,
    /// A customer tries again.
    Retry { customer: usize },
    /// A customer has waited long enough for an attempt.
    Impatience { attempt: usize },
    /// An attempt has waited long enough in the queue.
    QueueTimeout { attempt: usize },
    /// The way back from the database is over, or the work without one.
    Back { attempt: usize },
    /// One more instance runs.
    Start,
    /// A tenth of a second of an instance is over.
    Tick { instance: usize },
    /// A tenth of a second of the whole is over.
    Record,
}

/// The events to come; of those due at once, the one that was put in first.
#[derive(Debug, Default)]
pub(super) struct Agenda {
    due: BinaryHeap<Reverse<(Ordered, u64, Event)>>,
    number: u64,
}

impl Agenda {
    /// Puts in an event, in seconds from the beginning.
    pub(super) fn put(&mut self, at: f64, event: Event) {
        self.number += 1;
        self.due.push(Reverse((Ordered(at), self.number, event)));
    }

    /// When the next is due.
    pub(super) fn next_at(&self) -> Option<f64> {
        self.due.peek().map(|Reverse((at, ..))| at.0)
    }

    pub(super) fn take(&mut self) -> Option<Event> {
        self.due.pop().map(|Reverse((.., event))| event)
    }
}
