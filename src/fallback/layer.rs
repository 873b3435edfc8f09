//! The layer and its settings.

use tower::Layer;

use super::{
    answer::{Fallback, Terms},
    called::ByService,
    limit::{FallbackSnapshot, Limit},
};
use crate::admission::{GateLayer, GateService};

/// A [`GateLayer`] whose refusals somebody else answers: a replica, a static page, a queue.
/// Made by [`GateLayer::fallback`] of a service, and over HTTP by
/// [`fallback_with`](GateLayer::fallback_with) and
/// [`fallback_async`](GateLayer::fallback_async) of a closure. It comes last: what is said of
/// requests, their key or deadline, is said before on the [`GateLayer`].
///
/// A service gets the refused request whole, so nothing has to be `Clone`, and finds the
/// [`Rejection`](crate::Rejection) in the request's extensions. In axum it is any handler or
/// router, and each route may have its own:
///
/// ```
/// use axum::{Extension, Router, extract::Path, response::IntoResponse, routing::get};
/// use brownout::{Admission, Database, Rejection};
///
/// async fn from_replica(Path(id): Path<u64>, Extension(why): Extension<Rejection>) -> String {
///     format!("product {id}, as of a minute ago ({})", why.reason())
/// }
///
/// let db = Database::new("shop");
/// let admission = Admission::builder().protect(&db).build()?;
/// let product = admission.layer().fallback(get(from_replica)).limit(20);
/// let feed = admission.layer().fallback_with(|_, _| "yesterday's bestsellers".into_response());
/// let app: Router = Router::new()
///     .route("/products/{id}", get(|| async { "fresh" }).layer(product))
///     .route("/feed", get(|| async { "today's bestsellers" }).layer(feed))
///     // It has none.
///     .route("/account", get(|| async { "your orders" }).layer(admission.layer()));
/// # let _ = app;
/// # Ok::<(), brownout::InvalidConfig>(())
/// ```
///
/// One layer around all routes tells them apart by what is in the head:
///
/// ```
/// use axum::{Router, extract::MatchedPath, response::IntoResponse, routing::get};
/// use brownout::{Admission, Database};
///
/// let db = Database::new("shop");
/// let admission = Admission::builder().protect(&db).build()?;
/// let pages = admission.layer().fallback_with(|parts, _| {
///     let page = match parts.extensions.get::<MatchedPath>()?.as_str() {
///         "/feed" => "yesterday's bestsellers",
///         "/search" => "no results",
///         _ => return None,
///     };
///     Some(page.into_response())
/// });
/// let app: Router = Router::new()
///     .route("/feed", get(|| async { "today's bestsellers" }))
///     .route("/search", get(|| async { "42 results" }))
///     .route("/checkout", get(|| async { "ordered" }))
///     .layer(pages);
/// # let _ = app;
/// # Ok::<(), brownout::InvalidConfig>(())
/// ```
///
/// A `Router` does so too, `.fallback(Router::new().route("/feed", ..))`, where the paths have
/// no parameters: inside of a route, axum gives the handlers of another router those of both.
/// A handler alone, as `from_replica` above, has them once.
///
/// # What it answers
///
/// What is refused for load, by a circuit or for its deadline, and without an answer of the
/// [`Fleet`](crate::Fleet)'s store. A client over its quota gets its 429, unless told
/// [otherwise](Self::over_quota); one that has no [key](crate::Class::key) always gets its 400.
/// Not what the service itself answers, be it an error or a 503.
///
/// # In the midst
///
/// A request may be refused when the service has it already: at its connection, with
/// [`at_checkout`](crate::AdmissionBuilder::at_checkout) or where its route was not expected to
/// need the database. If the service then fails, a closure answers in its place; it may be that
/// the handler has done a part of its work before, as it may with the refusal. A service as the
/// fallback answers there only if told ([`in_the_midst`](FallbackLayer::in_the_midst)), since
/// the body is gone. For both, the head of each admitted request is copied: the map of its
/// headers, whose values are shared, and its extensions by their `Clone`. That is done only behind an [`AdmissionLayer`](crate::AdmissionLayer), since no
/// other gate refuses in the midst, and for nobody else.
///
/// # So that it does not melt the next thing
///
/// In a surge what is refused may be most of all that comes, and whatever the fallback leans on
/// gets it at once. So no more than 100 answers are on their way at once
/// ([`limit`](Self::limit)); the others get the refusal, without a wait. The count is from the
/// refusal to the head of the answer. The fallback is not limited by the gate that refused, and
/// its answer holds no permit of it. It must not lean on what is overloaded: its queries are no
/// part of the request, and no door asks them to wait.
///
/// A limit that follows what the replica can do, or that lasts to the end of the body, is one
/// that the fallback has around itself:
///
/// ```
/// use axum::{Router, routing::get};
/// use brownout::{Admission, ConcurrencyLimitLayer, Database};
///
/// let (db, replica) = (Database::new("shop"), Database::new("replica"));
/// let admission = Admission::builder().protect(&db).build()?;
/// let from_replica = get(|| async { "from the replica" })
///     .layer(ConcurrencyLimitLayer::protecting(&replica));
/// let app: Router = Router::new()
///     .route("/products", get(|| async { "from the database" }))
///     .layer(admission.layer().fallback(from_replica).limit(usize::MAX));
/// # let _ = app;
/// # Ok::<(), brownout::InvalidConfig>(())
/// ```
///
/// # How it looks
///
/// As the fallback has it; over HTTP the response has [`FellBack`](crate::FellBack) among its
/// extensions, for what is outside. A [`StaleLayer`](crate::StaleLayer) outside lets it pass and
/// does not keep it. For caches of others, say `Cache-Control: no-store`.
#[derive(Clone, Debug)]
#[must_use]
pub struct FallbackLayer<G, C, P, A> {
    gate: GateLayer<G, C, P>,
    fallback: Fallback<A>,
}

impl<G, C, P> GateLayer<G, C, P> {
    /// Another service answers what is refused here. It gets the refused request whole, and over
    /// HTTP the [`Rejection`](crate::Rejection) in the request's extensions. See
    /// [`FallbackLayer`].
    ///
    /// Its response and error have to be of the types of the service that the layer is put
    /// around. It is cloned for each refused request, and called when it is ready.
    pub fn fallback<F>(self, service: F) -> FallbackLayer<G, C, P, ByService<F>> {
        FallbackLayer::new(self, ByService(service))
    }
}

impl<G, C, P, A> FallbackLayer<G, C, P, A> {
    /// Has an [`Answer`](crate::Answer) of your own answer what `gate` refuses.
    pub fn new(gate: GateLayer<G, C, P>, answer: A) -> Self {
        Self { gate, fallback: Fallback { answer, terms: Terms::default() } }
    }

    /// What is refused for a quota (429) is answered by the fallback too, so that the client
    /// does not learn of it. Default: it is not.
    pub fn over_quota(mut self) -> Self {
        self.fallback.terms.over_quota = true;
        self
    }

    /// How many requests the fallback may be at work on at once, from the refusal to the head
    /// of its answer. Who finds it full gets the refusal at once. Default: 100. Zero: it
    /// answers nothing; `usize::MAX`: there is no such bound.
    ///
    /// Clones made later share it, and what they have counted; those made before keep theirs.
    pub fn limit(mut self, at_once: usize) -> Self {
        self.fallback.terms.limit = Limit::new(at_once).into();
        self
    }

    /// What the fallback does now, through all clones, and what it has done so far.
    #[must_use]
    pub fn snapshot(&self) -> FallbackSnapshot {
        self.fallback.terms.limit.snapshot()
    }
}

#[cfg(feature = "http")]
impl<G, C, P, A> FallbackLayer<G, C, P, A> {
    pub(crate) fn map_answer<B>(self, change: impl FnOnce(A) -> B) -> FallbackLayer<G, C, P, B> {
        let Self { gate, fallback: Fallback { answer, terms } } = self;
        FallbackLayer { gate, fallback: Fallback { answer: change(answer), terms } }
    }
}

impl<S, G, C, P, A> Layer<S> for FallbackLayer<G, C, P, A>
where
    G: Clone,
    C: Clone,
    P: Clone,
    A: Clone,
{
    type Service = GateService<S, G, C, P, Fallback<A>>;

    fn layer(&self, inner: S) -> Self::Service {
        GateService::new(inner, self.gate.clone(), self.fallback.clone())
    }
}
