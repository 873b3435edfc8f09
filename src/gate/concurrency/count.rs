//! The headcount for many threads.

use std::{
    fmt,
    sync::{
        OnceLock, Weak,
        atomic::Ordering::{AcqRel, Acquire, Relaxed, Release},
    },
};

use super::{ConcurrencyGate, gate::Shared};
use crate::{
    class::Priority,
    control::{
        headcount::{Counter, Headcount, ONE},
        room::Headroom,
    },
    sync::{Arc, AtomicU64},
};

/// What admits and frees without a lock while nobody contends. It is what a permit holds: who
/// shares it is counted beside the headcount, so that a request which comes or goes needs no
/// second line of the cache that others write to.
pub(super) struct Count {
    headcount: AtomicU64,
    headroom: AtomicU64,
    gate: OnceLock<Weak<Shared>>,
}

impl Count {
    pub(super) fn new(headroom: Headroom) -> Self {
        let (headcount, headroom) = (AtomicU64::new(0), AtomicU64::new(headroom.bits()));
        Self { headcount, headroom, gate: OnceLock::new() }
    }

    /// It is that of this gate.
    pub(super) fn belong_to(&self, gate: &ConcurrencyGate) {
        self.gate.get_or_init(|| std::sync::Arc::downgrade(&gate.0));
    }

    /// The gate, as long as somebody may still enter it or waits.
    pub(super) fn gate(&self) -> Option<ConcurrencyGate> {
        self.gate.get()?.upgrade().map(ConcurrencyGate)
    }

    pub(super) fn set_headroom(&self, headroom: Headroom) {
        self.headroom.store(headroom.bits(), Relaxed);
    }

    pub(super) fn load(&self) -> Headcount {
        Headcount::from_bits(self.headcount.load(Acquire))
    }

    /// As it is after all who have come in; who comes in later sees what was written before.
    pub(super) fn load_in_turn(&self) -> Headcount {
        Headcount::from_bits(self.headcount.fetch_or(0, AcqRel))
    }

    /// Counts in one of the usual cost, if that priority has room and nobody contends for it.
    pub(super) fn admit(&self, room: Priority) -> bool {
        let headroom = Headroom::from_bits(self.headroom.load(Relaxed));
        let admit = |count: Headcount| {
            let has_room = count.in_flight() < headroom.open_to(room, count.places());
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

impl fmt::Debug for Count {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("Count").field(&self.load()).finish()
    }
}
