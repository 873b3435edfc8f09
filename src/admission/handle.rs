//! All gates of one service, in one handle.

use std::sync::Arc;

use super::{AdmissionBuilder, AdmissionLayer, GateLayer, watch::Watch};
use crate::{
    class::Class,
    clock,
    config::InvalidConfig,
    database::Database,
    gate::{BreakerGate, ConcurrencyGate, Gates, GatesPermit, RateGate, Snapshot},
    incident::{Incident, Watcher},
    journal::{Journal, Transition},
    rejection::Rejection,
};

/// Rate limit, circuit breakers and concurrency limits for one service: owns all state.
/// A cheap handle; clones share everything.
///
/// A circuit and a limit for each database that is protected, and a circuit for each route
/// at each of them. A request passes those of the databases that it needs. Which those are
/// is learned from the queries that run inside the requests of its
/// [`route`](Class::route), or said: [`Class::needs`], [`GateLayer::needs`].
///
/// ```
/// use brownout::{Admission, ConcurrencyLimit, Database, Priority, Quota, RateLimit};
///
/// let db = Database::new("shop");
/// let admission = Admission::builder()
///     .protect(&db)
///     .concurrency(ConcurrencyLimit::new().max(50))
///     .rate(RateLimit::new(Quota::per_second(1_000)))
///     .build()?;
/// let checkout = admission.layer().priority(Priority::Critical);
/// let search = admission.layer().priority(Priority::Sheddable);
/// assert_eq!(admission.snapshot().in_flight, 0);
/// # let _ = (checkout, search);
/// # Ok::<(), brownout::InvalidConfig>(())
/// ```
///
/// # Defaults
///
/// | | | |
/// |---|---|---|
/// | limit | [`Knee`](crate::limit::Knee), from 8 | [`ConcurrencyLimit`](crate::ConcurrencyLimit) |
/// | its bounds | 0 to 200 requests in flight, and what the pool is enough for, if that is known | [`min`](crate::ConcurrencyLimit::min), [`max`](crate::ConcurrencyLimit::max) |
/// | headroom | a tenth, for normal and critical requests | [`headroom`](crate::ConcurrencyLimit::headroom) |
/// | queue | 200 requests for 400 ms | [`queue`](crate::ConcurrencyLimit::queue), [`max_wait`](crate::ConcurrencyLimit::max_wait) |
/// | circuit dims | half of 10 or more calls in 3 s slow or failed, whatever the statement | [`trip_share`](crate::CircuitBreaker::trip_share), [`min_calls`](crate::CircuitBreaker::min_calls), [`window`](crate::CircuitBreaker::window) |
/// | circuit opens | nothing back for 1 s, or 90 % of the calls of a second failed | [`stall_after`](crate::CircuitBreaker::stall_after), [`CircuitBreaker`](crate::CircuitBreaker) |
/// | that of a route opens | nothing back for 100 ms, while others are answered | [`stall_after`](crate::CircuitBreaker::stall_after), if that is less |
/// | and stays open | 1 s, doubling once | [`open_for`](crate::CircuitBreaker::open_for) |
/// | circuit stays open | 1 s, doubling to 10 s, give or take a fifth | [`open_for`](crate::CircuitBreaker::open_for), [`open_at_most`](crate::CircuitBreaker::open_at_most) |
/// | an open one asks | every 250 ms, where the database has a pool of `db.sqlx` | [`probe_every`](crate::CircuitBreaker::probe_every), else [`BreakerGate::probing`](crate::BreakerGate::probing) |
/// | circuit closes | after 3 probes, with a ramp of 3 s | [`probes`](crate::CircuitBreaker::probes) |
/// | optional work goes | where a queue of more than an eighth of the limit and what is done in 18 ms stands for 0.4 s, the bulk aside | [`dim_above`](AdmissionBuilder::dim_above), [`Brownout`](crate::Brownout) |
/// | slow | a query of more than 1 s, or of 20 times what its statement takes alone and more than 100 ms | [`DatabaseBuilder::slow_after`](crate::DatabaseBuilder::slow_after), [`slow_times`](crate::DatabaseBuilder::slow_times) |
/// | a route is known | after 50 requests; it needs no database if fewer than 1 % of them ran a query | [`GateLayer::needs`], [`GateLayer::exempt`] |
/// | it may yet need one | while more than 5 % of the queries belong to no known request | [`attributed`](crate::attributed) |
/// | cost | what is learned of the route, else 1 | [`Class::cost`] |
/// | rate | no quota | [`RateLimit`](crate::RateLimit) |
/// | priority | normal | [`GateLayer::priority`], [`crate::http`] |
#[derive(Clone, Debug)]
pub struct Admission {
    pub(super) gates: Gates,
    pub(super) watch: Watch,
    pub(super) journal: Arc<Journal>,
    pub(super) watcher: Watcher,
}

impl Admission {
    /// The settings. With none at all: an adaptive limit and a breaker, both watching
    /// the service behind the layer, and no rate limit.
    pub fn builder() -> AdmissionBuilder {
        AdmissionBuilder::new()
    }

    /// A layer with these gates. Make as many as you like, say one for each route with
    /// a priority of its own: they share the limits. A request must pass only one of
    /// them: either one around everything, with [`Routes`](crate::http::Routes), or one
    /// for each route. Two would each take a permit of it.
    pub fn layer(&self) -> AdmissionLayer {
        GateLayer { watch: self.watch.clone(), ..GateLayer::of(self.gates.clone()) }
    }

    /// Admission for work that is no request, such as a background job. Have the job
    /// observe its queries with the database that is protected, since the gates learn from
    /// those, and say with [`attributed`](crate::attributed) that they are no request's.
    ///
    /// ```
    /// # async fn job(
    /// #     admission: brownout::Admission,
    /// #     db: brownout::Database,
    /// #     query: std::future::Ready<Result<(), std::io::Error>>,
    /// # ) -> Result<(), Box<dyn std::error::Error>> {
    /// use brownout::{Class, Priority};
    ///
    /// let permit = admission.acquire(&Class::new(Priority::Bulk)).await?;
    /// brownout::attributed(db.statement("export").observe(query)).await?;
    /// drop(permit);
    /// # Ok(()) }
    /// ```
    ///
    /// # Errors
    ///
    /// A [`Rejection`] when a gate refuses, or there is no room in time.
    ///
    /// # Panics
    ///
    /// When it has to wait outside a tokio runtime with time enabled.
    ///
    /// # Cancel safety
    ///
    /// Dropping the future gives up the place.
    pub async fn acquire(&self, class: &Class) -> Result<GatesPermit, Rejection> {
        self.gates.acquire(class).await
    }

    /// The gate of the concurrency limit, to look at or to
    /// [`reload`](ConcurrencyGate::reload) while it serves. Of several databases, that of
    /// the first: see [`concurrency_of`](Self::concurrency_of).
    #[must_use]
    pub fn concurrency(&self) -> &ConcurrencyGate {
        self.gates.concurrency()
    }

    /// The circuit, to look at or to [force](BreakerGate::force_open). Of several
    /// databases, that of the first: see [`breaker_of`](Self::breaker_of).
    #[must_use]
    pub fn breaker(&self) -> &BreakerGate {
        self.gates.breaker()
    }

    /// The circuit of this database, if it is protected here.
    ///
    /// ```
    /// use brownout::{Admission, Circuit, Database};
    ///
    /// let (primary, replica) = (Database::new("primary"), Database::new("replica"));
    /// let admission = Admission::builder().protect(&primary).protect(&replica).build()?;
    /// let circuit = admission.breaker_of(&replica).expect("it is protected");
    /// circuit.force_open(); // the replica is to be replaced
    /// assert_eq!(admission.breaker().circuit(), Circuit::Closed);
    /// # Ok::<(), brownout::InvalidConfig>(())
    /// ```
    #[must_use]
    pub fn breaker_of(&self, database: &Database) -> Option<&BreakerGate> {
        self.gates.guard_of(database.into()).map(|guard| &guard.breaker)
    }

    /// The gate of the concurrency limit of this database, if it is protected here.
    #[must_use]
    pub fn concurrency_of(&self, database: &Database) -> Option<&ConcurrencyGate> {
        self.gates.guard_of(database.into()).map(|guard| &guard.concurrency)
    }

    /// The gate of the quotas, if there are any, to look at or to
    /// [`reload`](RateGate::reload) while it serves.
    #[must_use]
    pub fn rate(&self) -> Option<&RateGate> {
        self.gates.rate()
    }

    /// Sets the [level](crate::Brownout) of all databases, whatever they do, until
    /// [`release_level`](Self::release_level): to rehearse it, to test degraded pages, or to
    /// have room before a campaign starts. From 0 to 1. Nobody is refused for it.
    ///
    /// ```
    /// # let admission = brownout::Admission::builder().build()?;
    /// admission.force_level(0.5)?;
    /// assert_eq!(admission.snapshot().level, 0.5);
    /// admission.release_level();
    /// # Ok::<(), brownout::InvalidConfig>(())
    /// ```
    ///
    /// # Errors
    ///
    /// [`InvalidConfig`] if it is outside its range; nothing has changed then.
    pub fn force_level(&self, level: f64) -> Result<(), InvalidConfig> {
        self.gates.force_level(level)
    }

    /// Has the level go by what the databases did meanwhile.
    pub fn release_level(&self) {
        self.gates.release_level();
    }

    /// What changed last, the oldest first: 100 transitions at most.
    #[must_use]
    pub fn transitions(&self) -> Vec<Transition> {
        self.journal.transitions()
    }

    /// The last incidents, the oldest first: 20 at most, and one that lasts. Looks at how the
    /// service does now; otherwise that is looked at once a second while it is used.
    ///
    /// ```
    /// # let db = brownout::Database::new("shop");
    /// # let admission = brownout::Admission::builder().protect(&db).build()?;
    /// if let Some(incident) = admission.incidents().last() {
    ///     println!("{}", incident.to_markdown()); // the draft of a postmortem
    /// }
    /// # Ok::<(), brownout::InvalidConfig>(())
    /// ```
    #[must_use]
    pub fn incidents(&self) -> Vec<Incident> {
        // Where nobody comes, who looks has the databases heard.
        self.watch.pass(clock::now());
        self.watcher.incidents()
    }

    /// Those that are protected, in the order in which they were given; the service itself,
    /// if there is none.
    pub(crate) fn databases(&self) -> &[Database] {
        self.watch.databases()
    }

    /// What the gates hold and have decided so far. Who looks has the gates hear of databases
    /// that nobody has used for a while, as a request would, so that nothing old is told.
    #[must_use]
    pub fn snapshot(&self) -> Snapshot {
        self.watch.pass(clock::now());
        self.gates.snapshot()
    }
}

#[cfg(feature = "serde")]
impl Admission {
    /// Whether it was built so that nobody is refused.
    pub(crate) fn only_reports(&self) -> bool {
        self.gates.report_only()
    }
}
