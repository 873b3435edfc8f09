//! Why a circuit or a level changed, with figures, for people.

use std::{fmt, sync::Arc, time::Duration};

/// Why a circuit changed its state, or the level moved. Its text is for people:
///
/// ```
/// use std::time::Duration;
/// use brownout::Cause;
///
/// let cause = Cause::Silence { silence: Duration::from_millis(1_200), in_flight: 8 };
/// assert_eq!(cause.to_string(), "nothing came back for 1.2 s with 8 queries in flight");
/// ```
#[derive(Clone, Debug, PartialEq)]
#[non_exhaustive]
pub enum Cause {
    /// Too many calls were slow or failed.
    BadCalls(BadCalls),
    /// Nothing came back while queries were in flight.
    Silence {
        /// For so long.
        silence: Duration,
        /// Queries in flight.
        in_flight: usize,
    },
    /// Calls are good again, or too few to judge by.
    Calm,
    /// It was open for as long as it was to be.
    Waited {
        /// For so long.
        open: Duration,
    },
    /// Queries from before it opened came back with success: the database answers.
    Answers {
        /// Queries that came back.
        count: u64,
        /// How long it was open.
        open: Duration,
    },
    /// All probes came back in time.
    ProbesPassed {
        /// So many.
        probes: u32,
    },
    /// A probe failed, took too long or did not come back.
    ProbeFailed {
        /// After so long.
        latency: Duration,
    },
    /// None of the answers to the probes said whether the database keeps up.
    ProbesUndecided {
        /// So many.
        probes: u32,
    },
    /// The active probe succeeded, or failed.
    ActiveProbe {
        /// Whether it came back in time.
        passed: bool,
    },
    /// Of a level: so many requests want so many places, on average since a moment ago.
    Wanted {
        /// Requests in flight and waiting, without the bulk.
        wanted: usize,
        /// Places of the limit.
        places: usize,
        /// The share of the requests that was refused for load, from 0 to 1, without the bulk.
        refused: f64,
    },
    /// Of a level: the circuit is open.
    Open,
    /// Somebody forced it.
    Forced,
    /// Somebody released it again.
    Released,
}

impl fmt::Display for Cause {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::BadCalls(calls) => calls.fmt(f),
            Self::Silence { silence, in_flight } => {
                let silence = Rounded(*silence);
                write!(f, "nothing came back for {silence} with {in_flight} queries in flight")
            }
            Self::Calm => f.write_str("calls are good again"),
            Self::Waited { open } => write!(f, "it was open for {}", Rounded(*open)),
            Self::Answers { count, open } => {
                let (queries, open) = (Counted(*count, "query", "queries"), Rounded(*open));
                write!(f, "{queries} came back after it was open for {open}")
            }
            Self::ProbesPassed { probes } => {
                write!(f, "{} came back in time", Counted((*probes).into(), "probe", "probes"))
            }
            Self::ProbeFailed { latency } => {
                write!(f, "a probe failed or was too slow after {}", Rounded(*latency))
            }
            Self::ProbesUndecided { probes } => {
                let probes = Counted((*probes).into(), "probe", "probes");
                write!(f, "{probes} said nothing about the database")
            }
            Self::ActiveProbe { passed: true } => f.write_str("the active probe came back in time"),
            Self::ActiveProbe { passed: false } => f.write_str("the active probe failed"),
            Self::Wanted { wanted, places, refused } => wanted_of(f, *wanted, *places, *refused),
            Self::Open => f.write_str("the circuit is open"),
            Self::Forced => f.write_str("forced"),
            Self::Released => f.write_str("released"),
        }
    }
}

fn wanted_of(
    f: &mut fmt::Formatter<'_>,
    wanted: usize,
    places: usize,
    refused: f64,
) -> fmt::Result {
    let requests = Counted(wanted as u64, "request wants", "requests want");
    write!(f, "{requests} {}", Counted(places as u64, "place", "places"))?;
    match (100.0 * refused).round() {
        0.0 => Ok(()),
        percent => write!(f, ", and {percent} % were refused"),
    }
}

/// Calls of which too many were slow or failed.
#[derive(Clone, Debug, PartialEq)]
#[non_exhaustive]
pub struct BadCalls {
    /// The share of them that was slow or failed, from 0 to 1.
    pub share: f64,
    /// All calls.
    pub calls: u64,
    /// In how long.
    pub span: Duration,
    /// The statement with more than half of the bad calls, if there is one with a name.
    pub worst: Option<WorstStatement>,
}

impl BadCalls {
    pub(crate) fn new(share: f64, calls: u64, span: Duration) -> Self {
        Self { share, calls, span, worst: None }
    }
}

impl fmt::Display for BadCalls {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (percent, span) = (100.0 * self.share, Rounded(self.span));
        write!(f, "{percent:.0} % of {} calls in {span} were slow or failed", self.calls)?;
        let Some(worst) = &self.worst else { return Ok(()) };
        write!(f, "; most of them {worst}")
    }
}

/// The statement with more than half of the bad calls.
#[derive(Clone, Debug, PartialEq)]
#[non_exhaustive]
pub struct WorstStatement {
    /// Its name, or its text without the literals.
    pub name: Arc<str>,
    /// What it took on average where it succeeded. None if it never did.
    pub latency: Option<Duration>,
    /// What it takes when the database has nothing else to do, as far as is known.
    pub alone: Option<Duration>,
}

impl WorstStatement {
    pub(crate) fn new(name: Arc<str>, latency: Option<Duration>, alone: Option<Duration>) -> Self {
        Self { name, latency, alone }
    }
}

impl fmt::Display for WorstStatement {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "`{}`", self.name)?;
        match (self.latency, self.alone) {
            (Some(latency), Some(alone)) => {
                write!(f, ", which takes {} against {} alone", Rounded(latency), Rounded(alone))
            }
            (Some(latency), None) => write!(f, ", which takes {}", Rounded(latency)),
            (None, Some(alone)) => write!(f, ", which takes {} alone", Rounded(alone)),
            (None, None) => Ok(()),
        }
    }
}

/// A duration as people say it: `0.4 ms`, `12 ms`, `1.2 s`, `3 s`.
struct Rounded(Duration);

impl fmt::Display for Rounded {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let milliseconds = 1e3 * self.0.as_secs_f64();
        let (value, unit) = match milliseconds {
            less if less < 999.5 => (less, "ms"),
            more => (more / 1e3, "s"),
        };
        let tenths = (10.0 * value).round() / 10.0;
        if value < 9.95 && tenths.fract() != 0.0 {
            write!(f, "{tenths:.1} {unit}")
        } else {
            write!(f, "{value:.0} {unit}")
        }
    }
}

/// A number of things.
struct Counted(u64, &'static str, &'static str);

impl fmt::Display for Counted {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self(count, one, many) = self;
        write!(f, "{count} {}", if *count == 1 { one } else { many })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const MS: Duration = Duration::from_millis(1);

    #[test]
    fn a_cause_tells_its_figures() {
        let worst = WorstStatement::new("orders.select".into(), Some(840 * MS), Some(12 * MS));
        let calls = BadCalls::new(0.7083, 240, 3_000 * MS);
        let text = Cause::BadCalls(BadCalls { worst: Some(worst), ..calls }).to_string();
        assert_eq!(
            text,
            "71 % of 240 calls in 3 s were slow or failed; \
             most of them `orders.select`, which takes 840 ms against 12 ms alone"
        );
    }

    #[test]
    fn a_statement_that_never_succeeded_is_told_by_its_name() {
        let worst = WorstStatement::new("orders.select".into(), None, None);
        let calls = BadCalls { worst: Some(worst), ..BadCalls::new(1.0, 12, 1_200 * MS) };
        let text = "100 % of 12 calls in 1.2 s were slow or failed; most of them `orders.select`";
        assert_eq!(calls.to_string(), text);
    }

    #[test]
    fn what_is_wanted_is_told_with_those_who_were_refused() {
        let text = |wanted, places, refused| {
            let wanted = Cause::Wanted { wanted, places, refused };
            wanted.to_string()
        };
        assert_eq!(text(14, 10, 0.0), "14 requests want 10 places");
        assert_eq!(text(1, 1, 0.352), "1 request wants 1 place, and 35 % were refused");
    }

    #[test]
    fn one_is_no_plural() {
        let text = |probes| Cause::ProbesPassed { probes }.to_string();
        assert_eq!(
            (text(1), text(3)),
            ("1 probe came back in time".to_owned(), "3 probes came back in time".to_owned())
        );
    }

    #[test]
    fn durations_are_rounded_as_people_do() {
        let text = |micros| Rounded(Duration::from_micros(micros)).to_string();
        let said = [420, 9_960, 12_345, 999_400, 999_600, 1_249_000, 75_000_000].map(text);
        assert_eq!(said, ["0.4 ms", "10 ms", "12 ms", "999 ms", "1 s", "1.2 s", "75 s"]);
    }
}
