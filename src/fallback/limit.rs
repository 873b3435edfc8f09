//! The fallback's own limit, so that what the service is spared does not fall on the next
//! thing.

use std::sync::{
    Arc,
    atomic::{AtomicU64, AtomicUsize, Ordering},
};

/// How many answers of a fallback may be on their way at once. There is no queue: who finds it
/// full was refused once already.
#[derive(Debug)]
pub(super) struct Limit {
    max: usize,
    in_flight: AtomicUsize,
    answered: AtomicU64,
    over_limit: AtomicU64,
}

/// A place, until it drops.
#[derive(Debug)]
pub(super) struct Place(Arc<Limit>);

impl Limit {
    pub(super) fn new(max: usize) -> Self {
        let (in_flight, answered, over_limit) = Default::default();
        Self { max, in_flight, answered, over_limit }
    }

    /// `None` if it is full.
    pub(super) fn enter(self: &Arc<Self>) -> Option<Place> {
        let room = |taken| (taken < self.max).then_some(taken + 1);
        match self.in_flight.fetch_update(Ordering::Relaxed, Ordering::Relaxed, room) {
            Ok(_) => Some(Place(self.clone())),
            Err(_) => {
                self.over_limit.fetch_add(1, Ordering::Relaxed);
                None
            }
        }
    }

    pub(super) fn snapshot(&self) -> FallbackSnapshot {
        FallbackSnapshot {
            limit: self.max,
            in_flight: self.in_flight.load(Ordering::Relaxed),
            answered: self.answered.load(Ordering::Relaxed),
            over_limit: self.over_limit.load(Ordering::Relaxed),
        }
    }
}

impl Place {
    /// The answer is there, be it an error.
    pub(super) fn answered(self) {
        self.0.answered.fetch_add(1, Ordering::Relaxed);
    }
}

impl Drop for Place {
    fn drop(&mut self) {
        self.0.in_flight.fetch_sub(1, Ordering::Relaxed);
    }
}

/// What a fallback does now, and what it has done so far. Read by
/// [`FallbackLayer::snapshot`](crate::FallbackLayer::snapshot).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct FallbackSnapshot {
    /// How many answers may be on their way at once.
    pub limit: usize,
    /// How many are.
    pub in_flight: usize,
    /// How many requests it has answered, with errors too.
    pub answered: u64,
    /// How many requests it did not try to answer, since the limit was reached.
    pub over_limit: u64,
}
