//! Where the buckets live: one for all, and a bounded number by key.

use std::fmt;

use governor::state::InMemoryState;

use super::{clients::Clients, quotas::Set, spend::Bucket};
use crate::class::Key;

/// The buckets behind a rate gate.
pub(super) struct Store {
    /// For requests without a key.
    nobody: [InMemoryState; Set::MOST],
    keys: Option<Clients>,
}

impl Store {
    pub(super) fn one() -> Self {
        Self { nobody: Default::default(), keys: None }
    }

    pub(super) fn per_key(max_keys: usize, quotas: usize) -> Self {
        Self { nobody: Default::default(), keys: Some(Clients::at_most(max_keys, quotas)) }
    }

    pub(super) fn is_per_key(&self) -> bool {
        self.keys.is_some()
    }

    /// How many keys are remembered.
    pub(super) fn len(&self) -> usize {
        self.keys.as_ref().map_or(0, Clients::len)
    }

    /// Shows the bucket of `key`, with a place for so many quotas.
    #[inline]
    pub(super) fn visit<T>(
        &self,
        key: Option<Key>,
        quotas: usize,
        visit: impl FnOnce(Bucket<'_>) -> T,
    ) -> T {
        match (&self.keys, key) {
            (Some(keys), Some(key)) => keys.visit(key, quotas, visit),
            _ => visit(Bucket::Shared(&self.nobody)),
        }
    }

    /// The same, if the key is remembered.
    pub(super) fn visit_known(
        &self,
        key: Option<Key>,
        quotas: usize,
        visit: impl FnOnce(Bucket<'_>),
    ) {
        match (&self.keys, key) {
            (Some(keys), Some(key)) => keys.visit_known(key, quotas, visit),
            _ => visit(Bucket::Shared(&self.nobody)),
        }
    }
}

impl fmt::Debug for Store {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Store").field("keys", &self.len()).finish_non_exhaustive()
    }
}
