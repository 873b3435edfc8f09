//! What HTTP makes of results and refusals.

use std::time::Duration;

use bytes::Bytes;
use http::{HeaderValue, Method, Request, Response, StatusCode, header};
use http_body::Body;

use super::PermitBody;
use crate::{
    admission::{Format, Http, Inspect, Protocol},
    class::Route,
    outcome::{Judge, Outcome},
    rejection::{Reason, Rejection},
};

impl<B, E> Judge<Response<B>, E> for Http {
    fn judge(&self, result: &Result<Response<B>, E>) -> Outcome {
        let Ok(response) = result else { return Outcome::Ignore };
        match response.status() {
            StatusCode::BAD_GATEWAY
            | StatusCode::SERVICE_UNAVAILABLE
            | StatusCode::GATEWAY_TIMEOUT => Outcome::Overload,
            status if status.is_client_error() || status.is_server_error() => Outcome::Ignore,
            _ => Outcome::Success,
        }
    }
}

impl<B, E> Protocol<Response<B>, E> for Http
where
    B: Body,
{
    type Response<H> = Response<PermitBody<B, H>>;

    fn answer<H>(&self, response: Response<B>, held: Option<H>) -> Self::Response<H> {
        response.map(|body| PermitBody::new(body, held))
    }

    fn refuse<H>(&self, rejection: Rejection, _format: Format) -> Result<Self::Response<H>, E> {
        let (status, text) = match rejection.reason() {
            Reason::Quota => (StatusCode::TOO_MANY_REQUESTS, QUOTA),
            Reason::Unkeyed => (StatusCode::BAD_REQUEST, UNKEYED),
            _ => (StatusCode::SERVICE_UNAVAILABLE, LOAD),
        };
        let mut response = Response::new(PermitBody::refusal(Bytes::from_static(text.as_bytes())));
        *response.status_mut() = status;
        let headers = response.headers_mut();
        headers.insert(header::RETRY_AFTER, whole_seconds(rejection.retry_after()).into());
        headers.insert(header::CONTENT_TYPE, HeaderValue::from_static("text/plain"));
        response.extensions_mut().insert(rejection);
        Ok(response)
    }

    fn has_failed(&self, result: &Result<Response<B>, E>) -> bool {
        result.as_ref().map_or(true, |response| response.status().is_server_error())
    }
}

impl<B> Inspect<Request<B>> for Http {
    fn route(&self, request: &Request<B>) -> Option<Route> {
        super::matched::route(request.method(), request.extensions())
    }

    /// A preflight of CORS (the Fetch standard).
    fn is_preflight(&self, request: &Request<B>) -> bool {
        request.method() == Method::OPTIONS
            && request.headers().contains_key(header::ORIGIN)
            && request.headers().contains_key(header::ACCESS_CONTROL_REQUEST_METHOD)
    }
}

/// `Retry-After` of RFC 9110 has whole seconds: rounded up, so that nobody is told to
/// come back too early, and never 0.
fn whole_seconds(wait: Duration) -> u64 {
    wait.as_secs().saturating_add(u64::from(wait.subsec_nanos() > 0)).max(1)
}

const QUOTA: &str = "Too many requests. Please try again later.\n";
const UNKEYED: &str = "Nothing in the request tells whose it is.\n";
const LOAD: &str = "The service is busy. Please try again later.\n";

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn retry_after_is_never_early_and_never_zero() {
        assert_eq!(whole_seconds(Duration::ZERO), 1);
        assert_eq!(whole_seconds(Duration::from_secs(3)), 3);
        assert_eq!(whole_seconds(Duration::from_nanos(3_000_000_001)), 4);
        assert_eq!(whole_seconds(Duration::MAX), u64::MAX);
    }

    #[test]
    fn only_a_gateways_statuses_are_overload() {
        let judge = |status: u16| {
            let response = Response::builder().status(status).body(()).expect("it is valid");
            Http.judge(&Ok::<_, ()>(response))
        };
        assert_eq!(judge(204), Outcome::Success);
        assert_eq!(judge(302), Outcome::Success);
        for status in [400, 404, 429, 500] {
            assert_eq!(judge(status), Outcome::Ignore);
        }
        for status in [502, 503, 504] {
            assert_eq!(judge(status), Outcome::Overload);
        }
    }
}
