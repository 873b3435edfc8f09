//! What happened last night: transitions and refusals, turned into incidents.
//!
//! Nothing has to be turned on. An [`Admission`](crate::Admission) remembers its last
//! [`Incident`]s, each with when it was, what tripped first, who was refused, and what the
//! database said meanwhile, and drafts a postmortem of it.
//!
//! That is looked at once a second, by whoever comes by. It is bounded, whatever happens: 20
//! incidents of 60 transitions, at 136 bytes each, and of 5 statements of each database.

mod evidence;
mod impact;
mod moment;
mod postmortem;
mod recorder;
mod watcher;

use std::{fmt, sync::Arc, time::Duration};

pub use evidence::Evidence;
pub use impact::{Impact, LowestLimit};
pub(crate) use watcher::Watcher;

use crate::journal::Transition;

/// A time in which requests were refused for load, more than a quarter of what is optional was
/// left out, or a circuit was not closed; with pauses of less than ten seconds in it. One second
/// of the first two alone is none. Where gates only report, what they would do makes one, too.
///
/// Its `Display` is a line, [`to_markdown`](Self::to_markdown) a draft of its postmortem, and
/// serde (feature `serde`) makes an object of it, in which all durations are seconds.
#[derive(Clone, Debug, PartialEq)]
#[cfg_attr(feature = "serde", derive(serde::Serialize))]
#[non_exhaustive]
pub struct Incident {
    /// When it began, as time since the Unix epoch.
    #[cfg_attr(feature = "serde", serde(serialize_with = "crate::serial::seconds"))]
    pub start: Duration,
    /// When it was over, likewise. `None` while it lasts.
    #[cfg_attr(feature = "serde", serde(serialize_with = "crate::serial::maybe_seconds"))]
    pub end: Option<Duration>,
    /// What was seen first, as a line.
    pub first: String,
    /// The database that it was about, if that is known.
    #[cfg_attr(feature = "serde", serde(serialize_with = "crate::serial::maybe_text"))]
    pub database: Option<Arc<str>>,
    /// The statement that it was about, if one stood out.
    #[cfg_attr(feature = "serde", serde(serialize_with = "crate::serial::maybe_text"))]
    pub statement: Option<Arc<str>>,
    /// What was decided on requests meanwhile, by priority, the most important first.
    pub impact: Vec<Impact>,
    /// Whether all gates [only reported](crate::AdmissionBuilder::report_only), as far as it was
    /// seen last: what it says was done would have been.
    pub report_only: bool,
    /// The most that was left out of what is optional, from 0 to 1.
    pub worst_level: f64,
    /// How far the limits went down, by database.
    pub lowest_limits: Vec<LowestLimit>,
    /// How long after a database was last asked for more than it could do it was over.
    /// `None` while it lasts, and if no database ever was.
    #[cfg_attr(feature = "serde", serde(serialize_with = "crate::serial::maybe_seconds"))]
    pub recovery: Option<Duration>,
    /// What the databases said, shortly after it began.
    pub evidence: Vec<Evidence>,
    /// What changed meanwhile, the oldest first: the first 60 transitions.
    pub timeline: Vec<Transition>,
    /// Transitions beyond those.
    pub omitted: u64,
}

impl Incident {
    /// How long it lasted; up to now, if it still does.
    #[must_use]
    pub fn duration(&self, now: Duration) -> Duration {
        self.end.unwrap_or(now).saturating_sub(self.start)
    }

    /// Requests that were refused for load, of whatever priority.
    #[must_use]
    pub fn refused(&self) -> u64 {
        self.impact.iter().map(Impact::refused_for_load).sum()
    }

    /// Requests that would have been, had gates not only reported.
    #[must_use]
    pub fn would_refuse(&self) -> u64 {
        self.impact.iter().map(|own| own.would_refuse).sum()
    }
}

impl fmt::Display for Incident {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let start = humantime::format_rfc3339_seconds(postmortem::moment(self.start));
        write!(f, "{start}: {}", self.first)?;
        match self.end {
            Some(end) => write!(f, "; over after {:.0?}", end.saturating_sub(self.start))?,
            None => f.write_str("; it lasts")?,
        }
        write!(f, "; {} refused for load", self.refused())?;
        match self.would_refuse() {
            0 => Ok(()),
            more => write!(f, ", {more} more if the gates did not only report"),
        }
    }
}
