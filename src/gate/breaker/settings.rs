//! Settings of the circuit breaker.

use std::{sync::Arc, time::Duration};

use super::BreakerGate;
use crate::{
    class::Route,
    clock,
    config::{self, InvalidConfig},
    control::breaker::{Breaker, Figures},
    event::Observe,
};

/// Settings of a circuit breaker.
///
/// It opens when, within the window, the share of calls that were slow or failed by
/// overload reaches `trip_share`; what is slow, the database says
/// ([`DatabaseBuilder::slow_after`](crate::DatabaseBuilder::slow_after)). It opens also
/// when the database stalls: two or more calls that have been out for longer than that,
/// while none came back for as long, count as slow. After `open_for` it lets `probes` requests through; when
/// all of them come back in time it closes, and when one does not it opens for twice as
/// long. A probe that says nothing about the load, such as a 404 or a job that just ends,
/// is judged by what the database did meanwhile.
///
/// Queries that hang from before it opened count when they come back after it closed: a
/// long stall may open it a second time, for a second.
///
/// ```
/// use std::time::Duration;
/// use brownout::{CircuitBreaker, Database};
///
/// let db = Database::new("shop");
/// let layer = CircuitBreaker::new().trip_share(0.3).probes(5).protecting(&db)?;
/// # let _ = layer.classify(brownout::Class::default());
/// # Ok::<(), brownout::InvalidConfig>(())
/// ```
#[derive(Clone, Copy, Debug)]
#[must_use]
pub struct CircuitBreaker {
    figures: Figures,
}

impl Default for CircuitBreaker {
    fn default() -> Self {
        Self::new()
    }
}

impl CircuitBreaker {
    /// The defaults, which suit one database with queries of well under a second.
    pub fn new() -> Self {
        Self {
            figures: Figures {
                trip_share: 0.5,
                min_calls: 10,
                window: Duration::from_secs(3),
                open_for: Duration::from_secs(1),
                open_at_most: Duration::from_secs(30),
                probes: 3,
            },
        }
    }

    /// The share of slow and failed calls that opens the circuit. Default: 0.5; more
    /// than 0, at most 1.
    pub fn trip_share(mut self, share: f64) -> Self {
        self.figures.trip_share = share;
        self
    }

    /// The calls in the window below which it does not judge: by default a database with
    /// less than 3.4 queries a second opens no circuit. Default: 10; at least 1.
    pub fn min_calls(mut self, calls: u64) -> Self {
        self.figures.min_calls = calls;
        self
    }

    /// The length of the sliding window. Default: 3 s; 100 ms to 1 h.
    pub fn window(mut self, window: Duration) -> Self {
        self.figures.window = window;
        self
    }

    /// How long it stays open the first time. Default: 1 s; 1 ms to 1 h.
    pub fn open_for(mut self, open: Duration) -> Self {
        self.figures.open_for = open;
        self
    }

    /// How long it stays open at most, after doubling. Default: 30 s; 1 ms to 1 day,
    /// and not less than `open_for`.
    pub fn open_at_most(mut self, open: Duration) -> Self {
        self.figures.open_at_most = open;
        self
    }

    /// How many requests in a row have to succeed before it closes; that many may be
    /// out at once. Default: 3; at least 1.
    pub fn probes(mut self, probes: u32) -> Self {
        self.figures.probes = probes;
        self
    }

    /// The gate, to be entered by hand. It hears of a database once its
    /// [`listener`](BreakerGate::listener) is subscribed to it.
    ///
    /// # Errors
    ///
    /// [`InvalidConfig`] if a setting is outside its range.
    pub fn gate(self) -> Result<BreakerGate, InvalidConfig> {
        self.observed_gate(Arc::new(()))
    }

    pub(crate) fn observed_gate(
        self,
        observer: Arc<dyn Observe>,
    ) -> Result<BreakerGate, InvalidConfig> {
        Ok(BreakerGate::new(Breaker::new(self.checked()?, clock::now()), observer))
    }

    /// Makes the gates of single routes.
    pub(crate) fn for_routes(
        self,
        observer: Arc<dyn Observe>,
    ) -> Result<impl Fn(Route, usize) -> BreakerGate + Send + Sync + 'static, InvalidConfig> {
        let figures = self.checked()?;
        Ok(move |_, _| BreakerGate::new(Breaker::new(figures, clock::now()), observer.clone()))
    }

    fn checked(self) -> Result<Figures, InvalidConfig> {
        let (millisecond, hour) = (Duration::from_millis(1), Duration::from_secs(3600));
        let figures = self.figures;
        config::share("trip_share", figures.trip_share)?;
        config::at_least("min_calls", figures.min_calls, 1)?;
        config::at_least("probes", figures.probes, 1)?;
        config::duration("window", figures.window, 100 * millisecond, hour)?;
        config::duration("open_for", figures.open_for, millisecond, hour)?;
        config::duration("open_at_most", figures.open_at_most, millisecond, 24 * hour)?;
        if figures.open_at_most < figures.open_for {
            let allowed =
                format_args!("at most `open_at_most`, which is {:?}", figures.open_at_most);
            let got = format_args!("{:?}", figures.open_for);
            return Err(InvalidConfig::new("open_for", got, allowed));
        }
        Ok(figures)
    }
}
