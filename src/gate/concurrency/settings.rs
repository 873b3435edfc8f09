//! Settings of the concurrency limit.

use std::{sync::Arc, time::Duration};

use super::{ConcurrencyGate, state::State};
use crate::{
    config::{self, InvalidConfig},
    control::limit::{Knee, Limit},
    event::Observe,
};

/// Settings of an adaptive concurrency limit.
///
/// The limit follows what the database does ([`Knee`] says how). A request over the
/// limit waits in a short queue, strictly by priority, and is refused when its wait
/// grows too long or someone more important needs the place.
///
/// It starts at 8 and doubles about every tenth of a second, or every two latencies if
/// those are longer, as long as requests wait and the database is not slower for it. A
/// service that starts into much traffic on a slow but large database gets there sooner
/// with a higher [`min`](Self::min).
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
#[derive(Debug)]
#[must_use]
pub struct ConcurrencyLimit {
    algorithm: Box<dyn Limit>,
    min: usize,
    max: usize,
    headroom: f64,
    queue: usize,
    max_wait: Duration,
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
            algorithm: Box::new(Knee::default()),
            min: 1,
            max: 200,
            headroom: 0.1,
            queue: 100,
            max_wait: Duration::from_millis(100),
        }
    }

    /// The limit is never lower, in requests in flight at once. Default: 1; at least 1
    /// and not more than `max`. [`Knee`] never goes below 2 by itself.
    pub fn min(self, min: usize) -> Self {
        Self { min, ..self }
    }

    /// The limit is never higher, in requests in flight at once. Default: 200; at least
    /// 1. The size of the connection pool is a good value.
    pub fn max(self, max: usize) -> Self {
        Self { max, ..self }
    }

    /// The share of the limit that `Sheddable` and `Bulk` requests leave free for the more
    /// important, rounded up to whole places. Default: 0.1; 0 to 1. One place is always
    /// for everybody.
    pub fn headroom(self, share: f64) -> Self {
        Self { headroom: share, ..self }
    }

    /// How many requests may wait. Default: 100. With 0 nobody waits.
    pub fn queue(self, requests: usize) -> Self {
        Self { queue: requests, ..self }
    }

    /// How long a request may wait. Default: 100 ms; at most 1 minute. A request whose
    /// deadline is nearer waits until then.
    pub fn max_wait(self, max_wait: Duration) -> Self {
        Self { max_wait, ..self }
    }

    /// What sets the limit. Default: [`Knee`].
    pub fn algorithm(self, algorithm: impl Limit + 'static) -> Self {
        Self { algorithm: Box::new(algorithm), ..self }
    }

    /// The gate, to be entered by hand. Its limit moves once its
    /// [`listener`](ConcurrencyGate::listener) is subscribed to a database.
    ///
    /// # Errors
    ///
    /// [`InvalidConfig`] if a setting is outside its range.
    pub fn gate(self) -> Result<ConcurrencyGate, InvalidConfig> {
        self.observed_gate(Arc::new(()))
    }

    pub(crate) fn observed_gate(
        self,
        observer: Arc<dyn Observe>,
    ) -> Result<ConcurrencyGate, InvalidConfig> {
        config::at_least("min", self.min, 1)?;
        config::at_least("max", self.max, 1)?;
        if self.max < self.min {
            let allowed = format_args!("at most `max`, which is {}", self.max).to_string();
            return Err(InvalidConfig::new("min", self.min, allowed));
        }
        if !(0.0..=1.0).contains(&self.headroom) {
            return Err(InvalidConfig::new("headroom", self.headroom, "from 0 to 1"));
        }
        let minute = Duration::from_secs(60);
        config::duration("max_wait", self.max_wait, Duration::ZERO, minute)?;
        let state = State::new(self.algorithm, self.min..=self.max, self.headroom, self.queue);
        Ok(ConcurrencyGate::new(state, self.max_wait, observer))
    }
}
