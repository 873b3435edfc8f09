//! What HTTP makes of results and refusals.

use bytes::Bytes;
use http::{HeaderMap, Method, Request, Response, StatusCode, header};
use http_body::Body;

use super::{PermitBody, accept, grpc, preflight, refusal, standing};
use crate::{
    admission::{Format, Http, Inspect, Protocol},
    brownout::Brownout,
    class::Route,
    fallback::FellBack,
    outcome::{Judge, Outcome},
    rejection::{Reason, Rejection},
    standing::Standing,
};

impl<B, E> Judge<Response<B>, E> for Http {
    fn judge(&self, result: &Result<Response<B>, E>) -> Outcome {
        let Ok(response) = result else { return Outcome::Ignore };
        // A layer inside refused for what the client did, or since it is about to stop; its own
        // protocol it may choose.
        let refused = response.extensions().get().map(Rejection::reason);
        if matches!(refused, Some(Reason::Quota | Reason::Unkeyed | Reason::Draining)) {
            return Outcome::Ignore;
        }
        if let Some(code) = grpc::Code::of(response.headers()) {
            return code.outcome();
        }
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
    type Refusal = Response<Bytes>;

    #[inline]
    fn answer<H>(&self, response: Response<B>, held: Option<H>) -> Self::Response<H> {
        response.map(|body| PermitBody::new(body, held))
    }

    fn refusal(&self, rejection: &Rejection, format: Format) -> Result<Response<Bytes>, E> {
        Ok(refusal::response(rejection.clone(), format))
    }

    /// Without a copy of the rejection.
    fn refuse<H>(&self, rejection: Rejection, format: Format) -> Result<Self::Response<H>, E> {
        Ok(refusal::response(rejection, format).map(PermitBody::refusal))
    }

    fn answer_refused<H>(&self, refusal: Response<Bytes>) -> Self::Response<H> {
        refusal.map(PermitBody::refusal)
    }

    fn has_failed(&self, result: &Result<Response<B>, E>) -> bool {
        let Ok(response) = result else { return true };
        let code = grpc::Code::of(response.headers());
        response.status().is_server_error() || code.is_some_and(grpc::Code::is_failure)
    }

    fn format_of(&self, result: &Result<Response<B>, E>) -> Format {
        let Ok(response) = result else { return Format::Plain };
        let headers = response.headers();
        format(grpc::content_type(headers), || is_json(headers))
    }

    fn tell_fallback(&self, response: &mut Response<B>, rejection: &Rejection) {
        response.extensions_mut().insert(FellBack::from(rejection));
        refusal::tell_drain(rejection, response.headers_mut());
    }

    fn tell_standing(&self, response: &mut Response<B>, standing: &Standing) {
        standing::tell(standing, response.headers_mut());
    }
}

impl<B> Inspect<Request<B>> for Http {
    fn route(&self, request: &Request<B>) -> Option<Route> {
        super::matched::route(request.method(), request.extensions())
    }

    fn is_preflight(&self, request: &Request<B>) -> bool {
        preflight::is(request)
    }

    fn tell_brownout(&self, request: &mut Request<B>, brownout: Brownout) {
        request.extensions_mut().insert(brownout);
    }

    fn tell_refusal(&self, request: &mut Request<B>, rejection: &Rejection) {
        request.extensions_mut().insert(rejection.clone());
    }

    fn format(&self, request: &Request<B>) -> Format {
        let headers = request.headers();
        // Calls are POSTs. To a GET, a cache on the way would keep the 200 as a page.
        let is_call = request.method() == Method::POST;
        let call = if is_call { grpc::content_type(headers) } else { None };
        format(call, || accept::wants_problem(headers))
    }
}

fn format(grpc: Option<&'static str>, wants_problem: impl FnOnce() -> bool) -> Format {
    match grpc {
        Some(content_type) => Format::Grpc { content_type },
        None if wants_problem() => Format::Problem,
        None => Format::Plain,
    }
}

/// Whether the content is JSON, of whatever kind.
fn is_json(headers: &HeaderMap) -> bool {
    let value = headers.get(header::CONTENT_TYPE).and_then(|value| value.to_str().ok());
    let name = value.and_then(|value| value.split(';').next()).unwrap_or_default();
    let kind = name.trim_ascii().rsplit(['/', '+']).next();
    kind.is_some_and(|kind| kind.eq_ignore_ascii_case("json"))
}

#[cfg(test)]
mod tests {
    use super::*;

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

    #[test]
    fn a_refusal_says_the_same_about_the_load_in_every_form() {
        let grpc = Format::Grpc { content_type: "application/grpc" };
        for reason in Reason::ALL {
            let rejection = Rejection::new(reason, std::time::Duration::ZERO);
            let judge =
                |format| Http.judge(&Ok::<_, ()>(refusal::response(rejection.clone(), format)));
            let no_load = matches!(reason, Reason::Quota | Reason::Unkeyed | Reason::Draining);
            let expected = if no_load { Outcome::Ignore } else { Outcome::Overload };
            assert_eq!(
                [Format::Plain, Format::Problem, grpc].map(judge),
                [expected; 3],
                "{reason}"
            );
        }
    }

    fn response(headers: &[(&'static str, &'static str)]) -> Result<Response<String>, ()> {
        let mut response = Response::builder();
        for (name, value) in headers {
            response = response.header(*name, *value);
        }
        Ok(response.body(String::new()).expect("it is valid"))
    }

    #[test]
    fn in_the_midst_the_services_own_answer_tells_the_form() {
        let format = |content_type| {
            Http.format_of(&response(&[(header::CONTENT_TYPE.as_str(), content_type)]))
        };
        let grpc = Format::Grpc { content_type: "application/grpc-web+proto" };
        assert_eq!(format("application/grpc-web+proto"), grpc);
        for json in ["application/json", "application/problem+json; a=b", "application/vnd.x+JSON"]
        {
            assert_eq!(format(json), Format::Problem, "{json}");
        }
        for other in ["text/html; a=json", "application/jsonp", "application/json-seq", ""] {
            assert_eq!(format(other), Format::Plain, "{other}");
        }
        assert_eq!(Protocol::<Response<String>, _>::format_of(&Http, &Err(())), Format::Plain);
    }

    #[test]
    fn a_call_that_failed_at_once_has_failed() {
        let has_failed = |status| Http.has_failed(&response(&[("grpc-status", status)]));
        assert!(has_failed("13") && has_failed("14"));
        assert!(!has_failed("0") && !has_failed("5") && !has_failed("8"));
    }
}
