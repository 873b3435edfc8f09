//! One query, and what is made of it.

use std::time::Duration;

use super::stamp::{Stamp, nanos};
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

impl Slow {
    /// Both bounds of a query whose statement takes `alone` seconds, as far as known.
    pub(crate) fn bounds(&self, alone: Option<f64>) -> Bounds {
        Bounds { slow: nanos(self.limit(alone)), lost: nanos(self.patience(alone)) }
    }

    /// How long it may take.
    fn limit(&self, alone: Option<f64>) -> Duration {
        self.by_statement(alone).map_or(self.after, |own| own.min(self.after))
    }

    /// After how long it hangs: what takes long by itself does not.
    fn patience(&self, alone: Option<f64>) -> Duration {
        let thrice = seconds(3.0 * alone.unwrap_or_default()).max(self.after);
        self.by_statement(alone).map_or(self.after, |own| own.min(thrice))
    }

    fn by_statement(&self, alone: Option<f64>) -> Option<Duration> {
        alone.map(|alone| seconds(self.times * alone).max(NEVER_SLOW))
    }
}

/// How long the queries of a statement may take, in nanoseconds, since they are added to a
/// stamp for each of them.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Bounds {
    /// What takes longer is slow.
    pub(crate) slow: u64,
    /// What takes longer hangs.
    pub(crate) lost: u64,
}

fn seconds(seconds: f64) -> Duration {
    Duration::try_from_secs_f64(seconds).unwrap_or(Duration::MAX)
}

/// What takes no longer than this is slow to nobody, however fast its statement is.
const NEVER_SLOW: Duration = Duration::from_millis(100);

/// The statement that is none: the wait for a connection, where it is timed apart.
pub(crate) const WAIT: usize = 1;

/// One query on its way.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Call {
    pub(crate) statement: usize,
    pub(crate) started: Stamp,
    /// From then on it is slow.
    pub(crate) due: Stamp,
    /// From then on it hangs.
    pub(crate) lost: Stamp,
}

impl Call {
    pub(crate) fn new(statement: usize, started: Stamp, bounds: Bounds) -> Self {
        let (due, lost) = (started.after(bounds.slow), started.after(bounds.lost));
        Self { statement, started, due, lost }
    }

    /// The same, as if it had started so much earlier.
    pub(crate) fn earlier(self, time: Duration) -> Self {
        let (started, due, lost) = (self.started - time, self.due - time, self.lost - time);
        Self { started, due, lost, ..self }
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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_takes_long_alone_is_slow_by_the_clock_but_does_not_hang() {
        let slow = Slow::default();
        let both = |alone| {
            let Bounds { slow, lost } = slow.bounds(alone);
            (Duration::from_nanos(slow), Duration::from_nanos(lost))
        };
        let ms = Duration::from_millis;
        assert_eq!(both(None), (ms(1_000), ms(1_000)));
        assert_eq!(both(Some(0.001)), (ms(100), ms(100)));
        assert_eq!(both(Some(0.010)), (ms(200), ms(200)));
        assert_eq!(both(Some(0.200)), (ms(1_000), ms(1_000)));
        assert_eq!(both(Some(60.0)), (ms(1_000), ms(180_000)));
    }
}
