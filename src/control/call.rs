//! One query, and what is made of it.

use std::time::{Duration, Instant};

use crate::outcome::Outcome;

/// From when on a query is slow.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Slow {
    /// Whatever its statement.
    pub(crate) after: Duration,
    /// After so many times what its statement takes alone, if that is known.
    pub(crate) times: f64,
}

impl Default for Slow {
    fn default() -> Self {
        Self { after: Duration::from_secs(1), times: 20.0 }
    }
}

/// One query on its way.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Call {
    pub(crate) statement: usize,
    pub(crate) started: Instant,
    /// From then on it is slow.
    pub(crate) due: Instant,
}

impl Call {
    /// The same, as if it had started so much earlier.
    pub(crate) fn earlier(self, time: Duration) -> Self {
        let Some(started) = self.started.checked_sub(time) else { return self };
        Self { started, due: started + (self.due - self.started), ..self }
    }
}

/// What a query that is over says about the load.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Verdict {
    Good,
    Slow,
    Overload,
    /// Given up before it was slow.
    Nothing,
}

impl Verdict {
    pub(crate) fn of(outcome: Outcome, late: bool) -> Self {
        match outcome {
            Outcome::Overload => Self::Overload,
            Outcome::Success | Outcome::Ignore if late => Self::Slow,
            Outcome::Success | Outcome::Ignore => Self::Good,
        }
    }

    pub(crate) fn is_bad(self) -> bool {
        matches!(self, Self::Slow | Self::Overload)
    }
}
