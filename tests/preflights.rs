//! Preflights of CORS spend nothing, and nobody gets around a quota by them.

#![cfg(feature = "http")]

mod support;

use brownout::{Quota, RateLimit, RateLimitLayer};
use http::{Request, StatusCode};
use support::controlled::{Gated, Inside, admitted, behind, launch, page, refused};

/// What a browser asks before it sends what a page wants to send.
const PREFLIGHT: [(&str, &str); 2] =
    [("origin", "https://shop.example"), ("access-control-request-method", "PUT")];

fn once() -> RateLimitLayer {
    RateLimit::new(Quota::per_day(1)).layer().expect("it is valid")
}

fn request(method: &str, headers: &[(&str, &str)]) -> Request<()> {
    let request = Request::builder().method(method);
    let request =
        headers.iter().fold(request, |request, (name, value)| request.header(*name, *value));
    request.body(()).expect("it is valid")
}

fn passes<S: Gated>(service: &S, inside: &mut Inside, request: Request<()>) {
    let mut flight = launch(service, request);
    inside.take().send_response(page(StatusCode::NO_CONTENT));
    assert!(flight.poll().is_ready());
}

#[tokio::test(start_paused = true)]
async fn a_preflight_spends_no_cell_and_passes_where_there_is_none() {
    let (service, mut inside) = behind(&once());
    for _ in 0..3 {
        passes(&service, &mut inside, request("OPTIONS", &PREFLIGHT));
    }
    let _only = admitted(&service, &mut inside);
    for headers in [&[][..], &[("content-length", "0")]] {
        passes(&service, &mut inside, request("OPTIONS", &[&PREFLIGHT, headers].concat()));
    }
    assert_eq!(refused_with(&service, request("GET", &PREFLIGHT)), 429);
}

#[tokio::test(start_paused = true)]
async fn what_no_browser_sends_as_a_preflight_spends_a_cell() {
    let [origin, method] = PREFLIGHT;
    let (service, mut inside) = behind(&once());
    let _only = admitted(&service, &mut inside);
    for headers in [
        &[][..],
        &[origin],
        &[method],
        &[origin, method, ("cookie", "session=1")],
        &[origin, method, ("authorization", "Bearer x")],
        &[origin, method, ("content-length", "9")],
        &[origin, method, ("transfer-encoding", "chunked")],
    ] {
        assert_eq!(refused_with(&service, request("OPTIONS", headers)), 429, "{headers:?}");
    }
    assert_eq!(refused_with(&service, request("POST", &PREFLIGHT)), 429);
}

#[tokio::test(start_paused = true)]
async fn preflights_are_counted_if_asked_for_whatever_else_is_amended() {
    let (service, mut inside) = behind(&once().count_preflights().legacy_rate_limit_headers());
    passes(&service, &mut inside, request("OPTIONS", &PREFLIGHT));
    assert_eq!(refused_with(&service, request("OPTIONS", &PREFLIGHT)), 429);
    assert_eq!(refused_with(&service, request("GET", &[])), 429);
}

fn refused_with<S, B>(service: &S, request: Request<()>) -> u16
where
    S: Gated<Response = http::Response<B>>,
{
    refused(service, request).status().as_u16()
}
