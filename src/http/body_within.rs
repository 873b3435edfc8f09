//! A bound on how long a body holds its permit.

use std::time::Duration;

use bytes::Bytes;
use http::Response;

use super::lent::Lent;
use crate::{
    admission::{Format, GateLayer, Inspect, Protocol},
    brownout::Brownout,
    class::Route,
    database::Spent,
    gate::Finish,
    outcome::{Judge, Outcome},
    rejection::Rejection,
    standing::Standing,
};

impl<G, C, P> GateLayer<G, C, P> {
    /// A body holds its permit for no longer than this, counted from its head; it goes on
    /// without one. 0 gives it back with the head. Default: a permit lasts to the end of the body.
    /// Only over HTTP.
    ///
    /// A body that is there as a whole goes with one write, and is over before this. What is longer
    /// is sent as its client reads it, so a client that does not read would hold a place for as
    /// long as it likes, and nothing else bounds that: no server asks a body for more before
    /// there is room for it, so no timeout inside of the body runs meanwhile.
    ///
    /// Take more than your longest stream takes with a client that reads: what works for it
    /// after that, at the database or elsewhere, works beyond the limit, and is not waited for by
    /// [`drained`](crate::Admission::drained). Its queries go on counting for its route; with
    /// [`at_checkout`](crate::AdmissionBuilder::at_checkout) they have to ask for a place. It costs a
    /// task for each body that is not empty.
    ///
    /// ```
    /// use std::time::Duration;
    /// use brownout::Admission;
    ///
    /// let layer = Admission::builder().build()?.layer().body_within(Duration::from_secs(5));
    /// # let _ = layer;
    /// # Ok::<(), brownout::InvalidConfig>(())
    /// ```
    ///
    /// # Panics
    ///
    /// The service's future panics outside a tokio runtime with time enabled.
    pub fn body_within(self, time: Duration) -> GateLayer<G, C, BodyWithin<P>> {
        self.map_protocol(|protocol| BodyWithin { protocol, time })
    }
}

/// A protocol over HTTP whose bodies hold a permit for a while at most. Made by
/// [`GateLayer::body_within`].
#[derive(Clone, Copy, Debug)]
pub struct BodyWithin<P> {
    protocol: P,
    time: Duration,
}

impl<P: Judge<Res, E>, Res, E> Judge<Res, E> for BodyWithin<P> {
    fn judge(&self, result: &Result<Res, E>) -> Outcome {
        self.protocol.judge(result)
    }
}

impl<P: Inspect<Req>, Req> Inspect<Req> for BodyWithin<P> {
    fn route(&self, request: &Req) -> Option<Route> {
        self.protocol.route(request)
    }

    fn is_preflight(&self, request: &Req) -> bool {
        self.protocol.is_preflight(request)
    }

    fn tell_brownout(&self, request: &mut Req, brownout: Brownout) {
        self.protocol.tell_brownout(request, brownout);
    }

    fn tell_refusal(&self, request: &mut Req, rejection: &Rejection) {
        self.protocol.tell_refusal(request, rejection);
    }

    fn format(&self, request: &Req) -> Format {
        self.protocol.format(request)
    }
}

impl<P, B, E> Protocol<Response<B>, E> for BodyWithin<P>
where
    P: Protocol<Response<B>, E, Refusal = Response<Bytes>>,
    B: http_body::Body,
{
    type Response<H> = P::Response<Lent<H>>;
    type Refusal = P::Refusal;

    fn answer<H: Finish>(&self, response: Response<B>, held: Option<H>) -> Self::Response<H> {
        // With it, a task would have nothing to give back.
        let held = held.filter(|_| !response.body().is_end_stream());
        let lent = held.map(|held| Lent::new(held, self.time));
        self.protocol.answer(response, lent)
    }

    fn refusal(&self, rejection: &Rejection, format: Format) -> Result<Response<Bytes>, E> {
        self.protocol.refusal(rejection, format)
    }

    fn answer_refused<H>(&self, refusal: Response<Bytes>) -> Self::Response<H> {
        self.protocol.answer_refused(refusal)
    }

    fn refuse<H>(&self, rejection: Rejection, format: Format) -> Result<Self::Response<H>, E> {
        self.protocol.refuse(rejection, format)
    }

    fn has_failed(&self, result: &Result<Response<B>, E>) -> bool {
        self.protocol.has_failed(result)
    }

    fn format_of(&self, result: &Result<Response<B>, E>) -> Format {
        self.protocol.format_of(result)
    }

    fn tell_fallback(&self, response: &mut Response<B>, rejection: &Rejection) {
        self.protocol.tell_fallback(response, rejection);
    }

    fn tell_standing(&self, response: &mut Response<B>, standing: &Standing) {
        self.protocol.tell_standing(response, standing);
    }

    fn tell_spent(&self, response: &mut Response<B>, spent: &[Spent]) {
        self.protocol.tell_spent(response, spent);
    }

    fn note_admitted(&self, waited: Duration, level: Option<f64>) {
        self.protocol.note_admitted(waited, level);
    }

    fn note_spent(&self, spent: &[Spent]) {
        self.protocol.note_spent(spent);
    }
}
