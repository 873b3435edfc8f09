//! What a protocol makes of results and refusals.

use crate::{
    class::Route,
    database::Spent,
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

    /// The inner service's response. `held` is a permit: drop it when the response
    /// needs the service no more.
    fn answer<H>(&self, response: Res, held: Option<H>) -> Self::Response<H>;

    /// The answer to a refused request, as its caller wants to read it.
    ///
    /// # Errors
    ///
    /// If a refusal is an error in this protocol.
    fn refuse<H>(&self, rejection: Rejection, format: Format) -> Result<Self::Response<H>, Err>;

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

    /// Tells in the response how the client stands with its quotas. Default: says nothing.
    fn tell_standing(&self, response: &mut Res, standing: &Standing) {
        let _ = (response, standing);
    }

    /// Tells in the response what the request took of the databases. Default: says
    /// nothing.
    fn tell_spent(&self, response: &mut Res, spent: &[Spent]) {
        let _ = (response, spent);
    }
}

/// What a protocol knows of a request by itself, where its class does not say.
pub trait Inspect<Req> {
    /// The route, if it is known. Default: it is not.
    fn route(&self, request: &Req) -> Option<Route> {
        let _ = request;
        None
    }

    /// Whether it is part of the protocol's own doing, so that it spends no quota: in HTTP,
    /// a preflight. Default: it is not.
    fn is_preflight(&self, request: &Req) -> bool {
        let _ = request;
        false
    }

    /// How its caller wants to read a refusal. Asked only when there is one. Default: as
    /// a plain one.
    fn format(&self, request: &Req) -> Format {
        let _ = request;
        Format::Plain
    }
}

/// How a caller wants to read a refusal.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub enum Format {
    /// In plain text.
    #[default]
    Plain,
    /// As problem details in JSON (RFC 9457).
    Problem,
    /// As a gRPC status.
    Grpc,
}

impl<Req> Inspect<Req> for AsError {}

impl<P: Inspect<Req>, J, Req> Inspect<Req> for Judged<P, J> {
    fn route(&self, request: &Req) -> Option<Route> {
        self.protocol.route(request)
    }

    fn is_preflight(&self, request: &Req) -> bool {
        self.protocol.is_preflight(request)
    }

    fn format(&self, request: &Req) -> Format {
        self.protocol.format(request)
    }
}

/// HTTP: a refusal is a response, 429 for a quota and 503 for load, with `Retry-After`,
/// and a permit lasts to the end of the body. The error type of the service stays as it
/// is. Needs the feature `http`, which is on by default. With the feature `axum`, the route
/// of a request is its method with axum's `MatchedPath`.
///
/// To a gate that watches the service, 502, 503 and 504 are overload, other statuses
/// from 400 up say nothing about the load.
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

    fn answer<H>(&self, response: Res, _held: Option<H>) -> Res {
        response
    }

    fn refuse<H>(&self, rejection: Rejection, _format: Format) -> Result<Res, Err> {
        Err(rejection.into())
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

    fn answer<H>(&self, response: Res, held: Option<H>) -> Self::Response<H> {
        self.protocol.answer(response, held)
    }

    fn refuse<H>(&self, rejection: Rejection, format: Format) -> Result<Self::Response<H>, Err> {
        self.protocol.refuse(rejection, format)
    }

    fn has_failed(&self, result: &Result<Res, Err>) -> bool {
        self.protocol.has_failed(result)
    }

    fn format_of(&self, result: &Result<Res, Err>) -> Format {
        self.protocol.format_of(result)
    }

    fn tell_standing(&self, response: &mut Res, standing: &Standing) {
        self.protocol.tell_standing(response, standing);
    }

    fn tell_spent(&self, response: &mut Res, spent: &[Spent]) {
        self.protocol.tell_spent(response, spent);
    }
}
