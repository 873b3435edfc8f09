//! What a protocol knows of a request by itself.

use super::{
    hand_on,
    protocol::{AsError, Judged},
};
use crate::{brownout::Brownout, class::Route, rejection::Rejection};

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

    /// The service is degraded: tells those inside, in the request. Default: says nothing.
    fn tell_brownout(&self, request: &mut Req, brownout: Brownout) {
        let _ = (request, brownout);
    }

    /// A fallback gets it: tells it why the request was refused, in the request. Default: says
    /// nothing.
    fn tell_refusal(&self, request: &mut Req, rejection: &Rejection) {
        let _ = (request, rejection);
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
    Grpc {
        /// Of which content type: the caller's own, so that it is gRPC-Web where that is
        /// spoken.
        content_type: &'static str,
    },
}

impl<Req> Inspect<Req> for AsError {}

impl<P: Inspect<Req>, J, Req> Inspect<Req> for Judged<P, J> {
    hand_on! { (Req) route, is_preflight, tell_brownout, tell_refusal, format }
}
