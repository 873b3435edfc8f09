//! What was heard of many requests, counted as it comes.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use super::client::Heard;

/// Counters. Clones are the same ones.
#[derive(Clone, Debug, Default)]
pub(crate) struct Tally(Arc<Counters>);

#[derive(Debug, Default)]
struct Counters {
    served: AtomicU64,
    refused: AtomicU64,
    /// Without a word of when to come again.
    curt: AtomicU64,
    failed: AtomicU64,
    lost: AtomicU64,
    /// The longest by which the sender was late, in microseconds.
    late: AtomicU64,
}

impl Tally {
    pub(crate) fn note(&self, heard: Heard) {
        let Counters { served, refused, curt, failed, lost, .. } = &*self.0;
        if heard == (Heard::Refused { told_when: false }) {
            curt.fetch_add(1, Ordering::Relaxed);
        }
        let counter = match heard {
            Heard::Served => served,
            Heard::Refused { .. } => refused,
            Heard::Failed(_) => failed,
            Heard::Nothing => lost,
        };
        counter.fetch_add(1, Ordering::Relaxed);
    }

    pub(crate) fn note_late(&self, by: Duration) {
        self.0.late.fetch_max(by.as_micros() as u64, Ordering::Relaxed);
    }

    pub(crate) fn served(&self) -> u64 {
        self.0.served.load(Ordering::Relaxed)
    }

    pub(crate) fn refused(&self) -> u64 {
        self.0.refused.load(Ordering::Relaxed)
    }

    pub(crate) fn curt(&self) -> u64 {
        self.0.curt.load(Ordering::Relaxed)
    }

    pub(crate) fn failed(&self) -> u64 {
        self.0.failed.load(Ordering::Relaxed)
    }

    pub(crate) fn lost(&self) -> u64 {
        self.0.lost.load(Ordering::Relaxed)
    }

    pub(crate) fn all(&self) -> u64 {
        self.served() + self.refused() + self.failed() + self.lost()
    }

    /// Per cent that were served; of nothing, all.
    pub(crate) fn share(&self) -> f64 {
        match self.all() {
            0 => 100.0,
            all => 100.0 * self.served() as f64 / all as f64,
        }
    }

    pub(crate) fn late(&self) -> Duration {
        Duration::from_micros(self.0.late.load(Ordering::Relaxed))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_is_counted_once_and_the_curt_among_the_refused() {
        let tally = Tally::default();
        assert_eq!(tally.share(), 100.0);
        let refused = |told_when| Heard::Refused { told_when };
        for heard in [Heard::Served, refused(true), refused(false), Heard::Failed(500)] {
            tally.note(heard);
        }
        tally.clone().note(Heard::Nothing);
        assert_eq!((tally.served(), tally.refused(), tally.curt()), (1, 2, 1));
        assert_eq!((tally.failed(), tally.lost(), tally.all()), (1, 1, 5));
        assert_eq!(tally.share(), 20.0);
    }
}
