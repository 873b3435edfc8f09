//! What a pool says of itself.

use std::{
    future::Future,
    pin::Pin,
    sync::{Arc, Mutex},
};

use super::Database;
use crate::lock::lock;

/// The connections of a pool at one instant.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[cfg_attr(feature = "serde", derive(serde::Serialize))]
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
type Ask = Arc<dyn Fn() -> Option<PoolSnapshot> + Send + Sync>;

/// Asks the database itself whether it answers, over a connection of the pool.
pub(crate) type Ping = Arc<dyn Fn() -> Pinging + Send + Sync>;
pub(crate) type Pinging = Pin<Box<dyn Future<Output = Result<(), ()>> + Send>>;

/// The pool that a database was told of last.
#[derive(Default)]
pub(super) struct Pools(Mutex<Option<(Ask, Option<Ping>)>>);

impl Database {
    /// Has snapshots show this pool, until it is gone or another takes its place, and open
    /// circuits ask through it.
    #[allow(dead_code, reason = "for the features that know a pool")]
    pub(crate) fn set_pool(
        &self,
        ask: impl Fn() -> Option<PoolSnapshot> + Send + Sync + 'static,
        ping: Option<Ping>,
    ) {
        *lock(&self.0.pools.0) = Some((Arc::new(ask), ping));
    }

    pub(crate) fn pool(&self) -> Option<PoolSnapshot> {
        let ask = lock(&self.0.pools.0).as_ref().map(|(ask, _)| ask.clone())?;
        ask()
    }

    /// How the database can be asked, as long as it is there.
    pub(crate) fn pinged(&self) -> impl Fn() -> Option<Ping> + Send + Sync + use<> {
        let shared = Arc::downgrade(&self.0.0);
        move || lock(&shared.upgrade()?.pools.0).as_ref()?.1.clone()
    }
}
