//! More than HTTP says by itself, or said differently.

use bytes::Bytes;
use http::{HeaderMap, Response};

use crate::{
    admission::{Format, GateLayer, Inspect, Protocol, hand_on},
    database::Spent,
    outcome::{Judge, Outcome},
    rejection::Rejection,
    standing::Standing,
};

/// Amends what HTTP answers. What is not written changes nothing.
///
/// ```
/// use brownout::{Admission, Standing, http::Amend};
/// use http::HeaderMap;
///
/// #[derive(Clone)]
/// struct Left;
///
/// impl Amend for Left {
///     fn tell_standing(&self, standing: &Standing, headers: &mut HeaderMap) {
///         headers.insert("requests-left", standing.remaining().into());
///     }
/// }
///
/// let layer = Admission::builder().build()?.layer().amend(Left);
/// # let _ = layer;
/// # Ok::<(), brownout::InvalidConfig>(())
/// ```
pub trait Amend {
    /// Changes the response to a refused request.
    fn amend_refusal(&self, rejection: &Rejection, response: Response<Bytes>) -> Response<Bytes> {
        let _ = rejection;
        response
    }

    /// Tells how the client stands with its quotas, in the response to a refusal for one, or to
    /// an admission if that is [told](crate::RateLimit::tell_all).
    fn tell_standing(&self, standing: &Standing, headers: &mut HeaderMap) {
        let _ = (standing, headers);
    }

    /// Tells what the request took of the databases, in the response to an admission.
    fn tell_spent(&self, spent: &[Spent], headers: &mut HeaderMap) {
        let _ = (spent, headers);
    }

    /// Whether a preflight of CORS spends no cell. Default: it spends none.
    fn spares_preflights(&self) -> bool {
        true
    }
}

impl<G, C, P> GateLayer<G, C, P> {
    /// Amends what is answered, after all that was amended before. Only over HTTP.
    pub fn amend<A: Amend>(self, amend: A) -> GateLayer<G, C, Amended<P, A>> {
        self.map_protocol(|protocol| Amended { protocol, amend })
    }
}

/// A protocol over HTTP with something more to say. Made by [`GateLayer::amend`].
#[derive(Clone, Copy, Debug)]
pub struct Amended<P, A> {
    protocol: P,
    amend: A,
}

impl<P: Judge<Res, E>, A, Res, E> Judge<Res, E> for Amended<P, A> {
    fn judge(&self, result: &Result<Res, E>) -> Outcome {
        self.protocol.judge(result)
    }
}

impl<P: Inspect<Req>, A: Amend, Req> Inspect<Req> for Amended<P, A> {
    hand_on! { (Req) route, tell_brownout, tell_refusal, format }

    fn is_preflight(&self, request: &Req) -> bool {
        self.protocol.is_preflight(request) && self.amend.spares_preflights()
    }
}

impl<P, A, B, E> Protocol<Response<B>, E> for Amended<P, A>
where
    P: Protocol<Response<B>, E, Refusal = Response<Bytes>>,
    A: Amend,
{
    type Response<H> = P::Response<H>;
    type Refusal = P::Refusal;

    hand_on! {
        (Response<B>, E) answer, answer_refused, has_failed, format_of, tell_fallback,
        note_admitted, note_spent
    }

    fn refusal(&self, rejection: &Rejection, format: Format) -> Result<Response<Bytes>, E> {
        let mut response = self.protocol.refusal(rejection, format)?;
        if let Some(standing) = rejection.standing() {
            self.amend.tell_standing(standing, response.headers_mut());
        }
        Ok(self.amend.amend_refusal(rejection, response))
    }

    fn tell_standing(&self, response: &mut Response<B>, standing: &Standing) {
        self.protocol.tell_standing(response, standing);
        self.amend.tell_standing(standing, response.headers_mut());
    }

    fn tell_spent(&self, response: &mut Response<B>, spent: &[Spent]) {
        self.protocol.tell_spent(response, spent);
        self.amend.tell_spent(spent, response.headers_mut());
    }
}
