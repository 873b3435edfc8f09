//! Other quotas while it serves.

use std::sync::{Arc, atomic::Ordering};

use super::{fleet::Sharing, gate::RateGate, limit::RateLimit};
use crate::config::InvalidConfig;

impl RateGate {
    /// Other quotas from now on, while it serves. All clients keep their buckets: the time
    /// that one has yet to go until its bucket is whole again stays as it is, but is at most
    /// that of a whole burst of the quota which now stands in the same place. The bound on
    /// the keys stays as it is, too.
    ///
    /// With settings that do not say `report_only`, the gate is enforced from then on.
    ///
    /// # Errors
    ///
    /// [`InvalidConfig`] as for [`RateLimit::gate`], or if there was a quota for each key
    /// and is none now, or a fleet shared it and does not now, or it
    /// [downgraded](RateLimit::downgrade_to) and does not now, or the other way round. The
    /// gate goes on as it was.
    pub fn reload(&self, limit: RateLimit) -> Result<(), InvalidConfig> {
        let mut settings = limit.settings()?;
        let shared = settings.sharing.is_some();
        let (downgrades, downgraded) = (&settings.downgrade, &self.0.settings.load().downgrade);
        for (setting, value, built) in [
            ("per_key", settings.per_key, self.0.store.is_per_key()),
            ("shared", shared, self.0.leases.is_some()),
            ("downgrade_to", downgrades.is_some(), downgraded.is_some()),
        ] {
            if value != built {
                let allowed = "as it was when the gate was built";
                return Err(InvalidConfig::new(setting, value, allowed));
            }
        }
        let change = |sharing: &Sharing| sharing.change(settings.shape());
        settings.shape = settings.sharing.as_ref().map(change);
        self.0.counts_cost.store(settings.counts_cost(), Ordering::Relaxed);
        self.0.settings.store(Arc::new(settings));
        Ok(())
    }
}

#[cfg(feature = "serde")]
impl RateLimit {
    /// Whether all of it is in range.
    pub(crate) fn check(&self) -> Result<(), InvalidConfig> {
        self.settings().map(drop)
    }

    /// The same, shared with the fleet with which this gate is, if it is.
    pub(crate) fn shared_as(self, gate: &RateGate) -> Self {
        let sharing = gate.0.settings.load().sharing.clone();
        sharing.into_iter().fold(self, Self::shared)
    }
}
