//! All that is to be seen of a service at one instant.

mod database;
mod sentence;

use std::{collections::BTreeMap, fmt, time::Duration};

pub use database::{DatabaseOverview, IllRoute};

use crate::{
    admission::Admission,
    brownout,
    class::Priority,
    clock,
    gate::{RateSnapshot, Snapshot},
    incident::Incident,
    journal::Transition,
    rejection::Reason,
};

/// All that is to be seen of a service at one instant: what the console shows, and what goes
/// into a postmortem. Its `Display` is its sentence; serde (feature `serde`) makes an object
/// of it, in which all durations are seconds.
///
/// ```
/// # let db = brownout::Database::new("shop");
/// # let admission = brownout::Admission::builder().protect(&db).build()?;
/// assert_eq!(admission.overview().sentence, "All is well.");
/// # Ok::<(), brownout::InvalidConfig>(())
/// ```
#[derive(Clone, Debug, PartialEq)]
#[cfg_attr(feature = "serde", derive(serde::Serialize))]
#[non_exhaustive]
pub struct Overview {
    /// When, as time since the Unix epoch.
    #[cfg_attr(feature = "serde", serde(serialize_with = "crate::serial::seconds"))]
    pub at: Duration,
    /// How the service does.
    pub health: Health,
    /// Whether anything is degraded, and why.
    pub sentence: String,
    /// How much of what is optional is to be left out, from 0 to 1.
    pub level: f64,
    /// Whether all gates [only report](crate::AdmissionBuilder::report_only).
    pub report_only: bool,
    /// Whether it [drains](Admission::drain), and admits nobody new.
    pub draining: bool,
    /// One for each that is protected.
    pub databases: Vec<DatabaseOverview>,
    /// What was decided so far, by priority, the most important first.
    pub decisions: Vec<Decisions>,
    /// The quotas, if there are any.
    pub rate: Option<RateSnapshot>,
    /// What changed last, the oldest first.
    pub transitions: Vec<Transition>,
    /// The last incidents, the oldest first: 5 at most. The last may still last.
    pub incidents: Vec<Incident>,
}

/// How a service does.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
#[cfg_attr(feature = "serde", derive(serde::Serialize))]
#[cfg_attr(feature = "serde", serde(rename_all = "snake_case"))]
#[non_exhaustive]
pub enum Health {
    /// Nobody is refused for load, but in a second here and there, and nothing is left out; also
    /// where a circuit that [only reports](crate::CircuitBreaker::report_only) is open.
    #[default]
    Well,
    /// Something is left out, or somebody is refused, now or a moment ago; or would be, where all
    /// gates [only report](crate::AdmissionBuilder::report_only).
    Degraded,
    /// The circuit of a database is open, or would be, likewise.
    Down,
}

/// What was decided on requests of one priority so far, without the exempt.
#[derive(Clone, Debug, PartialEq, Eq)]
#[cfg_attr(feature = "serde", derive(serde::Serialize))]
#[non_exhaustive]
pub struct Decisions {
    /// Whose.
    #[cfg_attr(feature = "serde", serde(serialize_with = "crate::serial::display"))]
    pub priority: Priority,
    /// Requests admitted.
    pub admitted: u64,
    /// Requests refused, by reason. Reasons without any are left out.
    pub refused: BTreeMap<&'static str, u64>,
    /// Those of the admitted that would have been refused, were all gates enforced, likewise.
    pub would_refuse: BTreeMap<&'static str, u64>,
}

impl Admission {
    /// All that is to be seen at one instant. Takes up to a millisecond for each database; for
    /// people and their tools, not for every request.
    #[must_use]
    pub fn overview(&self) -> Overview {
        // First, since it has databases that nobody asks any more tell how they are.
        let mut incidents = self.incidents();
        let snapshot = self.snapshot();
        let databases = database::overviews(self, &snapshot);
        let transitions = self.transitions();
        incidents.drain(..incidents.len().saturating_sub(INCIDENTS));
        let at = clock::wall();
        let lasts = incidents.last().filter(|incident| incident.end.is_none());
        let report_only = snapshot.report_only;
        let left_out = brownout::left_out(snapshot.level);
        let (health, sentence) = sentence::of(at, &databases, left_out, lasts, report_only);
        let draining = snapshot.draining;
        let sentence = if draining { sentence::of_drain(&sentence) } else { sentence };
        Overview {
            at,
            health,
            sentence,
            level: snapshot.level,
            report_only,
            draining,
            decisions: Decisions::all(&snapshot),
            rate: snapshot.rate,
            databases,
            transitions,
            incidents,
        }
    }
}

impl fmt::Display for Overview {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.sentence)
    }
}

impl Decisions {
    /// By priority, the most important first.
    pub(crate) fn all(snapshot: &Snapshot) -> Vec<Self> {
        Priority::ALL.map(|priority| Self::of(snapshot, priority)).into()
    }

    fn of(snapshot: &Snapshot, priority: Priority) -> Self {
        Self {
            priority,
            admitted: snapshot.admitted_of(priority),
            refused: by_reason(|reason| snapshot.refused_of(priority, reason)),
            would_refuse: by_reason(|reason| snapshot.would_refuse_of(priority, reason)),
        }
    }
}

fn by_reason(count: impl Fn(Reason) -> u64) -> BTreeMap<&'static str, u64> {
    let counts = Reason::ALL.into_iter().map(|reason| (reason.as_str(), count(reason)));
    counts.filter(|(_, count)| *count > 0).collect()
}

/// Incidents that are told.
const INCIDENTS: usize = 5;
