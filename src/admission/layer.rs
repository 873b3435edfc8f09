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
    class::{Class, Classify, Priority},
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
///     .layer(admission.layer())
///     .route("/health", get(|| async { "needs none, and is not limited" }));
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
    pub(super) fn watching_service(self, service: Database) -> Self {
        Self { watch: Watch::Service(service), ..self }
    }
}

impl<G, C, P> GateLayer<G, C, P> {
    /// The same priority for all requests that pass here; what else
    /// [`classify`](Self::classify) says of them, such as their key, stays. Default:
    /// `Normal`.
    pub fn priority(self, priority: Priority) -> GateLayer<G, Prioritized<C>, P> {
        let Self { gate, classify, protocol, watch } = self;
        GateLayer { gate, classify: Prioritized { classify, priority }, protocol, watch }
    }

    /// Tells the class of each request: a closure from `&Request` to [`Class`], a
    /// [`Class`], or one of those in [`crate::http`]. Cloned with each service.
    pub fn classify<D>(self, classify: D) -> GateLayer<G, D, P> {
        let Self { gate, protocol, watch, .. } = self;
        GateLayer { gate, classify, protocol, watch }
    }

    /// Refuses with an error in place of an HTTP response, for services that do not
    /// speak HTTP. Their error has to be `From<Rejection>`, as `tower::BoxError` is.
    pub fn refuse_with_error(self) -> GateLayer<G, C, AsError> {
        self.over(AsError)
    }

    pub(crate) fn over<Q>(self, protocol: Q) -> GateLayer<G, C, Q> {
        let Self { gate, classify, watch, .. } = self;
        GateLayer { gate, classify, protocol, watch }
    }

    /// Tells what a result says about the load, for a gate that watches the service and
    /// for a breaker's probes: a closure from `&Result` to
    /// [`Outcome`](crate::Outcome). Default: what the protocol says ([`Http`],
    /// [`AsError`]).
    pub fn judge<J>(self, judge: J) -> GateLayer<G, C, Judged<P, J>> {
        let Self { gate, classify, protocol, watch } = self;
        GateLayer { gate, classify, protocol: Judged { protocol, judge }, watch }
    }

    /// The gate, to look at or to enter by hand.
    pub fn gate(&self) -> &G {
        &self.gate
    }
}

/// Classifies as another does, but for the priority. Made by [`GateLayer::priority`].
#[derive(Clone, Copy, Debug)]
pub struct Prioritized<C> {
    classify: C,
    priority: Priority,
}

impl<C, Req> Classify<Req> for Prioritized<C>
where
    C: Classify<Req>,
{
    fn classify(&self, request: &Req) -> Class {
        Class { priority: self.priority, ..self.classify.classify(request) }
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
