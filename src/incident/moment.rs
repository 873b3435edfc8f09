//! What is looked at once a second.

use std::{sync::Arc, time::Duration};

use super::impact::{refused_for_load, would_refuse_any_for_load};
use crate::{event::Circuit, gate::Snapshot};

/// How a service does at one moment.
#[derive(Clone, Debug, Default)]
pub(super) struct Moment {
    /// As time since the Unix epoch, for people: that clock may be put back or forward.
    pub(super) at: Duration,
    /// As time since the first look was possible, by which all spans go.
    pub(super) since: Duration,
    pub(super) snapshot: Snapshot,
    /// How much of what is optional is left out, from 0 to 1.
    pub(super) left_out: f64,
    /// Names of those that are asked for more than they can do.
    pub(super) saturated: Vec<Arc<str>>,
}

impl Moment {
    /// When somebody felt it last, if anybody has since the moment before.
    pub(super) fn bad_at(&self, before: &Self) -> Option<Duration> {
        if self.has_tripped() || self.leaves_out_much() {
            return Some(self.since);
        }
        // Whoever comes by looks, if it is time. So after that, nobody came.
        let was_felt = self.has_refused_since(before) || self.would_have_refused_since(before);
        was_felt.then(|| self.since.min(before.since + EVERY))
    }

    pub(super) fn has_refused_since(&self, before: &Self) -> bool {
        refused_for_load(&self.snapshot) > refused_for_load(&before.snapshot)
    }

    /// Somebody would have been refused if gates did not only report.
    pub(super) fn would_have_refused_since(&self, before: &Self) -> bool {
        would_refuse_any_for_load(&self.snapshot) > would_refuse_any_for_load(&before.snapshot)
    }

    pub(super) fn leaves_out_much(&self) -> bool {
        self.left_out > MUCH
    }

    /// Whether a circuit is not closed, that of a database or of a route, and somebody is refused
    /// for it, or would be if all gates did not only report.
    pub(super) fn has_tripped(&self) -> bool {
        self.tripped().is_some()
    }

    /// The database of which a circuit is not closed.
    pub(super) fn tripped(&self) -> Option<&Arc<str>> {
        let Snapshot { databases, report_only, .. } = &self.snapshot;
        let mut felt = databases.iter().filter(|own| *report_only || !own.report_only);
        let ill = felt.find(|own| own.circuit != Circuit::Closed || !own.routes.is_empty());
        ill.map(|own| &own.name)
    }

    /// The database with the most who wait, if somebody does.
    pub(super) fn most_wanted(&self) -> Option<&Arc<str>> {
        let waiting = self.snapshot.databases.iter().filter(|own| own.waiting > 0);
        waiting.max_by_key(|own| own.waiting).map(|own| &own.name)
    }
}

/// How often is looked.
pub(super) const EVERY: Duration = Duration::from_secs(1);

/// Where more is left out than this, it is enough to be called an incident.
const MUCH: f64 = 0.25;
