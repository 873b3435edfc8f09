//! Says of an admitted request, on its span, how it went at the gates and the databases.

use std::time::Duration;

use ::tracing::Span;

use crate::{
    admission::{GateLayer, Inspect, Protocol, hand_on},
    database::Spent,
    outcome::{Judge, Outcome},
};

/// A protocol that says on the span of a request how it went. Made by
/// [`GateLayer::record_span`].
#[derive(Clone, Copy, Debug)]
pub struct Recorded<P> {
    protocol: P,
}

impl<G, C, P> GateLayer<G, C, P> {
    /// Has the span in which the service is called say how each admitted request went. Default:
    /// it does not.
    ///
    /// | field | | when |
    /// |---|---|---|
    /// | `brownout.wait` | how long it waited for the gate, in seconds (`f64`); 0 if it did not | as it is admitted |
    /// | `brownout.level` | the level that it runs at, from 0 to 1 (`f64`) | as it is admitted |
    /// | `brownout.database_time` | what its queries and its waits for connections took, of all databases, added up, in seconds (`f64`) | as it is answered |
    /// | `brownout.queries` | how many those were, each wait for a connection for itself (`u64`): 2 for one query on a pool | as it is answered |
    ///
    /// A span takes only fields that it was made with, so make it with those that you want, as
    /// [`Empty`](https://docs.rs/tracing/latest/tracing/field/struct.Empty.html). Around this
    /// layer, by `TraceLayer` of `tower-http`:
    ///
    /// ```ignore
    /// use tracing::field::Empty;
    ///
    /// let spans = TraceLayer::new_for_http().make_span_with(|request: &Request<Body>| {
    ///     tracing::info_span!(
    ///         "request",
    ///         method = %request.method(),
    ///         brownout.wait = Empty,
    ///         brownout.level = Empty,
    ///         brownout.database_time = Empty,
    ///         brownout.queries = Empty,
    ///     )
    /// });
    /// let app = app.layer(admission.layer().record_span()).layer(spans);
    /// ```
    ///
    /// Around any service of Tower, by whatever enters a span for it:
    ///
    /// ```
    /// use brownout::{Admission, Database};
    /// use tower::{BoxError, ServiceBuilder, ServiceExt, service_fn};
    /// use tracing::{Instrument, field::Empty, info_span};
    ///
    /// # #[tokio::main(flavor = "current_thread")]
    /// # async fn main() -> Result<(), BoxError> {
    /// let db = Database::new("shop");
    /// let admission = Admission::builder().protect(&db).build()?;
    /// let service = ServiceBuilder::new()
    ///     .layer(admission.layer().refuse_with_error().record_span())
    ///     .service(service_fn(|number: u32| async move { Ok::<_, BoxError>(number + 1) }));
    ///
    /// let span = info_span!("request", brownout.wait = Empty, brownout.level = Empty);
    /// assert_eq!(service.oneshot(41).instrument(span).await?, 42);
    /// # Ok(()) }
    /// ```
    ///
    /// `TraceLayer` also writes a line for each refusal, since a 503 is a failure to it, unless it is
    /// told `.on_failure(())`.
    ///
    /// The last two count until the service has its result, so not what a body takes that streams
    /// after that; both are left empty where that is nothing. The level is left empty where the
    /// gate is not that of an [`Admission`](crate::Admission). Who is refused says nothing: its
    /// [`Rejection`](crate::Rejection) says all. A request whose caller leaves says only how it began.
    pub fn record_span(self) -> GateLayer<G, C, Recorded<P>> {
        self.map_protocol(|protocol| Recorded { protocol })
    }
}

impl<P, Res, Err> Protocol<Res, Err> for Recorded<P>
where
    P: Protocol<Res, Err>,
{
    type Response<H> = P::Response<H>;
    type Refusal = P::Refusal;

    hand_on! {
        (Res, Err) answer, refusal, answer_refused, refuse, has_failed, format_of, tell_fallback,
        tell_standing, tell_spent
    }

    fn note_admitted(&self, waited: Duration, level: Option<f64>) {
        self.protocol.note_admitted(waited, level);
        let span = Span::current();
        span.record(WAIT, waited.as_secs_f64());
        if let Some(level) = level {
            span.record(LEVEL, level);
        }
    }

    fn note_spent(&self, spent: &[Spent]) {
        self.protocol.note_spent(spent);
        let time: Duration = spent.iter().map(|own| own.time).sum();
        let queries: u64 = spent.iter().map(|own| own.queries).sum();
        let span = Span::current();
        span.record(DATABASE_TIME, time.as_secs_f64()).record(QUERIES, queries);
    }
}

impl<P: Judge<Res, Err>, Res, Err> Judge<Res, Err> for Recorded<P> {
    fn judge(&self, result: &Result<Res, Err>) -> Outcome {
        self.protocol.judge(result)
    }
}

impl<P: Inspect<Req>, Req> Inspect<Req> for Recorded<P> {
    hand_on! { (Req) route, is_preflight, tell_brownout, tell_refusal, format }
}

const WAIT: &str = "brownout.wait";
const LEVEL: &str = "brownout.level";
const DATABASE_TIME: &str = "brownout.database_time";
const QUERIES: &str = "brownout.queries";
