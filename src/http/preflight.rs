//! Preflights of CORS, which spend no cell.

use http::{HeaderName, Method, Request, header};

use super::amend::{Amend, Amended};
use crate::admission::GateLayer;

/// Has preflights spend cells: made by [`GateLayer::count_preflights`].
#[derive(Clone, Copy, Debug, Default)]
pub struct CountPreflights(());

impl<G, C, P> GateLayer<G, C, P> {
    /// Preflights of CORS spend cells as any other request does. Default: they spend none, and
    /// pass every quota.
    ///
    /// Browsers send them on their own account, but anybody can send what looks like one. That
    /// gains nothing where something else answers them before they come to a handler, such as
    /// tower-http's `CorsLayer`: best outside of this layer, so that pages may read
    /// refusals, too. Where nothing does and handlers take `OPTIONS` (axum's `any`, a proxy), it
    /// is a way around the quota, which this closes.
    ///
    /// ```
    /// use brownout::{Quota, RateLimit};
    ///
    /// let layer = RateLimit::new(Quota::per_second(10)).layer()?.count_preflights();
    /// # let _ = layer;
    /// # Ok::<(), brownout::InvalidConfig>(())
    /// ```
    pub fn count_preflights(self) -> GateLayer<G, C, Amended<P, CountPreflights>> {
        self.amend(CountPreflights(()))
    }
}

impl Amend for CountPreflights {
    fn spares_preflights(&self) -> bool {
        false
    }
}

/// Whether a browser may have sent it before what a page wants to send (the Fetch standard):
/// never with credentials or a body.
pub(super) fn is<B>(request: &Request<B>) -> bool {
    let headers = request.headers();
    let has = |name: &HeaderName| headers.contains_key(name);
    request.method() == Method::OPTIONS
        && has(&header::ORIGIN)
        && has(&header::ACCESS_CONTROL_REQUEST_METHOD)
        && ![header::AUTHORIZATION, header::COOKIE, header::TRANSFER_ENCODING].iter().any(has)
        && headers.get_all(header::CONTENT_LENGTH).iter().all(|length| length == "0")
}
