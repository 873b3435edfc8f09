//! A service as the fallback of requests that another had already.

use http::{Request, request::Parts};
use http_body::Body;
use tower::Service;

use super::fallback::head;
use crate::{
    admission::Answer,
    fallback::{ByService, Called, FallbackLayer},
    rejection::Rejection,
};

impl<G, C, P, F> FallbackLayer<G, C, P, ByService<F>> {
    /// The service also answers requests that were refused in the midst, at their connection,
    /// when the service before had them already: those with a safe method (`GET`, `HEAD`,
    /// `OPTIONS`) and without a body, which are made anew from a copy of their head. Bodies
    /// have to be [`Default`]. Others get the refusal, as all do by default.
    ///
    /// ```
    /// use axum::{Router, routing::get};
    /// use brownout::{Admission, Database};
    ///
    /// let db = Database::new("shop");
    /// let admission = Admission::builder().protect(&db).at_checkout().build()?;
    /// let replica = get(|| async { "from the replica" });
    /// let app: Router = Router::new()
    ///     .route("/products", get(|| async { "from the database" }))
    ///     .layer(admission.layer().fallback(replica).in_the_midst());
    /// # let _ = app;
    /// # Ok::<(), brownout::InvalidConfig>(())
    /// ```
    pub fn in_the_midst(self) -> FallbackLayer<G, C, P, InTheMidst<F>> {
        self.map_answer(|ByService(service)| InTheMidst(service))
    }
}

/// Answers with a service, also in the midst. Made by [`FallbackLayer::in_the_midst`].
#[derive(Clone, Copy, Debug)]
pub struct InTheMidst<F>(F);

impl<F, B> Answer<Request<B>, F::Response, F::Error> for InTheMidst<F>
where
    F: Service<Request<B>> + Clone,
    B: Body + Default,
{
    type Future = Called<F, Request<B>>;
    type Kept = (F, Parts);

    fn answer(self, request: Request<B>, _rejection: &Rejection) -> Option<Self::Future> {
        Some(Called::new(self.0, request))
    }

    fn keep(&self, request: &Request<B>) -> Option<Self::Kept> {
        let whole = request.method().is_safe() && request.body().is_end_stream();
        whole.then(|| (self.0.clone(), head(request)))
    }

    fn answer_kept(
        (service, mut parts): Self::Kept,
        rejection: &Rejection,
    ) -> Option<Self::Future> {
        parts.extensions.insert(rejection.clone());
        Some(Called::new(service, Request::from_parts(parts, B::default())))
    }
}
