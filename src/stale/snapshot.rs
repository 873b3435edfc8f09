//! What a layer keeps, and what it has served.

use std::sync::atomic::{AtomicU64, Ordering::Relaxed};

use super::{
    said::{Said, Trouble},
    store::Store,
};

/// What a [`StaleLayer`](super::StaleLayer) keeps now, and what it has served so far.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub struct StaleSnapshot {
    /// Pages of which an answer is kept, each of which may have variants.
    pub pages: usize,
    /// Bytes that they take, about.
    pub bytes: u64,
    /// Answers that were kept, those included that were given up since.
    pub kept: u64,
    /// Answers that were served since the request was refused.
    pub refused: u64,
    /// Answers that were served in the place of a 500, 502, 503 or 504.
    pub overloaded: u64,
    /// Answers that were served in the place of an error of the service.
    pub failed: u64,
    /// Answers that were served since the service took too long.
    pub late: u64,
    /// Fresh answers that were served without asking.
    pub fresh: u64,
    /// Answers that were served while they were asked for anew.
    pub revalidating: u64,
    /// Answers that were made for another request at the same time.
    pub coalesced: u64,
}

/// Counts them.
#[derive(Debug, Default)]
pub(super) struct Tally {
    kept: AtomicU64,
    refused: AtomicU64,
    overloaded: AtomicU64,
    failed: AtomicU64,
    late: AtomicU64,
    fresh: AtomicU64,
    revalidating: AtomicU64,
    coalesced: AtomicU64,
}

impl Tally {
    pub(super) fn keep(&self) {
        self.kept.fetch_add(1, Relaxed);
    }

    pub(super) fn serve(&self, said: Said) {
        let count = match said {
            Said::Fresh => &self.fresh,
            Said::Bridging => &self.revalidating,
            Said::Shared { .. } => &self.coalesced,
            Said::StandingIn(Trouble::Refused(_)) => &self.refused,
            Said::StandingIn(Trouble::Status(_)) => &self.overloaded,
            Said::StandingIn(Trouble::Failed) => &self.failed,
            Said::StandingIn(Trouble::Late) => &self.late,
        };
        count.fetch_add(1, Relaxed);
    }

    pub(super) fn snapshot(&self, store: &Store) -> StaleSnapshot {
        StaleSnapshot {
            pages: store.len(),
            bytes: store.bytes(),
            kept: self.kept.load(Relaxed),
            refused: self.refused.load(Relaxed),
            overloaded: self.overloaded.load(Relaxed),
            failed: self.failed.load(Relaxed),
            late: self.late.load(Relaxed),
            fresh: self.fresh.load(Relaxed),
            revalidating: self.revalidating.load(Relaxed),
            coalesced: self.coalesced.load(Relaxed),
        }
    }
}
