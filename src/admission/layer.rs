//! The layer: settings, and nothing else.

use tower::Layer;

use super::{
    answer::Nobody,
    protocol::{AsError, Http, Judged},
    service::GateService,
    watch::Watch,
};
use crate::{
    class::{Class, Priority},
    database::Database,
};

/// Puts a gate in front of a service. Cheap to clone; clones and all the services that
/// it makes share the gate.
///
/// The gate decides when the service is called, not when it is polled for readiness:
/// only then is the request there to be classified. `poll_ready` is the inner service's.
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

    /// Has `database` send its signals when a request comes by.
    pub(super) fn watching_database(self, database: Database) -> Self {
        Self { watch: Watch::Database(database), ..self }
    }

    /// Counts requests as queries of `service`.
    pub(super) fn watching_service(self, service: Database) -> Self {
        Self { watch: Watch::Service(service), ..self }
    }
}

impl<G, C, P> GateLayer<G, C, P> {
    /// The same priority for all requests that pass here. Default: `Normal`.
    pub fn priority(self, priority: Priority) -> GateLayer<G, Class, P> {
        self.classify(Class::new(priority))
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
        let Self { gate, classify, watch, .. } = self;
        GateLayer { gate, classify, protocol: AsError, watch }
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
