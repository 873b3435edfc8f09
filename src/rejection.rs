//! The one thing that a refused caller gets, whichever gate said no.

mod spread;

#[cfg(feature = "client")]
pub(crate) use spread::unit;

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
    is_final: bool,
}

impl Rejection {
    /// A refusal for `reason`, to be tried again after `retry_after` at the earliest; for
    /// [`Reason::Unkeyed`], never.
    #[must_use]
    pub fn new(reason: Reason, retry_after: Duration) -> Self {
        Self { reason, retry_after, standing: None, is_final: reason == Reason::Unkeyed }
    }

    /// A refusal for load, or for being late: nobody knows how long a surge lasts.
    #[must_use]
    pub(crate) fn for_load(reason: Reason) -> Self {
        Self::new(reason, COME_BACK + spread::part_of(2 * COME_BACK))
    }

    /// A refusal by a circuit that lets nobody through for this time. All of that time's
    /// refused would come at its end, so they are spread over as long again.
    #[must_use]
    pub(crate) fn for_circuit(shut_for: Duration) -> Self {
        let spread = spread::part_of(shut_for.max(COME_BACK));
        Self::new(Reason::CircuitOpen, shut_for.saturating_add(spread))
    }

    /// A refusal of one whose deadline has passed.
    #[must_use]
    pub(crate) fn too_late() -> Self {
        Self::for_load(Reason::Deadline).finally()
    }

    /// The same refusal, of a request that is not to be tried again.
    #[must_use]
    pub fn finally(self) -> Self {
        Self { is_final: true, ..self }
    }

    /// The same refusal, with so many times the wait.
    #[must_use]
    pub(crate) fn later(self, times: f64) -> Self {
        Self { retry_after: self.retry_after.mul_f64(times), ..self }
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

    /// The time after which a new try makes sense. For a quota it is exact: when the next
    /// cell is free. What was refused together should not come back together, so for the
    /// rest it is another for each, evenly spread:
    ///
    /// * for an open circuit, from when it lets probes through to twice that time, or to a
    ///   second after it if that is longer;
    /// * for a drain, from 1 s to 3 s, though another instance may take it at once;
    /// * for load, from 1 s to 3 s, since nobody knows; behind an `AdmissionLayer` up to three
    ///   times as long, as the worst level of the databases that are needed rises from 0 to 1.
    ///
    /// The first and the last are ten times as long where it [is final](Self::is_final) for one of the last two
    /// reasons there.
    #[must_use]
    pub fn retry_after(&self) -> Duration {
        self.retry_after
    }

    /// Whether the request is not to be tried again, however long one waits:
    ///
    /// * nothing tells whose it is, where that is needed;
    /// * its deadline has passed, so its caller has gone;
    /// * it was tried before ([`Class::retry`](crate::Class::retry)), and more than a fifth
    ///   of what came lately were retries;
    /// * it is of the priorities `Sheddable` and `Bulk`, and the level is 1, of a database that
    ///   it needs: the service does nothing optional any more.
    ///
    /// The last two are for an `AdmissionLayer`, and for what it refuses for load, a circuit
    /// or a deadline. The caller may still try later on its own account: a client that
    /// retries by itself should stop.
    #[must_use]
    pub fn is_final(&self) -> bool {
        self.is_final
    }

    /// How the client stands with its quotas, where one of them refused.
    #[must_use]
    pub fn standing(&self) -> Option<&Standing> {
        self.standing.as_ref()
    }
}

/// When a request that was shed may come back at the earliest.
const COME_BACK: Duration = Duration::from_secs(1);

impl fmt::Display for Rejection {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "refused: {}; ", self.reason.explain())?;
        match self.is_final {
            true => f.write_str("do not retry"),
            false => write!(f, "retry after {:?}", self.retry_after),
        }
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
    /// The service is about to stop, and admits nobody new: `Admission::drain`.
    Draining,
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
    pub const ALL: [Self; 9] = [
        Self::Draining,
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
            Self::Draining => "draining",
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
            Self::Draining => "the service is about to stop",
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
    fn those_refused_for_load_come_back_over_two_seconds() {
        let waits: Vec<_> =
            (0..1_000).map(|_| Rejection::for_load(Reason::QueueFull).retry_after()).collect();
        let second = Duration::from_secs(1);
        assert!(waits.iter().all(|wait| (second..3 * second).contains(wait)));
        for fifth in 0..5 {
            let from = second + second * 2 / 5 * fifth;
            let inside = waits.iter().filter(|wait| (from..from + second * 2 / 5).contains(*wait));
            let inside = inside.count();
            assert!((100..300).contains(&inside), "fifth {fifth}: {inside}");
        }
    }

    #[test]
    fn those_refused_by_a_circuit_come_after_it_over_as_long_again() {
        let second = Duration::from_secs(1);
        for (shut, latest) in [(Duration::ZERO, 1), (second, 2), (30 * second, 60)] {
            let waits: Vec<_> =
                (0..100).map(|_| Rejection::for_circuit(shut).retry_after()).collect();
            assert!(waits.iter().all(|wait| (shut..latest * second).contains(wait)), "{shut:?}");
            let half = (shut + latest * second) / 2;
            let late = waits.iter().filter(|wait| **wait > half).count();
            assert!((25..75).contains(&late), "{shut:?}: {late}");
        }
        assert!(Rejection::for_circuit(Duration::MAX).retry_after() <= Duration::MAX);
    }

    #[test]
    fn who_has_no_key_or_no_time_is_not_to_try_again() {
        assert!(Rejection::new(Reason::Unkeyed, Duration::ZERO).is_final());
        assert!(Rejection::too_late().is_final());
        assert!(!Rejection::for_load(Reason::Deadline).is_final(), "there was time to wait");
        let text = "refused: too many requests wait already; do not retry";
        assert_eq!(Rejection::for_load(Reason::QueueFull).finally().to_string(), text);
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
