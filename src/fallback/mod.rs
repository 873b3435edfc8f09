//! Another service answers what was refused: a cheaper page, a stale copy, a replica.

use tower::{Layer, Service};

use crate::{
    admission::{Answer, GateLayer, GateService, Oneshot},
    rejection::Rejection,
};

/// A [`GateLayer`] whose refusals another service answers. Made by
/// [`GateLayer::fallback`].
///
/// ```
/// use std::convert::Infallible;
/// use axum::{Router, extract::Request, response::{IntoResponse, Response}, routing::get};
/// use brownout::{Admission, Database, Priority};
/// use tower::service_fn;
///
/// let db = Database::new("shop");
/// let admission = Admission::builder().protect(&db).build()?;
/// let last_known = service_fn(|_refused: Request| async {
///     Ok::<Response, Infallible>("yesterday's bestsellers".into_response())
/// });
/// let feed = admission.layer().priority(Priority::Sheddable).fallback(last_known);
/// let app: Router = Router::new()
///     .route("/feed", get(|| async { "today's bestsellers" }))
///     .layer(feed);
/// # Ok::<(), brownout::InvalidConfig>(())
/// ```
///
/// It gets the refused request whole, so nothing has to be `Clone`, and it is not limited
/// by the gate that refused. It must not lean on what is overloaded.
///
/// It answers all refusals, those for a quota too.
#[derive(Clone, Debug)]
pub struct FallbackLayer<G, C, P, F> {
    gate: GateLayer<G, C, P>,
    fallback: Fallback<F>,
}

impl<G, C, P> GateLayer<G, C, P> {
    /// Another service answers what is refused here.
    pub fn fallback<F>(self, service: F) -> FallbackLayer<G, C, P, F> {
        FallbackLayer::new(self, service)
    }
}

impl<G, C, P, F> FallbackLayer<G, C, P, F> {
    /// Has `service` answer what `gate` refuses. Its response and error have to be of
    /// the types of the service that the layer is put around. It is cloned for each
    /// refused request, and called when it is ready.
    pub fn new(gate: GateLayer<G, C, P>, service: F) -> Self {
        Self { gate, fallback: Fallback { service } }
    }
}

impl<S, G, C, P, F> Layer<S> for FallbackLayer<G, C, P, F>
where
    G: Clone,
    C: Clone,
    P: Clone,
    F: Clone,
{
    type Service = GateService<S, G, C, P, Fallback<F>>;

    fn layer(&self, inner: S) -> Self::Service {
        GateService::new(inner, self.gate.clone(), self.fallback.clone())
    }
}

/// Answers with a service.
#[derive(Clone, Debug)]
pub struct Fallback<F> {
    service: F,
}

impl<F, Req> Answer<Req, F::Response, F::Error> for Fallback<F>
where
    F: Service<Req>,
{
    type Future = Oneshot<F, Req>;

    fn answer(self, request: Req, _rejection: &Rejection) -> Option<Self::Future> {
        Some(Oneshot::new(self.service, request))
    }
}
