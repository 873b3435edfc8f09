//! The only clock of the crate.
//!
//! It is tokio's, so that in tests under paused time every gate moves with the test.

use std::time::Instant;

/// The time now.
pub(crate) fn now() -> Instant {
    tokio::time::Instant::now().into_std()
}
