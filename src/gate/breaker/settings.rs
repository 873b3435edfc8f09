//! Settings of the circuit breaker.

use std::{
    hash::{BuildHasher, RandomState},
    sync::Arc,
    time::Duration,
};

use super::BreakerGate;
use crate::{
    class::Route,
    clock,
    config::{self, InvalidConfig},
    control::breaker::{Breaker, Figures, Scope},
    event::{Observe, Subject},
};

/// Settings of a circuit breaker.
///
/// It judges by the calls of the database: what is bad is slow for its statement, as the
/// database says ([`DatabaseBuilder::slow_after`](crate::DatabaseBuilder::slow_after)),
/// or failed by overload. That of a route minds what hangs: it leaves a query three times
/// what its statement takes alone, also where that is longer than `slow_after`. Otherwise a
/// report that takes a second would close off its own route.
///
/// # Partial
///
/// When the share of bad calls in the window is `trip_share` or more, it dims: within
/// 0.3 s all bulk requests are refused, within 0.6 s all sheddable, within 0.9 s all
/// normal ones; in between, a growing share. Critical requests are never refused by a
/// partial circuit. From then on it goes by the calls of the last second: while they are
/// good it brightens again in the opposite order, a second for each priority, and more
/// slowly where more than half of `trip_share` is bad.
///
/// # Open
///
/// It opens only when the database does not answer:
///
/// * it stalls: for `stall_after` nothing came back, with two or more queries in flight
///   that are beyond slow. What was so already when something came back for the last time
///   is taken for a long report, unless five queries or more should have come back
///   meanwhile, at the rate of the last half minute;
/// * or hardly anything succeeds: 90 % of the calls of the last second failed or were
///   given up, or more where `trip_share` is more. A slow success is an answer, and counts
///   as a failure only after the circuit has been as dark as it gets for ten seconds.
///   Where the calls of the last second are fewer than `min_calls`, it is those of the
///   whole window: a service with one query a second is judged by ten of them, if its
///   window is that long.
///
/// # Some statements
///
/// If healthy statements, whose own bad share is less than `trip_share`, make up a tenth
/// of the calls in the window or more, and `min_calls` or more, then the database itself
/// is well, and what is bad are some statements: a lock on their table, say. Then the
/// circuit does not dim. Nor does it open for bad calls; for that, both are asked of the
/// calls that it judges by, those of the last second.
///
/// # Half-open
///
/// After `open_for` it lets `probes` requests through, bulk requests only if nothing else
/// comes for half a second. When all of them come back in time, it closes, as dark as it
/// gets: from there it ramps up within three seconds while calls are good. When one does
/// not, it opens for twice as long. A probe that says nothing about the load, such as a
/// 404 or a job that just ends, is judged by what the database did meanwhile. When queries
/// from before it opened come back with success, it tries after 0.3 s, however long it
/// was to be open.
///
/// What started before it was half-open for the last time has no say in whether the
/// database keeps up.
///
/// ```
/// use std::time::Duration;
/// use brownout::{CircuitBreaker, Database};
///
/// let db = Database::new("shop");
/// let breaker = CircuitBreaker::new().trip_share(0.3).open_at_most(Duration::from_secs(5));
/// let layer = breaker.protecting(&db)?;
/// # let _ = layer.classify(brownout::Class::default());
/// # Ok::<(), brownout::InvalidConfig>(())
/// ```
#[derive(Clone, Copy, Debug)]
#[must_use]
pub struct CircuitBreaker {
    figures: Figures,
    probe_every: Duration,
    report_only: bool,
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
                scope: Scope::Database,
                trip_share: 0.5,
                min_calls: 10,
                window: Duration::from_secs(3),
                stall_after: Duration::from_secs(1),
                open_for: Duration::from_secs(1),
                open_at_most: Duration::from_secs(10),
                probes: 3,
            },
            probe_every: Duration::from_millis(250),
            report_only: false,
        }
    }

    /// The share of slow and failed calls from which on it dims. Default: 0.5; more than
    /// 0, at most 1.
    pub fn trip_share(mut self, share: f64) -> Self {
        self.figures.trip_share = share;
        self
    }

    /// The calls in the window below which it does not judge by them: by default those of
    /// a database with less than 3.4 queries a second change nothing. Stalls do. Default:
    /// 10; at least 1.
    pub fn min_calls(mut self, calls: u64) -> Self {
        self.figures.min_calls = calls;
        self
    }

    /// The length of the sliding window. Default: 3 s; 100 ms to 1 h.
    pub fn window(mut self, window: Duration) -> Self {
        self.figures.window = window;
        self
    }

    /// How long nothing comes back, although queries are in flight, until it opens.
    /// Default: 1 s; 10 ms to 1 h.
    pub fn stall_after(mut self, silence: Duration) -> Self {
        self.figures.stall_after = silence;
        self
    }

    /// How long it stays open the first time, give or take a fifth. Default: 1 s; 1 ms to
    /// 1 h.
    pub fn open_for(mut self, open: Duration) -> Self {
        self.figures.open_for = open;
        self
    }

    /// How long it stays open at most after doubling, give or take a fifth. It doubles
    /// with each opening until the circuit is fully closed again. Default: 10 s; 1 ms to
    /// 1 day, and not less than `open_for`.
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

    /// How often an active probe goes out while the circuit is open, give or take a fifth:
    /// see [`BreakerGate::probing`]. Default: 250 ms; 10 ms to 1 h.
    pub fn probe_every(mut self, pause: Duration) -> Self {
        self.probe_every = pause;
        self
    }

    /// Refuses nothing, but decides, tells events and counts as if it did:
    /// [`BreakerGate::would_have_refused`]. Default: it refuses.
    pub fn report_only(mut self) -> Self {
        self.report_only = true;
        self
    }

    /// The gate, to be entered by hand. It hears of a database once its
    /// [`listener`](BreakerGate::listener) is subscribed to it.
    ///
    /// # Errors
    ///
    /// [`InvalidConfig`] if a setting is outside its range.
    pub fn gate(self) -> Result<BreakerGate, InvalidConfig> {
        self.observed_gate(Subject::default(), Arc::new(()))
    }

    pub(crate) fn observed_gate(
        self,
        subject: Subject,
        observer: Arc<dyn Observe>,
    ) -> Result<BreakerGate, InvalidConfig> {
        Ok(self.gate_with(self.checked()?, subject, observer))
    }

    fn gate_with(
        self,
        figures: Figures,
        subject: Subject,
        observer: Arc<dyn Observe>,
    ) -> BreakerGate {
        let seed = RandomState::new().hash_one(());
        let breaker = Breaker::new(figures, seed, clock::now());
        BreakerGate::new(breaker, self.probe_every, self.report_only, subject, observer)
    }

    /// Makes the gate of a single route at one of these databases. What a route waits for
    /// holds places that others need, so a stall of one is found out sooner.
    pub(crate) fn for_routes(
        self,
        databases: Vec<Arc<str>>,
        observer: Arc<dyn Observe>,
    ) -> Result<impl Fn(Route, usize) -> BreakerGate + Send + Sync + 'static, InvalidConfig> {
        let checked = self.checked()?;
        let stall_after = checked.stall_after.min(ROUTE_STALL);
        // Its probes are few and harm nobody else.
        let open_at_most = checked.open_at_most.min(2 * checked.open_for);
        let figures = Figures { scope: Scope::Route, stall_after, open_at_most, ..checked };
        Ok(move |route, index: usize| {
            let database = databases.get(index).cloned();
            self.gate_with(figures, Subject { database, route: Some(route) }, observer.clone())
        })
    }

    pub(crate) fn checked(self) -> Result<Figures, InvalidConfig> {
        let (millisecond, hour) = (Duration::from_millis(1), Duration::from_secs(3600));
        let figures = self.figures;
        config::share("trip_share", figures.trip_share)?;
        config::at_least("min_calls", figures.min_calls, 1)?;
        config::at_least("probes", figures.probes, 1)?;
        config::duration("window", figures.window, 100 * millisecond, hour)?;
        config::duration("stall_after", figures.stall_after, 10 * millisecond, hour)?;
        config::duration("probe_every", self.probe_every, 10 * millisecond, hour)?;
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

/// After so long without an answer the queries of a route hang, while others are answered.
const ROUTE_STALL: Duration = Duration::from_millis(100);

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn settings_outside_their_range_are_found_when_built() {
        let error = |settings: CircuitBreaker| settings.gate().unwrap_err().to_string();
        let short = Duration::from_millis(9);
        let told = error(CircuitBreaker::new().stall_after(short));
        assert_eq!(told, "`stall_after` is 9ms, but must be from 10ms to 3600s");
        let told = error(CircuitBreaker::new().probe_every(short));
        assert_eq!(told, "`probe_every` is 9ms, but must be from 10ms to 3600s");
        let told = error(CircuitBreaker::new().open_for(Duration::from_secs(11)));
        assert_eq!(told, "`open_for` is 11s, but must be at most `open_at_most`, which is 10s");
    }
}
