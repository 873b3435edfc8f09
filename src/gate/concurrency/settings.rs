//! Settings of the concurrency limit.

use std::{ops::RangeInclusive, sync::Arc, time::Duration};

use super::{ConcurrencyGate, state::State};
use crate::{
    config::{self, InvalidConfig},
    control::{limit::Limit, occupancy::Rules, room::Headroom},
    event::{Observe, Subject},
};

/// Settings of an adaptive concurrency limit.
///
/// The limit follows what the database does ([`Knee`](crate::limit::Knee) says how). A request over the
/// limit waits in a short queue, and is refused when its wait grows too long or another
/// needs the place.
///
/// The queue is strict by priority; inside one by [`rank`](crate::Class::rank), then the
/// cheap before the dear by doublings of the [`cost`](crate::Class::cost), then in turns
/// among clients by their [`key`](crate::Class::key), then by age. When it is full, the
/// last of that order has to go, of the client that has the most waiting. A queue that has
/// not been empty for twice the longest wait is served newest first, and the oldest has to
/// go: there is more work than can be done, and who came last still waits for the
/// answer.
///
/// Below a limit of one, requests take turns; one critical request at a time is always let
/// in.
///
/// ```
/// use std::time::Duration;
/// use brownout::{ConcurrencyLimit, Database};
///
/// let db = Database::new("shop");
/// let layer = ConcurrencyLimit::new()
///     .max(50)
///     .max_wait(Duration::from_millis(200))
///     .protecting(&db)?;
/// # let _ = layer.classify(brownout::Class::default());
/// # Ok::<(), brownout::InvalidConfig>(())
/// ```
#[derive(Clone, Debug)]
#[must_use]
pub struct ConcurrencyLimit {
    /// None: the default in a new gate, and what is there in one that has one.
    algorithm: Option<Algorithm>,
    min: usize,
    max: usize,
    headroom: f64,
    queue: usize,
    max_wait: Duration,
    report_only: bool,
}

impl Default for ConcurrencyLimit {
    fn default() -> Self {
        Self::new()
    }
}

impl ConcurrencyLimit {
    /// The defaults, which suit one service with one database.
    pub fn new() -> Self {
        Self {
            algorithm: None,
            min: 0,
            max: 200,
            headroom: 0.1,
            queue: 200,
            max_wait: Duration::from_millis(400),
            report_only: false,
        }
    }

    /// The limit is never lower, in requests in flight at once. Default: 0; not more than
    /// `max`. With 0 the limit may fall below one: then requests take turns, and one goes
    /// on whenever a wait ends with nothing in flight. With many instances on one small
    /// database, the share of each is less than one.
    pub fn min(self, min: usize) -> Self {
        Self { min, ..self }
    }

    /// The limit is never higher, in requests in flight at once. Default: 200; not 0.
    ///
    /// Where the size of the connection pool is known (`Database::sqlx`), it is also never
    /// higher than what the pool is enough for: as many requests as it has connections, or
    /// more where requests were seen to use one for a part of their time only.
    pub fn max(self, max: usize) -> Self {
        Self { max, ..self }
    }

    /// The share of the limit that `Sheddable` and `Bulk` requests leave free for the more
    /// important, rounded up to whole places; and that the dear leave for the less dear,
    /// for each doubling of their [`cost`](crate::Class::cost) once more, up to half: with
    /// 0.1 and a limit of 20, at most 14 requests of cost 8 are in flight. Default: 0.1;
    /// 0 to 1. One place is always for everybody.
    pub fn headroom(self, share: f64) -> Self {
        Self { headroom: share, ..self }
    }

    /// How many requests may wait. Default: 200. With 0 nobody waits.
    pub fn queue(self, requests: usize) -> Self {
        Self { queue: requests, ..self }
    }

    /// How long a request may wait. Default: 400 ms; at most 1 minute. A request with a
    /// deadline waits no longer than a third of the time to it.
    pub fn max_wait(self, max_wait: Duration) -> Self {
        Self { max_wait, ..self }
    }

    /// What sets the limit: each gate gets a clone. Default: [`Knee`](crate::limit::Knee).
    pub fn algorithm(self, algorithm: impl Limit + Clone + 'static) -> Self {
        Self { algorithm: Some(Algorithm(Box::new(algorithm))), ..self }
    }

    /// Refuses nobody and lets nobody wait, but moves the limit and tells who would have been
    /// refused ([`Permit::would_refuse`](super::Permit::would_refuse)): who finds more over the
    /// limit than may wait, of its priority and above, or so many that at the present pace they
    /// would wait for longer than they may, or whose deadline has passed. The pace is known in
    /// an [`Admission`](crate::Admission). To enforce the limit while it serves,
    /// [`reload`](ConcurrencyGate::reload) it without this. Default: it refuses.
    pub fn report_only(self) -> Self {
        Self { report_only: true, ..self }
    }

    /// The gate, to be entered by hand. Its limit moves once its
    /// [`listener`](ConcurrencyGate::listener) is subscribed to a database.
    ///
    /// # Errors
    ///
    /// [`InvalidConfig`] if a setting is outside its range.
    pub fn gate(self) -> Result<ConcurrencyGate, InvalidConfig> {
        self.observed_gate(Subject::default(), Arc::new(()))
    }

    pub(crate) fn observed_gate(
        self,
        subject: Subject,
        observer: Arc<dyn Observe>,
    ) -> Result<ConcurrencyGate, InvalidConfig> {
        let settings = self.checked()?;
        let report_only = settings.report_only;
        let (state, floor) = State::new(settings);
        Ok(ConcurrencyGate::new(floor, state, report_only, subject, observer))
    }

    pub(crate) fn checked(self) -> Result<Checked, InvalidConfig> {
        config::at_least("max", self.max, 1)?;
        if self.max < self.min {
            let allowed = format_args!("at most `max`, which is {}", self.max).to_string();
            return Err(InvalidConfig::new("min", self.min, allowed));
        }
        if !(0.0..=1.0).contains(&self.headroom) {
            return Err(InvalidConfig::new("headroom", self.headroom, "from 0 to 1"));
        }
        let minute = Duration::from_secs(60);
        let max_wait = config::duration("max_wait", self.max_wait, Duration::ZERO, minute)?;
        // Nobody waits for no time.
        let queue = if max_wait.is_zero() { 0 } else { self.queue };
        let rules = Rules { headroom: Headroom::new(self.headroom), queue, max_wait };
        let algorithm = self.algorithm.map(|algorithm| algorithm.0.fresh());
        let (bounds, report_only) = (self.min..=self.max, self.report_only);
        Ok(Checked { algorithm, bounds, rules, report_only })
    }
}

/// An algorithm of which any number can be had.
#[derive(Debug)]
struct Algorithm(Box<dyn Template>);

impl Clone for Algorithm {
    fn clone(&self) -> Self {
        Self(self.0.again())
    }
}

trait Template: Limit {
    fn fresh(&self) -> Box<dyn Limit>;

    fn again(&self) -> Box<dyn Template>;
}

impl<T: Limit + Clone + 'static> Template for T {
    fn fresh(&self) -> Box<dyn Limit> {
        Box::new(self.clone())
    }

    fn again(&self) -> Box<dyn Template> {
        Box::new(self.clone())
    }
}

/// Settings that are in range.
#[derive(Debug)]
pub(crate) struct Checked {
    pub(crate) algorithm: Option<Box<dyn Limit>>,
    pub(crate) bounds: RangeInclusive<usize>,
    pub(crate) rules: Rules,
    pub(crate) report_only: bool,
}

/// What `algorithm` says, within these bounds.
pub(crate) fn bounded(algorithm: &dyn Limit, bounds: &RangeInclusive<usize>) -> f64 {
    // In this order, what is no number becomes the least.
    algorithm.limit().max(*bounds.start() as f64).min(*bounds.end() as f64)
}
