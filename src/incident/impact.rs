//! Who felt an incident, and how far the limits went.

use std::{collections::BTreeMap, sync::Arc};

use crate::{class::Priority, gate::Snapshot, rejection::Reason};

/// What was decided on requests of one priority during an incident.
#[derive(Clone, Debug, PartialEq, Eq)]
#[cfg_attr(feature = "serde", derive(serde::Serialize))]
#[non_exhaustive]
pub struct Impact {
    /// Whose.
    #[cfg_attr(feature = "serde", serde(serialize_with = "crate::serial::display"))]
    pub priority: Priority,
    /// Requests that were admitted.
    pub admitted: u64,
    /// Requests that were refused, by reason. Reasons without any are left out.
    pub refused: BTreeMap<&'static str, u64>,
    /// Requests that would have been refused for load if gates had not
    /// [only reported](crate::AdmissionBuilder::report_only). They are among those admitted.
    pub would_refuse: u64,
}

/// How far a limit went down.
#[derive(Clone, Debug, PartialEq)]
#[cfg_attr(feature = "serde", derive(serde::Serialize))]
#[non_exhaustive]
pub struct LowestLimit {
    /// Of which database.
    #[cfg_attr(feature = "serde", serde(serialize_with = "crate::serial::text"))]
    pub database: Arc<str>,
    /// The limit when it began, in requests in flight at once.
    pub before: usize,
    /// The lowest meanwhile.
    pub lowest: usize,
}

impl Impact {
    /// What was decided on requests of one priority between two snapshots.
    pub(super) fn between(before: &Snapshot, now: &Snapshot, priority: Priority) -> Self {
        let refused = |reason: Reason| {
            let of = |snapshot: &Snapshot| snapshot.refused_of(priority, reason);
            (reason.as_str(), of(now).saturating_sub(of(before)))
        };
        let would_refuse = would_refuse_for_load(now, priority);
        Self {
            priority,
            admitted: now.admitted_of(priority).saturating_sub(before.admitted_of(priority)),
            refused: Reason::ALL.map(refused).into_iter().filter(|(_, count)| *count > 0).collect(),
            would_refuse: would_refuse.saturating_sub(would_refuse_for_load(before, priority)),
        }
    }

    /// Requests that were refused, for whatever reason.
    #[must_use]
    pub fn refused(&self) -> u64 {
        self.refused.values().sum()
    }

    /// Those of them that were refused for load or by a circuit.
    #[must_use]
    pub fn refused_for_load(&self) -> u64 {
        FOR_LOAD.iter().filter_map(|reason| self.refused.get(reason.as_str())).sum()
    }

    /// The share that was refused for load, 0 to 1.
    #[must_use]
    pub fn share(&self) -> f64 {
        let all = self.admitted + self.refused();
        self.refused_for_load() as f64 / all.max(1) as f64
    }
}

/// Requests that were refused for load so far, of all priorities.
pub(super) fn refused_for_load(snapshot: &Snapshot) -> u64 {
    FOR_LOAD.into_iter().map(|reason| snapshot.refused(reason)).sum()
}

/// Those that would have been.
pub(super) fn would_refuse_any_for_load(snapshot: &Snapshot) -> u64 {
    let of = |priority| would_refuse_for_load(snapshot, priority);
    Priority::ALL.into_iter().map(of).sum()
}

fn would_refuse_for_load(snapshot: &Snapshot, priority: Priority) -> u64 {
    let of = |reason| snapshot.would_refuse_of(priority, reason);
    FOR_LOAD.into_iter().map(of).sum()
}

/// Not for what the client did, and not for being late.
const FOR_LOAD: [Reason; 4] =
    [Reason::CircuitOpen, Reason::QueueFull, Reason::QueueTimeout, Reason::Evicted];
