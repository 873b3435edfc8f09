//! What is counted in front of one database, for its limit, its level, and those who look.

use std::{
    sync::{
        Arc,
        atomic::{AtomicU64, AtomicUsize, Ordering},
    },
    time::Duration,
};

use crate::{class::Priority, gate::Permit, rejection::Reason, striped::Striped};

/// Decisions, those of them since the last signal, who of those in flight is bulk, and who
/// has waited.
#[derive(Debug, Default)]
pub(crate) struct Counts {
    decisions: Striped<Decisions>,
    /// Of those admitted, as many as the last signal has heard of.
    heard: AtomicU64,
    bulk: Arc<AtomicUsize>,
    waits: [Waits; Priority::ALL.len()],
}

#[derive(Debug, Default)]
struct Decisions {
    /// So far.
    admitted: AtomicU64,
    /// Since the last signal, as the next.
    admitted_bulk: AtomicU64,
    refused: AtomicU64,
}

/// Waits that ended with a place, of one priority.
#[derive(Debug, Default)]
struct Waits {
    count: AtomicU64,
    /// How long they were in all, in nanoseconds.
    nanos: AtomicU64,
}

/// How long requests of one priority waited for their places so far.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub struct Waited {
    /// Requests that had to wait, and got a place.
    pub requests: u64,
    /// How long all of them waited together.
    pub total: Duration,
}

/// A place under the limit, and whether it is one of the bulk's.
#[derive(Debug)]
pub(super) enum Taken {
    /// Of one who was let in at once: the guard has to be told when it goes.
    AtOnce { is_bulk: bool },
    /// It is free when this drops.
    Permit { permit: Permit, _bulk: Option<OfBulk> },
}

impl Taken {
    pub(super) fn would_refuse(&self) -> Option<Reason> {
        match self {
            Self::AtOnce { .. } => None,
            Self::Permit { permit, .. } => permit.would_refuse(),
        }
    }
}

#[derive(Debug)]
pub(super) struct OfBulk(Arc<AtomicUsize>);

impl Drop for OfBulk {
    fn drop(&mut self) {
        self.0.fetch_sub(1, Ordering::Relaxed);
    }
}

/// Decisions that were counted.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Counted {
    pub(super) admitted: u64,
    pub(super) admitted_bulk: u64,
    pub(super) refused: u64,
}

impl Counts {
    pub(super) fn admit(&self, priority: Priority) {
        let own = self.decisions.own();
        own.admitted.fetch_add(1, Ordering::Relaxed);
        if priority == Priority::Bulk {
            own.admitted_bulk.fetch_add(1, Ordering::Relaxed);
        }
    }

    /// All that were admitted so far.
    pub(super) fn admitted(&self) -> u64 {
        self.decisions.all().map(|own| own.admitted.load(Ordering::Relaxed)).sum()
    }

    /// One got its place after so long.
    pub(super) fn wait(&self, priority: Priority, wait: Duration) {
        let waits = &self.waits[priority as usize];
        let nanos = u64::try_from(wait.as_nanos()).unwrap_or(u64::MAX);
        waits.nanos.fetch_add(nanos, Ordering::Relaxed);
        waits.count.fetch_add(1, Ordering::Relaxed);
    }

    pub(super) fn waited(&self) -> [Waited; Priority::ALL.len()] {
        self.waits.each_ref().map(|waits| Waited {
            requests: waits.count.load(Ordering::Relaxed),
            total: Duration::from_nanos(waits.nanos.load(Ordering::Relaxed)),
        })
    }

    /// One was refused for load. What may be put off is no sign of it.
    pub(super) fn refuse(&self, priority: Priority) {
        if priority >= Priority::Normal {
            self.decisions.own().refused.fetch_add(1, Ordering::Relaxed);
        }
    }

    pub(super) fn take_place(&self, priority: Priority, permit: Permit) -> Taken {
        let of_bulk = || {
            self.bulk.fetch_add(1, Ordering::Relaxed);
            OfBulk(self.bulk.clone())
        };
        Taken::Permit { permit, _bulk: (priority == Priority::Bulk).then(of_bulk) }
    }

    pub(super) fn take_place_at_once(&self, priority: Priority) -> Taken {
        let is_bulk = priority == Priority::Bulk;
        if is_bulk {
            self.bulk.fetch_add(1, Ordering::Relaxed);
        }
        Taken::AtOnce { is_bulk }
    }

    /// A place of the bulk that was taken at once is free.
    pub(super) fn free_bulk(&self) {
        self.bulk.fetch_sub(1, Ordering::Relaxed);
    }

    /// Places that the bulk has.
    pub(super) fn bulk(&self) -> usize {
        self.bulk.load(Ordering::Relaxed)
    }

    /// What was decided since the last call.
    pub(super) fn take(&self) -> Counted {
        let admitted = self.admitted();
        let heard = self.heard.fetch_max(admitted, Ordering::Relaxed);
        let (mut admitted_bulk, mut refused) = (0, 0);
        for own in self.decisions.all() {
            admitted_bulk += own.admitted_bulk.swap(0, Ordering::Relaxed);
            refused += own.refused.swap(0, Ordering::Relaxed);
        }
        Counted { admitted: admitted.saturating_sub(heard), admitted_bulk, refused }
    }
}
