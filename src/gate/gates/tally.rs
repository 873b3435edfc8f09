//! What was decided so far, by priority and reason.

use std::sync::atomic::{AtomicU64, Ordering};

use crate::{class::Priority, rejection::Reason, striped::Striped};

/// Counts decisions.
#[derive(Debug, Default)]
pub(super) struct Tally(Striped<Counts>);

#[derive(Debug, Default)]
struct Counts {
    admitted: ByPriority<AtomicU64>,
    refused: ByPriority<ByReason<AtomicU64>>,
    /// For whatever reason, so that not all of these are added up for each retry.
    refused_in_all: AtomicU64,
    would_refuse: ByPriority<ByReason<AtomicU64>>,
}

/// Decisions so far.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct Decided {
    pub(super) admitted: ByPriority<u64>,
    pub(super) refused: ByPriority<ByReason<u64>>,
    /// Those of the admitted that would have been.
    pub(super) would_refuse: ByPriority<ByReason<u64>>,
}

/// By the number of the priority.
type ByPriority<T> = [T; Priority::ALL.len()];
type ByReason<T> = [T; Reason::ALL.len()];

impl Tally {
    pub(super) fn admit(&self, priority: Priority) {
        self.0.own().admitted[priority as usize].fetch_add(1, Ordering::Relaxed);
    }

    pub(super) fn refuse(&self, priority: Priority, reason: Reason) {
        let own = self.0.own();
        own.refused[priority as usize][reason as usize].fetch_add(1, Ordering::Relaxed);
        own.refused_in_all.fetch_add(1, Ordering::Relaxed);
    }

    /// One was admitted that would have been refused.
    pub(super) fn would_refuse(&self, priority: Priority, reason: Reason) {
        self.0.own().would_refuse[priority as usize][reason as usize]
            .fetch_add(1, Ordering::Relaxed);
    }

    /// All that were admitted or refused so far.
    pub(super) fn all(&self) -> u64 {
        let of = |own: &Counts| -> u64 {
            own.admitted.iter().chain([&own.refused_in_all]).map(read).sum()
        };
        self.0.all().map(of).sum()
    }

    pub(super) fn decided(&self) -> Decided {
        let mut decided = Decided::default();
        // Before those admitted, so that they are never more.
        self.0.all().for_each(|own| add_by_reason(&mut decided.would_refuse, &own.would_refuse));
        for own in self.0.all() {
            add(&mut decided.admitted, &own.admitted);
            add_by_reason(&mut decided.refused, &own.refused);
        }
        decided
    }
}

fn read(count: &AtomicU64) -> u64 {
    count.load(Ordering::Relaxed)
}

fn add(sums: &mut [u64], counts: &[AtomicU64]) {
    sums.iter_mut().zip(counts).for_each(|(sum, count)| *sum += read(count));
}

fn add_by_reason(sums: &mut ByPriority<ByReason<u64>>, counts: &ByPriority<ByReason<AtomicU64>>) {
    sums.iter_mut().zip(counts).for_each(|(sums, counts)| add(sums, counts));
}
