//! All gates behind one builder, with defaults for those who read nothing.

use std::{fmt, sync::Arc};

use super::{AdmissionLayer, GateLayer};
use crate::{
    class::Class,
    config::InvalidConfig,
    database::Database,
    event::Observe,
    gate::{
        CircuitBreaker, ConcurrencyGate, ConcurrencyLimit, Gates, GatesPermit, RateLimit, Snapshot,
    },
    rejection::Rejection,
};

/// Rate limit, circuit breaker and concurrency limit for one service: owns all state.
/// A cheap handle; clones share everything.
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
/// | limit | [`Knee`](crate::limit::Knee), from 8 | [`ConcurrencyLimit`] |
/// | its bounds | 0 to 200 requests in flight | [`min`](ConcurrencyLimit::min), [`max`](ConcurrencyLimit::max) |
/// | headroom | a tenth, for normal and critical requests | [`headroom`](ConcurrencyLimit::headroom) |
/// | queue | 200 requests for 400 ms | [`queue`](ConcurrencyLimit::queue), [`max_wait`](ConcurrencyLimit::max_wait) |
/// | circuit dims | half of 10 or more calls in 3 s slow or failed | [`trip_share`](CircuitBreaker::trip_share) |
/// | circuit opens | nothing back for 1 s, or 90 % slow or failed | [`CircuitBreaker`] |
/// | circuit stays open | 1 s, doubling to 10 s | [`open_for`](CircuitBreaker::open_for), [`open_at_most`](CircuitBreaker::open_at_most) |
/// | circuit closes | after 3 probes, with a ramp of 3 s | [`probes`](CircuitBreaker::probes) |
/// | slow | a query of more than 1 s | [`DatabaseBuilder::slow_after`](crate::DatabaseBuilder::slow_after) |
/// | rate | no quota | [`RateLimit`] |
/// | priority | normal | [`GateLayer::priority`], [`crate::http`] |
#[derive(Clone, Debug)]
pub struct Admission {
    gates: Gates,
    downstream: Database,
    database: bool,
}

impl Admission {
    /// The settings. With none at all: an adaptive limit and a breaker, both watching
    /// the service behind the layer, and no rate limit.
    pub fn builder() -> AdmissionBuilder {
        AdmissionBuilder {
            database: None,
            rate: None,
            breaker: CircuitBreaker::new(),
            concurrency: ConcurrencyLimit::new(),
            observer: Arc::new(()),
        }
    }

    /// A layer with these gates. Make as many as you like, say one for each route with
    /// a priority of its own: they share the limits. A request must pass only one of
    /// them: either one around everything, with [`Routes`](crate::http::Routes), or one
    /// for each route. Two would each take a permit of it.
    pub fn layer(&self) -> AdmissionLayer {
        let layer = GateLayer::of(self.gates.clone());
        let downstream = self.downstream.clone();
        if self.database {
            layer.watching_database(downstream)
        } else {
            layer.watching_service(downstream)
        }
    }

    /// Admission for work that is no request, such as a background job. Have the job
    /// observe its queries with the database that is protected: the gates learn from
    /// those.
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
    /// db.statement("export").observe(query).await?;
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
    /// [`reload`](ConcurrencyGate::reload) while it serves.
    #[must_use]
    pub fn concurrency(&self) -> &ConcurrencyGate {
        self.gates.concurrency()
    }

    /// What the gates hold and have decided so far.
    #[must_use]
    pub fn snapshot(&self) -> Snapshot {
        self.gates.snapshot()
    }
}

/// Settings of an [`Admission`].
#[must_use]
pub struct AdmissionBuilder {
    database: Option<Database>,
    rate: Option<RateLimit>,
    breaker: CircuitBreaker,
    concurrency: ConcurrencyLimit,
    observer: Arc<dyn Observe>,
}

impl AdmissionBuilder {
    /// The database to be kept from overload. The limit and the breaker follow the
    /// queries that it observes; if it observes none, they never move. Default: they
    /// follow the service behind the layer.
    pub fn protect(self, database: &Database) -> Self {
        Self { database: Some(database.clone()), ..self }
    }

    /// A quota. Default: none.
    pub fn rate(self, rate: RateLimit) -> Self {
        Self { rate: Some(rate), ..self }
    }

    /// When the circuit opens. Default: [`CircuitBreaker::new`].
    pub fn breaker(self, breaker: CircuitBreaker) -> Self {
        Self { breaker, ..self }
    }

    /// How many requests may be in flight. Default: [`ConcurrencyLimit::new`].
    pub fn concurrency(self, concurrency: ConcurrencyLimit) -> Self {
        Self { concurrency, ..self }
    }

    /// Sees every refusal and transition. Default: nobody does.
    pub fn on_event(self, observer: impl Observe + 'static) -> Self {
        Self { observer: Arc::new(observer), ..self }
    }

    /// The gates, subscribed to the database.
    ///
    /// # Errors
    ///
    /// [`InvalidConfig`] if a setting is outside its range.
    pub fn build(self) -> Result<Admission, InvalidConfig> {
        let rate = self.rate.map(RateLimit::gate).transpose()?;
        let breaker = self.breaker.observed_gate(self.observer.clone())?;
        let concurrency = self.concurrency.observed_gate(self.observer.clone())?;
        let database = self.database.is_some();
        let downstream = self.database.unwrap_or_else(|| Database::new("service"));
        downstream.subscribe(breaker.listener());
        downstream.subscribe(concurrency.listener());
        let gates = Gates::new(rate, breaker, concurrency, self.observer);
        Ok(Admission { gates, downstream, database })
    }
}

impl fmt::Debug for AdmissionBuilder {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("AdmissionBuilder")
            .field("database", &self.database)
            .field("rate", &self.rate)
            .field("breaker", &self.breaker)
            .field("concurrency", &self.concurrency)
            .finish_non_exhaustive()
    }
}
