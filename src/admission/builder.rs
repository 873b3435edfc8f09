//! Settings of all gates, with defaults for those who read nothing.

use std::{
    fmt,
    sync::{Arc, atomic::AtomicU64},
};

use super::{Admission, door::Doorkeeper, prober::Prober, report, watch::Watch};
use crate::{
    class::Downstream,
    config::InvalidConfig,
    database::Database,
    event::{Observe, Subject},
    gate::{CircuitBreaker, ConcurrencyLimit, Gates, Guard, Place, RateLimit},
};

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
    pub(super) fn new() -> Self {
        Self {
            databases: Vec::new(),
            place: Place::default(),
            rate: None,
            breaker: CircuitBreaker::new(),
            concurrency: ConcurrencyLimit::new(),
            observer: Arc::new(()),
        }
    }

    /// A database to be kept from overload: called again, one more. Each has a circuit and
    /// a limit of its own, which follow the queries that it observes; if it observes none,
    /// they never move. A request passes those of the databases that it needs
    /// ([`Class::needs`](crate::Class::needs)): one that is down harms nobody else. Default: none; a circuit and
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

    /// Sees every refusal and transition: a closure such as
    /// `|event: &Event| println!("{event}")`, which has to say what it takes. Default: nobody
    /// does.
    pub fn on_event(self, observer: impl Observe + 'static) -> Self {
        Self { observer: Arc::new(observer), ..self }
    }

    /// The gates, subscribed to the database.
    ///
    /// # Errors
    ///
    /// [`InvalidConfig`] if a setting is outside its range.
    pub fn build(self) -> Result<Admission, InvalidConfig> {
        let observer = self.observer.clone();
        let rate = self.rate.map(|rate| rate.observed_gate(observer)).transpose()?;
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
