//! How a client stands with its quotas.

use std::{sync::Arc, time::Duration};

/// One of the quotas that hold for a request, as it is told to clients.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Policy {
    /// What it is called, in printable ASCII without `"` and `\\`.
    pub name: Arc<str>,
    /// So many cells a [`period`](Self::period).
    pub cells: u32,
    /// In which they come back, evenly.
    pub period: Duration,
    /// How many may be spent at once after a pause.
    pub burst: u32,
}

/// How a client stands with that of its quotas which has the fewest cells left.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Standing {
    policies: Arc<[Policy]>,
    full_after: Duration,
    remaining: u32,
    tightest: u8,
}

impl Standing {
    pub(crate) fn new(
        policies: Arc<[Policy]>,
        tightest: usize,
        remaining: u32,
        full_after: Duration,
    ) -> Self {
        // There are four at most.
        Self { policies, full_after, remaining, tightest: tightest as u8 }
    }

    /// All quotas that hold for the request.
    #[must_use]
    pub fn policies(&self) -> &[Policy] {
        &self.policies
    }

    /// The one with the fewest cells left, or the one that refused.
    #[must_use]
    pub fn policy(&self) -> &Policy {
        &self.policies[usize::from(self.tightest)]
    }

    /// How many cells of it are left, in whole cells.
    #[must_use]
    pub fn remaining(&self) -> u32 {
        self.remaining
    }

    /// In what time all of its burst is there again, if nothing is spent.
    #[must_use]
    pub fn full_after(&self) -> Duration {
        self.full_after
    }
}

#[cfg(feature = "http")]
impl Standing {
    /// The policies, to be recognised.
    pub(crate) fn shared(&self) -> &Arc<[Policy]> {
        &self.policies
    }
}
