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
    /// Keys that are remembered.
    pub keys: usize,
}

/// Counts them.
#[derive(Debug, Default)]
pub(super) struct Tally {
    admitted: AtomicU64,
    refused: AtomicU64,
    would_refuse: AtomicU64,
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

    pub(super) fn snapshot(&self, keys: usize) -> RateSnapshot {
        let [admitted, refused, would_refuse] = [&self.admitted, &self.refused, &self.would_refuse]
            .map(|count| count.load(Ordering::Relaxed));
        RateSnapshot { admitted, refused, would_refuse, keys }
    }
}
