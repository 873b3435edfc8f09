//! The one thing that a refused caller gets, whichever gate said no.

use std::{error::Error, fmt, io, time::Duration};

use crate::standing::Standing;

/// A refusal: why, and when to come back.
///
/// It is an [`Error`], so that a Tower service with `Error = BoxError` takes it as it is
/// and a caller can downcast to it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Rejection {
    reason: Reason,
    retry_after: Duration,
    standing: Option<Standing>,
}

impl Rejection {
    /// A refusal for `reason`, to be tried again after `retry_after` at the earliest.
    #[must_use]
    pub fn new(reason: Reason, retry_after: Duration) -> Self {
        Self { reason, retry_after, standing: None }
    }

    /// A refusal for load, or for being late: nobody knows how long a surge lasts.
    #[must_use]
    pub(crate) fn for_load(reason: Reason) -> Self {
        Self::new(reason, COME_BACK)
    }

    /// The same refusal, of a client that stands so with its quotas.
    #[must_use]
    pub(crate) fn standing_at(self, standing: Standing) -> Self {
        Self { standing: Some(standing), ..self }
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

    /// How the client stands with its quotas, where one of them refused.
    #[must_use]
    pub fn standing(&self) -> Option<&Standing> {
        self.standing.as_ref()
    }
}

/// When a request that was shed may come back.
const COME_BACK: Duration = Duration::from_secs(1);

impl fmt::Display for Rejection {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "refused: {}; retry after {:?}", self.reason.explain(), self.retry_after)
    }
}

impl Error for Rejection {}

/// The refusal in an error, if it or one of its sources is one, also inside of an I/O
/// error. So a handler finds out that a gate refused its query.
///
/// ```
/// use std::{io, time::Duration};
/// use brownout::{Reason, Rejection, rejection_of};
///
/// let error = io::Error::other(Rejection::new(Reason::QueueFull, Duration::from_secs(1)));
/// assert_eq!(rejection_of(&error).map(|refused| refused.reason()), Some(Reason::QueueFull));
/// assert_eq!(rejection_of(&io::Error::other("a typo")), None);
/// ```
#[must_use]
pub fn rejection_of(error: &(dyn Error + 'static)) -> Option<Rejection> {
    let mut next = Some(error);
    while let Some(error) = next {
        if let Some(rejection) = error.downcast_ref::<Rejection>() {
            return Some(rejection.clone());
        }
        next = inside(error).or_else(|| error.source());
    }
    None
}

/// What an I/O error holds, which is not its source.
fn inside<'e>(error: &'e (dyn Error + 'static)) -> Option<&'e (dyn Error + 'static)> {
    let held = error.downcast_ref::<io::Error>()?.get_ref()?;
    Some(held)
}

/// Why a request was refused.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum Reason {
    /// The quota is used up.
    Quota,
    /// There is a quota for each client, and nothing tells whose the request is.
    Unkeyed,
    /// The store in which a fleet keeps the quota does not answer, and then none are to
    /// pass.
    Fleet,
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
    pub const ALL: [Self; 8] = [
        Self::Quota,
        Self::Unkeyed,
        Self::Fleet,
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
            Self::Unkeyed => "unkeyed",
            Self::Fleet => "fleet",
            Self::CircuitOpen => "circuit_open",
            Self::QueueFull => "queue_full",
            Self::QueueTimeout => "queue_timeout",
            Self::Evicted => "evicted",
            Self::Deadline => "deadline",
        }
    }

    /// In words.
    pub(crate) fn explain(self) -> &'static str {
        match self {
            Self::Quota => "the quota is used up",
            Self::Unkeyed => "nothing tells whose it is",
            Self::Fleet => "the quota of the fleet is not to be had",
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

    #[test]
    fn a_refusal_is_found_however_deep() {
        let refused = Rejection::new(Reason::Evicted, Duration::from_secs(1));
        assert_eq!(rejection_of(&refused), Some(refused.clone()));
        let twice = io::Error::other(io::Error::other(refused.clone()));
        assert_eq!(rejection_of(&twice), Some(refused));
        let other = io::Error::other("refused: by somebody else");
        assert_eq!(rejection_of(&other), None);
    }
}
