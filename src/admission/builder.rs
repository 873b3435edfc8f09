//! Settings of all gates, with defaults for those who read nothing.

use std::{fmt, sync::Arc};

use super::{Admission, door::Doorkeeper, prober::Prober, report, watch::Watch};
use crate::{
    class::Downstream,
    config::{self, InvalidConfig},
    database::Database,
    event::{Event, Observe, Subject},
    gate::{CircuitBreaker, ConcurrencyLimit, Counts, Gates, Guard, Place, RateLimit},
    incident::Watcher,
    journal::Journal,
};

/// Settings of an [`Admission`].
#[must_use]
pub struct AdmissionBuilder {
    pub(super) databases: Vec<(Database, Option<ConcurrencyLimit>)>,
    /// For the databases of these names, whatever else is said of them.
    pub(super) by_name: Vec<(String, ConcurrencyLimit)>,
    place: Place,
    rate: Option<RateLimit>,
    breaker: CircuitBreaker,
    concurrency: ConcurrencyLimit,
    dim_above: f64,
    report_only: bool,
    observer: Arc<dyn Observe>,
}

impl AdmissionBuilder {
    pub(super) fn new() -> Self {
        Self {
            databases: Vec::new(),
            by_name: Vec::new(),
            place: Place::default(),
            rate: None,
            breaker: CircuitBreaker::new(),
            concurrency: ConcurrencyLimit::new(),
            dim_above: DIM_ABOVE,
            report_only: false,
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
    /// handler fails for it, or by a [fallback](crate::FallbackLayer) that can. Default: a request takes its permits where it comes in, and
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

    /// What is optional is left out so far that no more requests are in flight and waiting,
    /// the bulk aside, than this share of 1.4 times the limit and what is done in 22 ms: see
    /// [`Brownout`](crate::Brownout). More than 0 and at most 1. Default: 0.8, which is the
    /// limit, an eighth of it, and what is done in 18 ms. Within a third more or less, the
    /// level stays where it is.
    pub fn dim_above(self, share: f64) -> Self {
        Self { dim_above: share, ..self }
    }

    /// Everything is decided and shown, and nobody is refused, delayed or served less: the first
    /// step to adopt it. Who would have been refused is counted
    /// ([`Snapshot::would_refuse_of`](crate::Snapshot::would_refuse_of)) and is an event
    /// ([`Event::WouldRefuse`](crate::Event::WouldRefuse)); the level is told, and requests do not
    /// see it. A circuit that is forced open still refuses, and so does a
    /// [drain](Admission::drain); a level that is forced is seen, and a
    /// request still waits for the answer of a fleet that shares a quota. A gate alone has its own setting:
    /// [`CircuitBreaker::report_only`], [`RateLimit::report_only`],
    /// [`ConcurrencyLimit::report_only`]. Default: gates are enforced.
    ///
    /// What is not refused makes what comes after it wait, so that as long as nothing is
    /// enforced, an overload is deeper, and more would be refused, than afterwards.
    ///
    /// ```
    /// # let db = brownout::Database::new("shop");
    /// use brownout::{Admission, Priority, Reason};
    ///
    /// let admission = Admission::builder().protect(&db).report_only().build()?;
    /// let critical = admission.snapshot().would_refuse_of(Priority::Critical, Reason::QueueFull);
    /// assert_eq!(critical, 0);
    /// # Ok::<(), brownout::InvalidConfig>(())
    /// ```
    pub fn report_only(self) -> Self {
        Self { report_only: true, ..self }
    }

    /// Has all gates only report, if it is to.
    fn settle(self) -> Self {
        if !self.report_only {
            return self;
        }
        let limits = self.databases.into_iter();
        let limits =
            limits.map(|(own, limit)| (own, limit.map(ConcurrencyLimit::report_only))).collect();
        Self {
            databases: limits,
            rate: self.rate.map(RateLimit::report_only),
            breaker: self.breaker.report_only(),
            concurrency: self.concurrency.report_only(),
            ..self
        }
    }

    /// Sees every refusal and transition: a closure such as
    /// `|event: &Event| println!("{event}")`, which has to say what it takes, or
    /// `brownout::tracing::Log`. Called again, one more does. Default: nobody does.
    pub fn on_event(self, observer: impl Observe + 'static) -> Self {
        let (first, then) = (self.observer, Box::new(observer));
        Self { observer: Arc::new(Both { first, then }), ..self }
    }

    /// The gates, subscribed to the database.
    ///
    /// # Errors
    ///
    /// [`InvalidConfig`] if a setting is outside its range.
    pub fn build(self) -> Result<Admission, InvalidConfig> {
        self.named()?.settle().build_settled()
    }

    pub(crate) fn checked_dim_above(&self) -> Result<f64, InvalidConfig> {
        config::share("dim_above", self.dim_above)
    }

    fn build_settled(mut self) -> Result<Admission, InvalidConfig> {
        let journal = Arc::new(Journal::before(self.observer));
        self.observer = journal.clone();
        let observer = self.observer.clone();
        let dim_above = self.checked_dim_above()?;
        let noted = |own| Arc::new(journal.also_before(own)) as Arc<dyn Observe>;
        let rate = self.rate.map(|rate| rate.map_observer(noted).observed_gate(observer));
        let rate = rate.transpose()?;
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
                counts: Counts::default(),
            })
        });
        let guards = guards.collect::<Result<_, _>>()?;
        let route_breaker = self.breaker.for_routes(names, self.observer.clone())?;
        let route_breaker = service.is_none().then_some(route_breaker);
        let (place, report_only) = (self.place, self.report_only);
        let gates =
            Gates::new(rate, guards, place, route_breaker, dim_above, report_only, self.observer);
        for (index, database) in databases.iter().enumerate() {
            database.subscribe(gates.listener(index));
            database.subscribe(Prober::new(gates.weak(), index, database));
            database.set_door(Arc::new(Doorkeeper::new(&gates, index)));
            let weak = gates.weak();
            database.set_routes(move || report::routes(&weak, index));
        }
        let databases: Arc<[Database]> = databases.into();
        let watcher = Watcher::new(gates.weak(), databases.clone(), journal.clone());
        databases.iter().for_each(|database| database.subscribe(watcher.listener()));
        let watch = service.as_ref().map_or(Watch::Databases(databases), Watch::service);
        Ok(Admission { gates, watch, journal, watcher })
    }
}

/// Two who watch, one after the other.
struct Both {
    first: Arc<dyn Observe>,
    then: Box<dyn Observe>,
}

impl Observe for Both {
    fn observe(&self, event: &Event) {
        self.first.observe(event);
        self.then.observe(event);
    }

    fn looks(&self) -> bool {
        self.first.looks() || self.then.looks()
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
            .field("dim_above", &self.dim_above)
            .field("report_only", &self.report_only)
            .finish_non_exhaustive()
    }
}

/// The pressure that the level aims at.
const DIM_ABOVE: f64 = 0.8;
