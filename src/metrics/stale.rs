//! Kept answers that were handed in.

use super::{Metrics, table};
use crate::stale::StaleSnapshot;

impl Metrics {
    /// Records what this layer keeps and serves, too, under a name that no other has.
    ///
    /// ```
    /// use brownout::StaleLayer;
    ///
    /// # let admission = brownout::Admission::builder().build()?;
    /// let layer = StaleLayer::new();
    /// let seen = layer.clone();
    /// let metrics = admission.metrics().stale("pages", move || seen.snapshot());
    /// # let _ = (metrics, layer);
    /// # Ok::<(), brownout::InvalidConfig>(())
    /// ```
    #[must_use]
    pub fn stale(
        self,
        name: impl Into<String>,
        snapshot: impl Fn() -> StaleSnapshot + Send + Sync + 'static,
    ) -> Self {
        let name = name.into();
        self.and(move || record(&name, &snapshot()))
    }
}

fn record(name: &str, snapshot: &StaleSnapshot) {
    for (reason, answers) in [
        ("refused", snapshot.refused),
        ("overloaded", snapshot.overloaded),
        ("failed", snapshot.failed),
        ("late", snapshot.late),
        ("fresh", snapshot.fresh),
        ("revalidating", snapshot.revalidating),
        ("coalesced", snapshot.coalesced),
    ] {
        table::STALE_ANSWERS.count([name, reason], answers);
    }
    table::STALE_KEPT.count([name], snapshot.kept);
    table::STALE_PAGES.set([name], snapshot.pages as f64);
    table::STALE_SIZE.set([name], snapshot.bytes as f64);
}
