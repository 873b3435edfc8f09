//! A bound on how long a body holds its permit.

use std::time::Duration;

use bytes::Bytes;
use http::Response;

use super::lent::Lent;
use crate::{
    admission::{GateLayer, Inspect, Protocol, hand_on},
    gate::Finish,
    outcome::{Judge, Outcome},
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
    hand_on! { (Req) route, is_preflight, tell_brownout, tell_refusal, format }
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

    hand_on! {
        (Response<B>, E) refusal, answer_refused, refuse, has_failed, format_of, tell_fallback,
        tell_standing, tell_spent, note_admitted, note_spent
    }
}
