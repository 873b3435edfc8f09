//! What a pool says of itself.

use std::sync::Mutex;

use super::Database;
use crate::lock::lock;

/// The connections of a pool at one instant.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct PoolSnapshot {
    /// As many as it may have.
    pub max: u32,
    /// As many as it has, those in use and those that are idle.
    pub size: u32,
    /// Those of them that are idle.
    pub idle: u32,
}

impl PoolSnapshot {
    #[allow(dead_code, reason = "for the features that know a pool")]
    pub(crate) fn new(max: u32, size: u32, idle: u32) -> Self {
        Self { max, size, idle }
    }
}

/// Asks a pool, unless that is gone.
type Ask = Box<dyn Fn() -> Option<PoolSnapshot> + Send + Sync>;

/// The pool that a database was told of last.
#[derive(Default)]
pub(super) struct Pools(Mutex<Option<Ask>>);

impl Pools {
    pub(super) fn snapshot(&self) -> Option<PoolSnapshot> {
        lock(&self.0).as_ref().and_then(|ask| ask())
    }
}

impl Database {
    /// Has snapshots show this pool, until it is gone or another takes its place.
    #[allow(dead_code, reason = "for the features that know a pool")]
    pub(crate) fn set_pool(&self, ask: impl Fn() -> Option<PoolSnapshot> + Send + Sync + 'static) {
        *lock(&self.pools().0) = Some(Box::new(ask));
    }
}
