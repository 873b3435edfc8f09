//! All gates behind one builder, with defaults for those who read nothing.

use std::{
    fmt,
    sync::{Arc, atomic::AtomicU64},
};

use super::{AdmissionLayer, GateLayer, door::Doorkeeper, prober::Prober, report, watch::Watch};
use crate::{
    class::{Class, Downstream},
    config::InvalidConfig,
    database::Database,
    event::{Observe, Subject},
    gate::{
        BreakerGate, CircuitBreaker, ConcurrencyGate, ConcurrencyLimit, Gates, GatesPermit, Guard,
        Place, RateLimit, Snapshot,
    },
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
/// | limit | [`Knee`](crate::limit::Knee), from 8 | [`ConcurrencyLimit`] |
/// | its bounds | 0 to 200 requests in flight, and what the pool is enough for, if that is known | [`min`](ConcurrencyLimit::min), [`max`](ConcurrencyLimit::max) |
/// | headroom | a tenth, for normal and critical requests | [`headroom`](ConcurrencyLimit::headroom) |
/// | queue | 200 requests for 400 ms | [`queue`](ConcurrencyLimit::queue), [`max_wait`](ConcurrencyLimit::max_wait) |
/// | circuit dims | half of 10 or more calls in 3 s slow or failed, whatever the statement | [`trip_share`](CircuitBreaker::trip_share), [`min_calls`](CircuitBreaker::min_calls), [`window`](CircuitBreaker::window) |
/// | circuit opens | nothing back for 1 s, or 90 % of the calls of a second failed | [`stall_after`](CircuitBreaker::stall_after), [`CircuitBreaker`] |
/// | that of a route opens | nothing back for 100 ms, while others are answered | [`stall_after`](CircuitBreaker::stall_after), if that is less |
/// | and stays open | 1 s, doubling once | [`open_for`](CircuitBreaker::open_for) |
/// | circuit stays open | 1 s, doubling to 10 s, give or take a fifth | [`open_for`](CircuitBreaker::open_for), [`open_at_most`](CircuitBreaker::open_at_most) |
/// | an open one asks | every 250 ms, where the database has a pool of `db.sqlx` | [`probe_every`](CircuitBreaker::probe_every), else [`BreakerGate::probing`](crate::BreakerGate::probing) |
/// | circuit closes | after 3 probes, with a ramp of 3 s | [`probes`](CircuitBreaker::probes) |
/// | slow | a query of more than 1 s, or of 20 times what its statement takes alone and more than 100 ms | [`DatabaseBuilder::slow_after`](crate::DatabaseBuilder::slow_after), [`slow_times`](crate::DatabaseBuilder::slow_times) |
/// | a route is known | after 50 requests; it needs no database if fewer than 1 % of them ran a query | [`GateLayer::needs`], [`GateLayer::exempt`] |
/// | it may yet need one | while more than 5 % of the queries belong to no known request | [`attributed`](crate::attributed) |
/// | cost | what is learned of the route, else 1 | [`Class::cost`] |
/// | rate | no quota | [`RateLimit`] |
/// | priority | normal | [`GateLayer::priority`], [`crate::http`] |
#[derive(Clone, Debug)]
pub struct Admission {
    gates: Gates,
    watch: Watch,
}

impl Admission {
    /// The settings. With none at all: an adaptive limit and a breaker, both watching
    /// the service behind the layer, and no rate limit.
    pub fn builder() -> AdmissionBuilder {
        AdmissionBuilder {
            databases: Vec::new(),
            place: Place::default(),
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

    /// What the gates hold and have decided so far.
    #[must_use]
    pub fn snapshot(&self) -> Snapshot {
        self.gates.snapshot()
    }
}

/// Settings of an [`Admission`].
#[must_use]
pub struct AdmissionBuilder {
    databases: Vec<(Database, Option<ConcurrencyLimit>)>,
    place: Place,
    rate: Option<RateLimit>,
    breaker: CircuitBreaker,
    concurrency: ConcurrencyLimit,
    observer: Arc<dyn Observe>,
}

impl AdmissionBuilder {
    /// A database to be kept from overload: called again, one more. Each has a circuit and
    /// a limit of its own, which follow the queries that it observes; if it observes none,
    /// they never move. A request passes those of the databases that it needs
    /// ([`Class::needs`]): one that is down harms nobody else. Default: none; a circuit and
    /// a limit follow the service behind the layer.
    ///
    /// The last word on the same database counts.
    pub fn protect(self, database: &Database) -> Self {
        self.protecting(database, None)
    }

    /// The same, with a limit of its own in place of [`concurrency`](Self::concurrency).
    pub fn protect_with(self, database: &Database, concurrency: ConcurrencyLimit) -> Self {
        self.protecting(database, Some(concurrency))
    }

    fn protecting(mut self, database: &Database, own: Option<ConcurrencyLimit>) -> Self {
        let number = Downstream::from(database);
        self.databases.retain(|(other, _)| Downstream::from(other) != number);
        self.databases.push((database.clone(), own));
        self
    }

    /// Circuits and limits bind where a request takes a connection
    /// ([`Database::checkout`], or a wrapped pool), and not where it comes in; there, only
    /// the quota does. A request that is refused so is answered with the refusal if its
    /// handler fails for it. Default: a request takes its permits where it comes in, and
    /// only one that was not expected to need a database asks at the connection.
    ///
    /// Where many requests do much before they need the database for a short time, this
    /// uses it better; a refusal is dearer, since it comes late.
    pub fn at_checkout(self) -> Self {
        Self { place: Place::Checkout, ..self }
    }

    /// A quota. Default: none.
    pub fn rate(self, rate: RateLimit) -> Self {
        Self { rate: Some(rate), ..self }
    }

    /// When the circuits open: those of the databases, and those of the routes. Default:
    /// [`CircuitBreaker::new`].
    pub fn breaker(self, breaker: CircuitBreaker) -> Self {
        Self { breaker, ..self }
    }

    /// How many requests may be in flight at each database. Default:
    /// [`ConcurrencyLimit::new`].
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
        let service = self.databases.is_empty().then(|| Database::new("service"));
        let given = service.iter().map(|service| (service.clone(), None)).chain(self.databases);
        let (databases, limits): (Vec<_>, Vec<_>) = given.unzip();
        let names: Vec<Arc<str>> = databases.iter().map(|own| own.name().into()).collect();
        let guards = databases.iter().zip(&names).zip(limits).map(|((database, name), limit)| {
            let of = Subject { database: Some(name.clone()), route: None };
            let limit = limit.unwrap_or_else(|| self.concurrency.clone());
            Ok(Guard {
                database: database.into(),
                name: name.clone(),
                breaker: self.breaker.observed_gate(of.clone(), self.observer.clone())?,
                concurrency: limit.observed_gate(of, self.observer.clone())?,
                admitted: AtomicU64::default(),
            })
        });
        let guards = guards.collect::<Result<_, _>>()?;
        let route_breaker = self.breaker.for_routes(names, self.observer.clone())?;
        let route_breaker = service.is_none().then_some(route_breaker);
        let gates = Gates::new(rate, guards, self.place, route_breaker, self.observer);
        for (index, database) in databases.iter().enumerate() {
            database.subscribe(gates.listener(index));
            database.subscribe(Prober::new(gates.weak(), index, database));
            database.set_door(Arc::new(Doorkeeper::new(&gates, index)));
            let weak = gates.weak();
            database.set_routes(move || report::routes(&weak, index));
        }
        let databases = databases.into();
        let watch = service.map_or(Watch::Databases(databases), Watch::Service);
        Ok(Admission { gates, watch })
    }
}

impl fmt::Debug for AdmissionBuilder {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("AdmissionBuilder")
            .field("databases", &self.databases)
            .field("place", &self.place)
            .field("rate", &self.rate)
            .field("breaker", &self.breaker)
            .field("concurrency", &self.concurrency)
            .finish_non_exhaustive()
    }
}
