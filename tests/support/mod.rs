//! What several test files share.

#![allow(dead_code, reason = "each test file uses a part of it")]

pub(crate) mod careful;
pub(crate) mod chunks;
pub(crate) mod controlled;
#[cfg(feature = "http")]
pub(crate) mod export;
pub(crate) mod fleet;
#[cfg(feature = "stale")]
pub(crate) mod origin;
pub(crate) mod reserving;
pub(crate) mod room;
pub(crate) mod slow_database;
pub(crate) mod tcp;

use std::{future::Future, time::Duration};

pub(crate) const MS: Duration = Duration::from_millis(1);
pub(crate) const SECOND: Duration = Duration::from_secs(1);

/// For tests in real time: a promise that is broken by waiting for ever fails.
pub(crate) async fn within_a_minute<T>(future: impl Future<Output = T>) -> T {
    tokio::time::timeout(60 * SECOND, future).await.expect("it hangs")
}

/// On paused time, for tests of properties.
pub(crate) fn on_paused_time<T>(future: impl Future<Output = T>) -> T {
    let mut runtime = tokio::runtime::Builder::new_current_thread();
    let runtime = runtime.enable_time().start_paused(true).build();
    runtime.expect("a runtime is to be had").block_on(future)
}
