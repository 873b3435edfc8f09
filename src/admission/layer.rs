//! The layer: settings, and nothing else.

use std::sync::Arc;

use tower::Layer;

use super::{
    answer::Nobody,
    protocol::{AsError, Http, Judged},
    service::GateService,
    watch::Watch,
};
use crate::{
    class::{Class, Classify, Downstream, Priority},
    database::Database,
};

/// Puts a gate in front of a service. Cheap to clone; clones and all the services that
/// it makes share the gate.
///
/// In front of an axum app with one database:
///
/// ```
/// use axum::{Router, routing::get};
/// use brownout::{Admission, Database};
///
/// let db = Database::new("shop");
/// let admission = Admission::builder().protect(&db).build()?;
/// let app: Router = Router::new()
///     .route("/products", get(|| async { "from the database" }))
///     .layer(admission.layer());
/// # Ok::<(), brownout::InvalidConfig>(())
/// ```
///
/// In front of a Tower service that does not speak HTTP, a refusal is an error:
///
/// ```
/// use brownout::{ConcurrencyLimitLayer, Rejection};
/// use tower::{BoxError, Service, ServiceBuilder, service_fn};
/// # use tower::ServiceExt;
///
/// # #[tokio::main(flavor = "current_thread")]
/// # async fn main() -> Result<(), BoxError> {
/// let mut service = ServiceBuilder::new()
///     .layer(ConcurrencyLimitLayer::new().refuse_with_error())
///     .service(service_fn(|number: u32| async move { Ok::<_, BoxError>(number + 1) }));
///
/// match service.ready().await?.call(41).await {
///     Ok(number) => assert_eq!(number, 42),
///     Err(error) if error.is::<Rejection>() => println!("come back later"),
///     Err(error) => return Err(error),
/// }
/// # Ok(()) }
/// ```
///
/// A service takes the layer as it is if it answers with `http::Response`, whatever its
/// error; any other takes it with [`refuse_with_error`](Self::refuse_with_error) if its
/// error is `From<Rejection>`, as `tower::BoxError` is.
///
/// The gate decides when the service is called, not when it is polled for readiness:
/// only then is the request there to be classified. `poll_ready` is the inner service's.
///
/// A layer makes no state: all of it is in the gate, which clones share. So the limit
/// holds whether the layer is applied once or, as axum does, for every route,
/// connection and request anew; and separate limits take separate gates.
///
/// # Panics
///
/// The service's future panics when a request has to wait outside a tokio runtime with
/// time enabled.
#[derive(Clone, Debug)]
#[must_use]
pub struct GateLayer<G, C = Class, P = Http> {
    pub(super) gate: G,
    pub(super) classify: C,
    pub(super) protocol: P,
    pub(super) watch: Watch,
}

impl<G> GateLayer<G> {
    /// A layer for this gate, with [`Priority::Normal`] for all requests, over HTTP.
    pub fn of(gate: G) -> Self {
        Self { gate, classify: Class::default(), protocol: Http, watch: Watch::Nothing }
    }

    /// Has these send their signals when a request comes by.
    pub(super) fn watching_databases(self, databases: Arc<[Database]>) -> Self {
        Self { watch: Watch::Databases(databases), ..self }
    }

    /// Counts requests as queries of `service`.
    pub(super) fn watching_service(self, service: &Database) -> Self {
        Self { watch: Watch::service(service), ..self }
    }
}

impl<G, P> GateLayer<G, Class, P> {
    /// Tells the class of each request: a closure from `&Request` to [`Class`], a
    /// [`Class`], or one of those in [`crate::http`]. Cloned with each service.
    ///
    /// It comes first. What [`priority`](Self::priority), [`needs`](Self::needs),
    /// [`exempt`](Self::exempt), [`key`](Self::key) (without which all share one quota),
    /// [`deadline`](Self::deadline), [`retries`](Self::retries) and `propagated` say is said of
    /// the class that is there; a class in their place would lose it, and does not compile:
    ///
    /// ```compile_fail,E0599
    /// # let layer = brownout::ConcurrencyLimitLayer::new();
    /// # let classify = brownout::Class::default();
    /// # let second = std::time::Duration::from_secs(1);
    /// let layer = layer.deadline(second).classify(classify);
    /// ```
    ///
    /// ```
    /// # let layer = brownout::ConcurrencyLimitLayer::new();
    /// # let classify = brownout::Class::default();
    /// # let second = std::time::Duration::from_secs(1);
    /// let layer = layer.classify(classify).deadline(second);
    /// # let _ = layer;
    /// ```
    pub fn classify<D>(self, classify: D) -> GateLayer<G, D, P> {
        self.map_classify(|_| classify)
    }
}

impl<G, C, P> GateLayer<G, C, P> {
    /// The same priority for all requests that pass here; what else
    /// [`classify`](GateLayer::classify) says of them, such as their key, stays. Default:
    /// `Normal`.
    pub fn priority(self, priority: Priority) -> GateLayer<G, Changed<C>, P> {
        self.changed(Change::Priority(priority))
    }

    /// All requests that pass here need this database, whatever their route was seen to
    /// use: a `&Database`. Called again, they need both. Default: what is learned of the
    /// route.
    ///
    /// ```
    /// use brownout::{Admission, Database, Priority};
    ///
    /// let (primary, replica) = (Database::new("primary"), Database::new("replica"));
    /// let admission = Admission::builder().protect(&primary).protect(&replica).build()?;
    /// let reports = admission.layer().priority(Priority::Bulk).needs(&replica);
    /// # let _ = reports;
    /// # Ok::<(), brownout::InvalidConfig>(())
    /// ```
    pub fn needs(self, database: impl Into<Downstream>) -> GateLayer<G, Changed<C>, P> {
        self.changed(Change::Needs(database.into()))
    }

    /// No gate may refuse, delay or count what passes here, also no quota. Default: they
    /// may. A page that needs no database is let alone without it, once that is learned.
    pub fn exempt(self) -> GateLayer<G, Changed<C>, P> {
        self.changed(Change::Exempt)
    }

    fn changed(self, change: Change) -> GateLayer<G, Changed<C>, P> {
        self.map_classify(|classify| Changed { classify, change })
    }

    /// Refuses with an error in place of an HTTP response, for services that do not
    /// speak HTTP. Their error has to be `From<Rejection>`, as `tower::BoxError` is.
    pub fn refuse_with_error(self) -> GateLayer<G, C, AsError> {
        self.map_protocol(|_| AsError)
    }

    pub(crate) fn map_classify<D>(self, change: impl FnOnce(C) -> D) -> GateLayer<G, D, P> {
        let Self { gate, classify, protocol, watch } = self;
        GateLayer { gate, classify: change(classify), protocol, watch }
    }

    pub(crate) fn map_protocol<Q>(self, change: impl FnOnce(P) -> Q) -> GateLayer<G, C, Q> {
        let Self { gate, classify, protocol, watch } = self;
        GateLayer { gate, classify, protocol: change(protocol), watch }
    }

    /// Tells what a result says about the load, for a gate that watches the service and
    /// for a breaker's probes: a closure from `&Result` to
    /// [`Outcome`](crate::Outcome). Default: what the protocol says ([`Http`],
    /// [`AsError`]).
    pub fn judge<J>(self, judge: J) -> GateLayer<G, C, Judged<P, J>> {
        self.map_protocol(|protocol| Judged { protocol, judge })
    }

    /// The gate, to look at or to enter by hand.
    pub fn gate(&self) -> &G {
        &self.gate
    }
}

/// Classifies as another does, but for one thing. Made by [`GateLayer::priority`],
/// [`needs`](GateLayer::needs) and [`exempt`](GateLayer::exempt).
#[derive(Clone, Copy, Debug)]
pub struct Changed<C> {
    classify: C,
    change: Change,
}

#[derive(Clone, Copy, Debug)]
enum Change {
    Priority(Priority),
    Needs(Downstream),
    Exempt,
}

impl<C, Req> Classify<Req> for Changed<C>
where
    C: Classify<Req>,
{
    fn classify(&self, request: &Req) -> Class {
        let class = self.classify.classify(request);
        match self.change {
            Change::Priority(priority) => Class { priority, ..class },
            Change::Needs(database) => class.needs(database),
            Change::Exempt => Class { exempt: true, ..class },
        }
    }
}

impl<S, G, C, P> Layer<S> for GateLayer<G, C, P>
where
    G: Clone,
    C: Clone,
    P: Clone,
{
    type Service = GateService<S, G, C, P, Nobody>;

    fn layer(&self, inner: S) -> Self::Service {
        GateService::new(inner, self.clone(), Nobody)
    }
}
