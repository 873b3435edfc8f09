//! What a protocol makes of results and refusals.

use std::{convert::Infallible, time::Duration};

use super::{hand_on, inspect::Format};
use crate::{
    database::Spent,
    gate::Finish,
    outcome::{Judge, Outcome},
    rejection::Rejection,
    standing::Standing,
};

/// How a protocol says no, and how long an answer lasts.
///
/// [`Http`] and [`AsError`] are the two that come with the crate.
#[diagnostic::on_unimplemented(
    message = "`{Self}` cannot refuse a service that answers with `Result<{Res}, {Err}>`",
    note = "a service that does not answer with `http::Response` takes \
            `.refuse_with_error()`, and its error has to be `From<brownout::Rejection>`, \
            as `tower::BoxError` is",
    note = "for HTTP, the feature `http` of brownout has to be enabled"
)]
pub trait Protocol<Res, Err>: Judge<Res, Err> {
    /// The response with whatever it has to hold until it ends.
    type Response<H>;

    /// A refusal that is a response, before it becomes one of those. [`Infallible`] where a
    /// refusal is an error.
    type Refusal;

    /// The inner service's response. `held` is a permit: drop it when the response
    /// needs the service no more.
    fn answer<H: Finish>(&self, response: Res, held: Option<H>) -> Self::Response<H>;

    /// The answer to a refused request, as its caller wants to read it.
    ///
    /// # Errors
    ///
    /// If a refusal is an error in this protocol.
    fn refusal(&self, rejection: &Rejection, format: Format) -> Result<Self::Refusal, Err>;

    /// A refusal as a response, which holds nothing.
    fn answer_refused<H>(&self, refusal: Self::Refusal) -> Self::Response<H>;

    /// Both at once. There is no need to write it anew.
    ///
    /// # Errors
    ///
    /// As for [`refusal`](Self::refusal).
    fn refuse<H>(&self, rejection: Rejection, format: Format) -> Result<Self::Response<H>, Err> {
        self.refusal(&rejection, format).map(|refusal| self.answer_refused(refusal))
    }

    /// Whether the service failed. Where it was refused a connection on its way, the
    /// answer is then that refusal in place of whatever the service made of it.
    fn has_failed(&self, result: &Result<Res, Err>) -> bool {
        result.is_err()
    }

    /// How the caller of a service that answered so wants to read a refusal, where the
    /// request is gone. Default: as a plain one.
    fn format_of(&self, result: &Result<Res, Err>) -> Format {
        let _ = result;
        Format::Plain
    }

    /// Marks the response of a fallback as none of the service's own. Default: does not.
    fn tell_fallback(&self, response: &mut Res, rejection: &Rejection) {
        let _ = (response, rejection);
    }

    /// Tells in the response how the client stands with its quotas. Default: says nothing.
    fn tell_standing(&self, response: &mut Res, standing: &Standing) {
        let _ = (response, standing);
    }

    /// Tells in the response what the request took of the databases. Default: says
    /// nothing.
    fn tell_spent(&self, response: &mut Res, spent: &[Spent]) {
        let _ = (response, spent);
    }

    /// The request was admitted, after it had `waited` for the gate, and its service is called
    /// next. `level` is how degraded that is for it, from 0 to 1, where the gate knows levels.
    /// Default: does nothing.
    fn note_admitted(&self, waited: Duration, level: Option<f64>) {
        let _ = (waited, level);
    }

    /// The service has its result, whatever that is, and the request took this of the databases.
    /// Not called where it took nothing. Default: does nothing.
    fn note_spent(&self, spent: &[Spent]) {
        let _ = spent;
    }
}

/// HTTP: a refusal is a response, and a permit lasts to the end of the body. The error type
/// of the service stays as it is. Needs the feature `http`, which is on by default. With the
/// feature `axum`, the route of a request is its method with axum's `MatchedPath`.
///
/// # Refusals
///
/// | refused for | status | gRPC | problem type |
/// |---|---|---|---|
/// | a quota | 429 | `RESOURCE_EXHAUSTED` | `quota-exceeded`, with the `violated-policies` |
/// | load, by a circuit, or without an answer of the [`Fleet`](crate::Fleet)'s store | 503 | `UNAVAILABLE`, at which clients may go to another instance | `temporary-reduced-capacity` |
/// | being past its [deadline](super::GateLayer::deadline), or too near to it | 503 | `DEADLINE_EXCEEDED` | `temporary-reduced-capacity` |
/// | coming while the service [drains](super::Admission::drain) | 503, with `Connection: close` | `UNAVAILABLE` | `temporary-reduced-capacity` |
/// | having no [key](crate::Class::key) | 400 | `INVALID_ARGUMENT` | `about:blank` |
///
/// `Retry-After` is the [wait](Rejection::retry_after) in whole seconds: rounded up, never early
/// and never 0. For load it is another for each, so that they do not come back together. A
/// request without a key has none, since it is refused again however long it waits.
///
/// Where the refusal [is final](Rejection::is_final), `X-Should-Retry: false` tells a client not to
/// try again by itself. No standard has a header for that; this one is what the clients of many
/// an API that Stainless generates go by, and `brownout::client::Retries`. Others find a
/// `Retry-After` that is ten times as long, where it is final for load. There is no
/// `Cache-Control`: no cache may keep a 429 (RFC 6585), nor a 400, a 503 or the answer to a
/// POST without being told to (RFC 9110 and 9111).
///
/// The body is `text/plain`, or `application/problem+json` (RFC 9457, with the types of
/// draft-ietf-httpapi-ratelimit-headers-11) where `Accept` names `application/problem+json`,
/// `application/json`, `application/*+json` or `application/*` and gives it no less weight
/// than `text/plain`. `*/*` alone and types of a vendor's own are for plain text.
///
/// Where the request is a `POST` whose `Content-Type` is that of gRPC or gRPC-Web, the refusal
/// is a gRPC status in a response of 200 without a body and of the same type.
/// `grpc-retry-pushback-ms` is the wait, rounded up, and `-1`, not to try again, where it is final
/// or the wait is longer than its 31 bits. tonic's `LayerExt::named_layer` keeps the
/// name of the service that a layer is put around.
///
/// Where a request is refused in the midst of it, at a database, the type of the service's own
/// answer decides in place of the request.
///
/// Extensions of the response hold the [`Rejection`]. More is said, or all of it is said
/// differently, by [`GateLayer::map_refusal`](super::GateLayer::map_refusal),
/// [`legacy_rate_limit_headers`](super::GateLayer::legacy_rate_limit_headers) and
/// [`server_timing`](super::GateLayer::server_timing).
///
/// # CORS
///
/// A preflight (`OPTIONS` with `Origin` and `Access-Control-Request-Method`, and without
/// `Cookie`, `Authorization` or a body that its head tells of) spends no cell, and has no quota
/// either: who sends what looks like one gets past every quota, to whatever answers `OPTIONS`
/// inside. Put the layer of CORS outside of this one. It then answers preflights itself, and
/// refusals carry its headers, without which no script of another origin sees more than an
/// error; have it expose `Retry-After`, `X-Should-Retry`, `RateLimit` and `RateLimit-Policy`. Where handlers take
/// `OPTIONS` themselves, see
/// [`GateLayer::count_preflights`](super::GateLayer::count_preflights).
///
/// # Quotas
///
/// What a quota refuses is told by `RateLimit-Policy` and `RateLimit` (structured fields of
/// draft-ietf-httpapi-ratelimit-headers-11), and with
/// [`RateLimit::tell_all`](crate::RateLimit::tell_all) what it admits, too, or
/// [downgrades](crate::RateLimit::downgrade_to) and is served:
///
/// ```text
/// RateLimit-Policy: "second";q=100;w=1;brownout-burst=200, "day";q=100000;w=86400
/// RateLimit: "second";r=57;t=1
/// ```
///
/// All [policies](crate::Standing::policies) that hold for the request are in the first, and
/// the one with the fewest cells left in the second. They speak of windows, and quotas
/// here are token buckets, so:
///
/// * `q` cells come back in `w` seconds, evenly. A period that is no whole number of seconds is
///   rounded up, and `q` is what comes back in that time, rounded down. Where the burst is
///   another number than `q`, it is `brownout-burst`.
/// * `r` cells can be spent at once. This counts down from the burst, so it may be more than
///   `q`.
/// * `t` of an admission is the time in which `r` cells come back; with none left, until there
///   is one. Who spends no more than `r` in `t` seconds, at once or evenly, is not refused for
///   this quota unless others spend of it too, and goes no faster than its policy. (The time
///   until the burst is whole would tell a client of a thousand a day to spend them in a
///   minute.)
/// * `t` of a refusal is its `Retry-After`.
///
/// Cells are told as the default unit, `requests`, also where they are counted by cost. There
/// is no partition key.
///
/// # Load
///
/// To a gate that watches the service, 502, 503 and 504 are overload, other statuses
/// from 400 up say nothing about the load. Where the head carries a gRPC status, that counts:
/// `DEADLINE_EXCEEDED`, `RESOURCE_EXHAUSTED` and `UNAVAILABLE` are overload; one that comes
/// only after a body is not seen. What a layer inside refuses for a quota or for having no key
/// says nothing, in whatever form.
#[derive(Clone, Copy, Debug, Default)]
pub struct Http;

/// Any other protocol: a refusal is an error of the service, made from the
/// [`Rejection`]. A permit lasts until the result is there.
///
/// To a gate that watches the service, an error says nothing about the load; say more
/// with [`GateLayer::judge`](super::GateLayer::judge).
#[derive(Clone, Copy, Debug, Default)]
pub struct AsError;

impl<Res, Err> Judge<Res, Err> for AsError {
    fn judge(&self, result: &Result<Res, Err>) -> Outcome {
        if result.is_ok() { Outcome::Success } else { Outcome::Ignore }
    }
}

impl<Res, Err: From<Rejection>> Protocol<Res, Err> for AsError {
    type Response<H> = Res;
    type Refusal = Infallible;

    fn answer<H>(&self, response: Res, _held: Option<H>) -> Res {
        response
    }

    fn refusal(&self, rejection: &Rejection, _format: Format) -> Result<Infallible, Err> {
        Err(rejection.clone().into())
    }

    /// Without a copy of the rejection.
    fn refuse<H>(&self, rejection: Rejection, _format: Format) -> Result<Res, Err> {
        Err(rejection.into())
    }

    fn answer_refused<H>(&self, refusal: Infallible) -> Res {
        match refusal {}
    }
}

/// A protocol with a judge of your own.
#[derive(Clone, Copy, Debug, Default)]
pub struct Judged<P, J> {
    pub(super) protocol: P,
    pub(super) judge: J,
}

impl<P, J, Res, Err> Judge<Res, Err> for Judged<P, J>
where
    J: Judge<Res, Err>,
{
    fn judge(&self, result: &Result<Res, Err>) -> Outcome {
        self.judge.judge(result)
    }
}

impl<P, J, Res, Err> Protocol<Res, Err> for Judged<P, J>
where
    P: Protocol<Res, Err>,
    J: Judge<Res, Err>,
{
    type Response<H> = P::Response<H>;
    type Refusal = P::Refusal;

    hand_on! {
        (Res, Err) answer, refusal, answer_refused, refuse, has_failed, format_of, tell_fallback,
        tell_standing, tell_spent, note_admitted, note_spent
    }
}
