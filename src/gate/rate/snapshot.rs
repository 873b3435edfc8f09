//! What a rate limit has decided so far.

use std::sync::atomic::{AtomicU64, Ordering};

use crate::striped::Striped;

/// What a rate limit has decided so far, without those that spend nothing.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[cfg_attr(feature = "serde", derive(serde::Serialize))]
#[non_exhaustive]
pub struct RateSnapshot {
    /// Requests admitted, also those that another gate refused then.
    pub admitted: u64,
    /// Requests refused.
    pub refused: u64,
    /// Requests over their quota that went on at
    /// [another priority](crate::RateLimit::downgrade_to), also those that another gate
    /// refused then. They are not among those admitted.
    pub downgraded: u64,
    /// Requests that would have been refused, but for
    /// [`RateLimit::report_only`](crate::RateLimit::report_only) or
    /// [`enforced_for`](crate::RateLimit::enforced_for).
    pub would_refuse: u64,
    /// Requests that would have been downgraded, but for the same.
    pub would_downgrade: u64,
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
pub(super) struct Tally(Striped<Counts>);

#[derive(Debug, Default)]
struct Counts {
    admitted: AtomicU64,
    refused: AtomicU64,
    downgraded: AtomicU64,
    would_refuse: AtomicU64,
    would_downgrade: AtomicU64,
    unkeyed: AtomicU64,
    asked: AtomicU64,
    alone: AtomicU64,
}

impl Tally {
    #[inline]
    pub(super) fn admit(&self) {
        self.0.own().admitted.fetch_add(1, Ordering::Relaxed);
    }

    /// A request is over its quota.
    pub(super) fn go_over(&self, downgrades: bool, is_enforced: bool) {
        let own = self.0.own();
        let count = match (downgrades, is_enforced) {
            (false, true) => &own.refused,
            (true, true) => &own.downgraded,
            (false, false) => &own.would_refuse,
            (true, false) => &own.would_downgrade,
        };
        count.fetch_add(1, Ordering::Relaxed);
    }

    pub(super) fn miss_key(&self) {
        self.0.own().unkeyed.fetch_add(1, Ordering::Relaxed);
    }

    pub(super) fn ask(&self) {
        self.0.own().asked.fetch_add(1, Ordering::Relaxed);
    }

    pub(super) fn decide_alone(&self) {
        self.0.own().alone.fetch_add(1, Ordering::Relaxed);
    }

    pub(super) fn snapshot(&self, keys: usize) -> RateSnapshot {
        let sum = |count: fn(&Counts) -> &AtomicU64| -> u64 {
            self.0.all().map(|own| count(own).load(Ordering::Relaxed)).sum()
        };
        RateSnapshot {
            admitted: sum(|own| &own.admitted),
            refused: sum(|own| &own.refused),
            downgraded: sum(|own| &own.downgraded),
            would_refuse: sum(|own| &own.would_refuse),
            would_downgrade: sum(|own| &own.would_downgrade),
            unkeyed: sum(|own| &own.unkeyed),
            asked: sum(|own| &own.asked),
            alone: sum(|own| &own.alone),
            keys,
        }
    }
}
