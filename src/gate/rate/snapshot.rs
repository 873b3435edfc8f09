//! What a rate limit has decided so far.

use std::sync::atomic::{AtomicU64, Ordering};

/// What a rate limit has decided so far, without those that spend nothing.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub struct RateSnapshot {
    /// Requests admitted, also those that another gate refused then.
    pub admitted: u64,
    /// Requests refused.
    pub refused: u64,
    /// Requests that would have been refused, but for
    /// [`RateLimit::report_only`](crate::RateLimit::report_only) or
    /// [`enforced_for`](crate::RateLimit::enforced_for).
    pub would_refuse: u64,
    /// Requests without a key, where there is a quota for each. If they are many, look at what
    /// is to tell the key, such as whether the peer's address is known.
    pub unkeyed: u64,
    /// Questions to the store of a [`Fleet`](crate::Fleet).
    pub asked: u64,
    /// Requests that were decided without the answer that they needed from it, as
    /// [`Fleet::on_outage`](crate::Fleet::on_outage) says.
    pub alone: u64,
    /// Keys that are remembered.
    pub keys: usize,
}

/// Counts them.
#[derive(Debug, Default)]
pub(super) struct Tally {
    admitted: AtomicU64,
    refused: AtomicU64,
    would_refuse: AtomicU64,
    unkeyed: AtomicU64,
    asked: AtomicU64,
    alone: AtomicU64,
}

impl Tally {
    #[inline]
    pub(super) fn admit(&self) {
        self.admitted.fetch_add(1, Ordering::Relaxed);
    }

    pub(super) fn refuse(&self) {
        self.refused.fetch_add(1, Ordering::Relaxed);
    }

    pub(super) fn would_refuse(&self) {
        self.would_refuse.fetch_add(1, Ordering::Relaxed);
    }

    pub(super) fn miss_key(&self) {
        self.unkeyed.fetch_add(1, Ordering::Relaxed);
    }

    pub(super) fn ask(&self) {
        self.asked.fetch_add(1, Ordering::Relaxed);
    }

    pub(super) fn decide_alone(&self) {
        self.alone.fetch_add(1, Ordering::Relaxed);
    }

    pub(super) fn snapshot(&self, keys: usize) -> RateSnapshot {
        let read = |count: &AtomicU64| count.load(Ordering::Relaxed);
        RateSnapshot {
            admitted: read(&self.admitted),
            refused: read(&self.refused),
            would_refuse: read(&self.would_refuse),
            unkeyed: read(&self.unkeyed),
            asked: read(&self.asked),
            alone: read(&self.alone),
            keys,
        }
    }
}
