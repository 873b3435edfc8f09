//! Refusals in words of your own.

use bytes::Bytes;
use http::Response;

use super::amend::{Amend, Amended};
use crate::{admission::GateLayer, rejection::Rejection};

/// Changes the responses to refused requests: made by [`GateLayer::map_refusal`].
#[derive(Clone, Copy, Debug)]
pub struct MapRefusal<F>(F);

impl<G, C, P> GateLayer<G, C, P> {
    /// Changes the response to a refused request: a closure gets the one that would be sent,
    /// with its headers and in the form that the caller wants to read (see
    /// [`Http`](crate::Http)), and what it gives back is sent. What it does not take over is
    /// lost, so change what is there; its length is not among the headers. A refusal by a gRPC
    /// status has no body and takes none.
    ///
    /// ```
    /// use brownout::{Admission, Reason, Rejection};
    /// use bytes::Bytes;
    /// use http::Response;
    ///
    /// let layer = Admission::builder().build()?.layer().map_refusal(
    ///     |rejection: &Rejection, mut response: Response<Bytes>| {
    ///         let is_text = response.headers().get("content-type").is_some_and(|it| it == "text/plain");
    ///         if rejection.reason() == Reason::Quota && is_text {
    ///             *response.body_mut() = Bytes::from_static(b"Need more? See /plans.\n");
    ///         }
    ///         response
    ///     },
    /// );
    /// # let _ = layer;
    /// # Ok::<(), brownout::InvalidConfig>(())
    /// ```
    pub fn map_refusal<F>(self, change: F) -> GateLayer<G, C, Amended<P, MapRefusal<F>>>
    where
        F: Fn(&Rejection, Response<Bytes>) -> Response<Bytes>,
    {
        self.amend(MapRefusal(change))
    }
}

impl<F> Amend for MapRefusal<F>
where
    F: Fn(&Rejection, Response<Bytes>) -> Response<Bytes>,
{
    fn amend_refusal(&self, rejection: &Rejection, response: Response<Bytes>) -> Response<Bytes> {
        (self.0)(rejection, response)
    }
}
