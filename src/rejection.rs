//! The one thing that a refused caller gets, whichever gate said no.

use std::{error::Error, fmt, time::Duration};

/// A refusal: why, and when to come back.
///
/// It is an [`Error`], so that a Tower service with `Error = BoxError` takes it as it is
/// and a caller can downcast to it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Rejection {
    reason: Reason,
    retry_after: Duration,
}

impl Rejection {
    /// A refusal for `reason`, to be tried again after `retry_after` at the earliest.
    #[must_use]
    pub fn new(reason: Reason, retry_after: Duration) -> Self {
        Self { reason, retry_after }
    }

    /// Which gate refused, and why.
    #[must_use]
    pub fn reason(&self) -> Reason {
        self.reason
    }

    /// The exact time after which a new try makes sense. For a quota it is when the
    /// next cell is free, for an open circuit when it lets probes through; for load it
    /// is one second, since nobody knows.
    #[must_use]
    pub fn retry_after(&self) -> Duration {
        self.retry_after
    }
}

impl fmt::Display for Rejection {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "refused: {}; retry after {:?}", self.reason.explain(), self.retry_after)
    }
}

impl Error for Rejection {}

/// Why a request was refused.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum Reason {
    /// The quota is used up.
    Quota,
    /// The circuit is open or half-open, since the database does not answer, or it is
    /// dimmed, since much of what it answers is too slow or fails.
    CircuitOpen,
    /// The limit was reached and the queue held nobody less important.
    QueueFull,
    /// It waited in the queue for as long as a request may.
    QueueTimeout,
    /// It waited, and its place went to a more important or cheaper request, to a client
    /// with fewer requests that wait, or in a long overload to a newer one.
    Evicted,
    /// Its deadline had passed, or was too near to wait any longer.
    Deadline,
}

impl Reason {
    /// All reasons, in the order of the gates.
    pub const ALL: [Self; 6] = [
        Self::Quota,
        Self::CircuitOpen,
        Self::QueueFull,
        Self::QueueTimeout,
        Self::Evicted,
        Self::Deadline,
    ];

    /// The name in lower case, as it stands in a label.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Quota => "quota",
            Self::CircuitOpen => "circuit_open",
            Self::QueueFull => "queue_full",
            Self::QueueTimeout => "queue_timeout",
            Self::Evicted => "evicted",
            Self::Deadline => "deadline",
        }
    }

    fn explain(self) -> &'static str {
        match self {
            Self::Quota => "the quota is used up",
            Self::CircuitOpen => "the database does not keep up",
            Self::QueueFull => "too many requests wait already",
            Self::QueueTimeout => "no room within the longest wait",
            Self::Evicted => "another request took its place",
            Self::Deadline => {
                "no room within a third of the time to its deadline, or that has passed"
            }
        }
    }
}

impl fmt::Display for Reason {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(self.as_str())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn rejection_survives_boxing() {
        let boxed: Box<dyn Error + Send + Sync> =
            Rejection::new(Reason::Quota, Duration::from_secs(3)).into();
        let rejection = boxed.downcast_ref::<Rejection>().expect("a rejection went in");
        assert_eq!(rejection.reason(), Reason::Quota);
        assert_eq!(rejection.to_string(), "refused: the quota is used up; retry after 3s");
    }
}
