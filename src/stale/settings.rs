//! What a layer is told.

use std::time::Duration;

use super::personal::Personal;

/// The settings of a layer, with their defaults.
#[derive(Clone, Debug)]
pub(super) struct Settings {
    pub(super) fresh: bool,
    pub(super) coalesce: bool,
    pub(super) over_quota: bool,
    pub(super) over_fallback: bool,
    pub(super) within: Option<Duration>,
    pub(super) max_stale: Duration,
    pub(super) max_bytes: u64,
    pub(super) max_body: usize,
    pub(super) max_variants: usize,
    pub(super) personal: Personal,
}

impl Default for Settings {
    fn default() -> Self {
        Self {
            fresh: false,
            coalesce: false,
            over_quota: false,
            over_fallback: false,
            within: None,
            max_stale: Duration::from_secs(3600),
            max_bytes: 64 * 1024 * 1024,
            max_body: 256 * 1024,
            max_variants: 8,
            personal: Personal::default(),
        }
    }
}
