//! The headcount for many threads.

use std::sync::atomic::Ordering::{AcqRel, Acquire, Relaxed, Release};

use super::sync::{Arc, AtomicU64};
use crate::{
    class::Priority,
    control::{
        headcount::{Counter, Headcount, ONE},
        room::Headroom,
    },
};

/// What admits and frees without a lock while nobody contends.
#[derive(Debug)]
pub(super) struct Count {
    headcount: AtomicU64,
    headroom: AtomicU64,
}

impl Count {
    pub(super) fn new(headroom: Headroom) -> Self {
        Self { headcount: AtomicU64::new(0), headroom: AtomicU64::new(headroom.bits()) }
    }

    pub(super) fn set_headroom(&self, headroom: Headroom) {
        self.headroom.store(headroom.bits(), Relaxed);
    }

    pub(super) fn load(&self) -> Headcount {
        Headcount::from_bits(self.headcount.load(Acquire))
    }

    /// Counts in one of the usual cost, if there is room and nobody contends for it.
    pub(super) fn admit(&self, priority: Priority) -> bool {
        let headroom = Headroom::from_bits(self.headroom.load(Relaxed));
        let admit = |count: Headcount| {
            let has_room = count.in_flight() < headroom.open_to(priority, count.places());
            (has_room && !count.is_contended()).then(|| count.count_in())
        };
        self.change(admit).is_some()
    }

    /// Counts out one of the usual cost. True if somebody contends for its place.
    pub(super) fn free(&self) -> bool {
        Headcount::from_bits(self.headcount.fetch_sub(ONE, Release)).is_contended()
    }

    fn change(&self, change: impl Fn(Headcount) -> Option<Headcount>) -> Option<Headcount> {
        let change = |bits| change(Headcount::from_bits(bits)).map(Headcount::bits);
        self.headcount.fetch_update(AcqRel, Acquire, change).ok().map(Headcount::from_bits)
    }
}

impl Counter for Arc<Count> {
    fn get(&self) -> Headcount {
        self.load()
    }

    fn change(&self, change: impl Fn(Headcount) -> Option<Headcount>) -> Option<Headcount> {
        Count::change(self, change)
    }
}
