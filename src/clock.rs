//! The only clock of the crate.
//!
//! It is tokio's, so that in tests under paused time every gate moves with the test.

use std::time::{Duration, Instant, SystemTime};

use crate::control::stamp::Stamp;

/// The time now.
pub(crate) fn now() -> Instant {
    tokio::time::Instant::now().into_std()
}

/// The same, as one number.
pub(crate) fn stamp() -> Stamp {
    Stamp::of(now())
}

/// The time since the Unix epoch, by the wall clock; zero where that is before it.
pub(crate) fn wall() -> Duration {
    SystemTime::now().duration_since(SystemTime::UNIX_EPOCH).unwrap_or_default()
}
