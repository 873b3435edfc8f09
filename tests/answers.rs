//! How refusals and admissions are told over HTTP, on paused time.

#![cfg(feature = "http")]

mod support;

use std::{convert::Infallible, time::Duration};

use axum::{Router, body::Body, routing::get};
use brownout::{
    Admission, AdmissionBuilder, CheckoutError, Class, ConcurrencyLimit, Database, Outcome, Quota,
    RateLimit, RateLimitLayer, Reason, Rejection, Unkeyed, limit::Fixed,
};
use bytes::Bytes;
use http::{HeaderMap, Method, Request, Response, StatusCode, header};
use http_body_util::{BodyExt, Full};
use proptest::prelude::*;
use serde_json::{Value, json};
use sfv::{BareItem, Item, List, ListEntry, Parser};
use support::{
    MS, SECOND,
    controlled::{Gated, Inside, behind, launch, page, refused},
};
use tokio::time::advance;
use tower::{Layer, ServiceExt, service_fn};

const PROBLEM: &str = "application/problem+json";

fn request(headers: &[(&str, &str)]) -> Request<()> {
    let mut request = Request::get("/");
    for (name, value) in headers {
        request = request.header(*name, *value);
    }
    request.body(()).expect("it is valid")
}

/// A call of gRPC.
fn call(content_type: &str) -> Request<()> {
    let mut call = request(&[("content-type", content_type), ("accept", PROBLEM)]);
    *call.method_mut() = Method::POST;
    call
}

fn two_quotas() -> RateLimit {
    RateLimit::new(Quota::per_minute(60).burst(3)).and(Quota::per_day(1_000))
}

fn layer(limit: RateLimit) -> RateLimitLayer {
    limit.layer().expect("it is valid")
}

/// Sends a request that gets through, and gives the head of what it got.
fn passes<S, B>(service: &S, inside: &mut Inside) -> HeaderMap
where
    S: Gated<Response = Response<B>>,
{
    let mut flight = launch(service, request(&[]));
    inside.take().send_response(page(StatusCode::OK));
    let std::task::Poll::Ready(response) = flight.poll() else { panic!("it is answered") };
    response.expect("it succeeds").headers().clone()
}

async fn text<B>(response: Response<B>) -> String
where
    B: http_body::Body,
    B::Error: std::fmt::Debug,
{
    let body = response.into_body().collect().await.expect("it comes to its end").to_bytes();
    String::from_utf8(body.into()).expect("it is text")
}

fn told<'h>(headers: &'h HeaderMap, name: &str) -> &'h str {
    headers[name].to_str().expect("it is text")
}

fn number(headers: &HeaderMap, name: &str) -> u64 {
    told(headers, name).parse().expect("it is a number")
}

/// The items of a structured field, by an independent parser.
fn items(headers: &HeaderMap, name: &str) -> Vec<Item> {
    let list: List = Parser::new(told(headers, name)).parse().expect("it is a list");
    let item = |entry| match entry {
        ListEntry::Item(item) => item,
        ListEntry::InnerList(list) => panic!("{list:?}"),
    };
    list.into_iter().map(item).collect()
}

fn integer(item: &Item, name: &str) -> u64 {
    match item.params.get(name) {
        Some(BareItem::Integer(number)) => u64::try_from(*number).expect("it is not below 0"),
        other => panic!("{other:?}"),
    }
}

#[tokio::test(start_paused = true)]
async fn a_refusal_tells_the_quotas_and_an_admission_does_not() {
    let (service, mut inside) = behind(&layer(two_quotas()));
    for _ in 0..3 {
        let headers = passes(&service, &mut inside);
        assert!(!headers.contains_key("ratelimit") && !headers.contains_key("ratelimit-policy"));
    }
    advance(100 * MS).await;
    let response = refused(&service, request(&[]));
    let policies = items(response.headers(), "ratelimit-policy");
    let named = |item: &Item| item.bare_item.as_string().expect("it is text").as_str().to_owned();
    assert_eq!(policies.iter().map(named).collect::<Vec<_>>(), ["minute", "day"]);
    let [minute, day] = [&policies[0], &policies[1]];
    let figures = ["q", "w", "brownout-burst"].map(|name| integer(minute, name));
    assert_eq!(figures, [60, 60, 3]);
    assert_eq!((integer(day, "q"), integer(day, "w")), (1_000, 86_400));
    assert!(!day.params.contains_key("brownout-burst"));
    let limits = items(response.headers(), "ratelimit");
    assert_eq!((limits.len(), named(&limits[0])), (1, "minute".to_owned()));
    let retry_after = number(response.headers(), "retry-after");
    assert_eq!((integer(&limits[0], "r"), integer(&limits[0], "t"), retry_after), (0, 1, 1));
}

#[tokio::test(start_paused = true)]
async fn admissions_are_told_if_asked_for() {
    let (service, mut inside) = behind(&layer(two_quotas().tell_all()));
    for (left, window) in [(2, 2), (1, 1), (0, 1)] {
        let headers = passes(&service, &mut inside);
        let limit = format!("\"minute\";r={left};t={window}");
        assert_eq!(told(&headers, "ratelimit"), limit);
        assert_eq!(items(&headers, "ratelimit-policy").len(), 2);
    }
}

/// Asks, and keeps to what it is told for as long as it is told: all at once, then a pause.
async fn keeps_to_what_it_is_told(quota: Quota, rounds: u32) -> (u64, Duration) {
    let (service, mut inside) = behind(&layer(RateLimit::new(quota).tell_all()));
    let (mut asked, mut passed) = (1, Duration::ZERO);
    let mut headers = passes(&service, &mut inside);
    for _ in 0..rounds {
        let limit = items(&headers, "ratelimit").remove(0);
        let (left, window) = (integer(&limit, "r"), Duration::from_secs(integer(&limit, "t")));
        for _ in 0..left {
            tokio::task::yield_now().await;
            passes(&service, &mut inside);
        }
        advance(window).await;
        headers = passes(&service, &mut inside);
        (asked, passed) = (asked + left + 1, passed + window);
    }
    (asked, passed)
}

#[tokio::test(start_paused = true)]
async fn who_keeps_to_what_it_is_told_is_never_refused_and_gets_what_the_policy_says() {
    for (quota, interval) in [
        (Quota::per_minute(60).burst(10), SECOND),
        (Quota::per_minute(60).burst(1), SECOND),
        (Quota::per_day(100), 864 * SECOND),
        (Quota::per_second(50).burst(200), 20 * MS),
        (Quota::per(1_500 * MS, 3), 500 * MS),
    ] {
        let (asked, passed) = keeps_to_what_it_is_told(quota, 40).await;
        let fair = passed.as_secs_f64() / interval.as_secs_f64();
        assert!(asked as f64 >= fair / 2.0, "{quota:?}: {asked} of {fair} in {passed:?}");
    }
}

fn on_paused_time<T>(future: impl Future<Output = T>) -> T {
    let mut runtime = tokio::runtime::Builder::new_current_thread();
    let runtime = runtime.enable_time().start_paused(true).build();
    runtime.expect("a runtime is to be had").block_on(future)
}

fn quotas() -> impl Strategy<Value = Quota> {
    let cells = || prop_oneof![1..50_u32, 1..10_000_000_u32, 1..=u32::MAX];
    let millis = prop_oneof![1..10_000_u64, 1..=366 * 86_400_000_u64];
    (cells(), millis, cells()).prop_map(|(cells, period, burst)| {
        Quota::per(Duration::from_millis(period), cells).burst(burst)
    })
}

proptest! {
    #[test]
    fn whatever_the_quota_all_that_is_told_is_in_range(
        (first, second) in (quotas(), quotas()),
        cells in prop::collection::vec(prop_oneof![Just(1_u32), 1..=u32::MAX], 1..20),
    ) {
        let limit = RateLimit::new(first.named("first")).and(second.named("second")).tell_all();
        let Ok(layer) = limit.layer() else { return Ok(()) };
        on_paused_time(async {
            let page = || async { Ok::<_, Infallible>(Response::new(Full::<Bytes>::default())) };
            let class = |request: &Request<u32>| Class::default().cells(*request.body());
            let service = layer.classify(class).layer(service_fn(move |_: Request<u32>| page()));
            for cells in cells {
                let answer = service.clone().oneshot(Request::new(cells)).await;
                let headers = answer.expect("it is infallible").headers().clone();
                let policies = items(&headers, "ratelimit-policy");
                prop_assert_eq!(policies.len(), 2);
                let limit = items(&headers, "ratelimit").remove(0);
                let of_it = |policy: &&Item| policy.bare_item == limit.bare_item;
                let policy = policies.iter().find(of_it).expect("it is one of them");
                let has_burst = policy.params.contains_key("brownout-burst");
                let burst = integer(policy, if has_burst { "brownout-burst" } else { "q" });
                prop_assert!(integer(&limit, "r") <= burst && integer(&limit, "t") >= 1);
                if let Some(wait) = headers.get("retry-after") {
                    prop_assert_eq!(wait, &integer(&limit, "t").to_string());
                }
                advance(Duration::from_millis(u64::from(cells % 5_000))).await;
            }
            Ok(())
        })?;
    }
}

#[tokio::test(start_paused = true)]
async fn nobody_without_a_key_is_told_to_come_back() {
    let limit = two_quotas().per_key().unkeyed(Unkeyed::Refuse);
    let (service, _inside) = behind(&layer(limit));
    let response = refused(&service, request(&[("accept", PROBLEM)]));
    assert_eq!(response.status(), StatusCode::BAD_REQUEST);
    for absent in ["retry-after", "ratelimit", "ratelimit-policy"] {
        assert!(!response.headers().contains_key(absent), "{absent}");
    }
    let problem: Value = serde_json::from_str(&text(response).await).expect("it is JSON");
    assert_eq!((&problem["type"], &problem["status"]), (&json!("about:blank"), &json!(400)));
    let response = refused(&service, call("application/grpc"));
    let headers = response.headers();
    assert_eq!(
        (told(headers, "grpc-status"), told(headers, "grpc-retry-pushback-ms")),
        ("3", "-1")
    );
}

#[tokio::test(start_paused = true)]
async fn grpc_gets_a_status_in_the_head_and_of_its_own_type() {
    let (service, mut inside) = behind(&layer(RateLimit::new(Quota::per_minute(25).burst(1))));
    passes(&service, &mut inside);
    for kind in ["application/grpc", "application/grpc+proto", "application/grpc-web-text"] {
        let response = refused(&service, call(kind));
        assert_eq!(response.status(), StatusCode::OK);
        assert!(http_body::Body::is_end_stream(response.body()), "all of it is in the head");
        let headers = response.headers();
        let all = ["content-type", "grpc-status", "grpc-retry-pushback-ms", "ratelimit"];
        let expected = [kind, "8", "2400", "\"minute\";r=0;t=3"];
        assert_eq!(all.map(|name| told(headers, name)), expected);
        assert!(!headers.contains_key("retry-after"));
    }
}

#[tokio::test(start_paused = true)]
async fn nobody_has_a_refusal_kept_as_a_page_by_calling_it_grpc() {
    let (service, mut inside) = behind(&layer(RateLimit::new(Quota::per_day(1))));
    passes(&service, &mut inside);
    for method in [Method::GET, Method::HEAD] {
        let mut request = call("application/grpc");
        *request.method_mut() = method.clone();
        let response = refused(&service, request);
        // A cache keeps a 200 to these, whatever the content type of the request was.
        assert_eq!(response.status(), StatusCode::TOO_MANY_REQUESTS, "{method}");
    }
}

fn daily() -> RateLimitLayer {
    layer(RateLimit::new(Quota::per_day(1)).tell_all())
}

/// Puts a layer around an axum app, and asks for the answer to a second request.
async fn ask(put: impl FnOnce(Router) -> Router, accept: &str) -> Response<Body> {
    let app = put(Router::new().route("/", get(async || "page")));
    let request = || Request::get("/").header("accept", accept).body(Body::empty());
    let mut answers = Vec::new();
    for _ in 0..2 {
        let request = request().expect("it is valid");
        answers.push(app.clone().oneshot(request).await.expect("it is infallible"));
    }
    assert_eq!(answers[0].status(), StatusCode::OK);
    let headers = answers[0].headers();
    assert_eq!(told(headers, "ratelimit"), "\"day\";r=0;t=86400");
    answers.remove(1)
}

#[tokio::test(start_paused = true)]
async fn a_problem_is_told_in_json_where_that_is_accepted() {
    let response = ask(|app| app.layer(daily()), "text/html, application/json;q=0.9").await;
    assert_eq!(response.status(), StatusCode::TOO_MANY_REQUESTS);
    assert_eq!(told(response.headers(), "content-type"), PROBLEM);
    assert_eq!(told(response.headers(), "retry-after"), "86400");
    let problem: Value = serde_json::from_str(&text(response).await).expect("it is JSON");
    assert_eq!(problem["violated-policies"], json!(["day"]));
    let response = ask(|app| app.layer(daily()), "*/*").await;
    assert_eq!(told(response.headers(), "content-type"), "text/plain");
}

#[tokio::test(start_paused = true)]
async fn legacy_headers_are_told_beside_the_others() {
    let limit = two_quotas().tell_all();
    let (service, mut inside) = behind(&layer(limit).legacy_rate_limit_headers());
    let legacy = |headers: &HeaderMap| {
        ["limit", "remaining", "reset"].map(|name| number(headers, &format!("x-ratelimit-{name}")))
    };
    assert_eq!(legacy(&passes(&service, &mut inside)), [3, 2, 1]);
    assert_eq!(legacy(&passes(&service, &mut inside)), [3, 1, 2]);
    let headers = passes(&service, &mut inside);
    assert_eq!(legacy(&headers), [3, 0, 3]);
    assert!(headers.contains_key("ratelimit"));
    advance(MS).await;
    let response = refused(&service, request(&[]));
    assert_eq!(legacy(response.headers()), [3, 0, 3]);
    assert_eq!(number(response.headers(), "retry-after"), 1);
}

fn own_words(rejection: &Rejection, mut response: Response<Bytes>) -> Response<Bytes> {
    let was = String::from_utf8(response.body().to_vec()).expect("it is text");
    let is_problem = response.headers()[header::CONTENT_TYPE] == PROBLEM;
    assert_eq!(is_problem, was.starts_with('{'), "it is in the form that was asked for");
    assert_eq!(rejection.reason(), Reason::Quota);
    *response.body_mut() = Bytes::from("See /plans.");
    response
}

#[tokio::test(start_paused = true)]
async fn a_closure_changes_a_refusal_and_its_headers_stay() {
    for accept in ["*/*", PROBLEM] {
        let response = ask(|app| app.layer(daily().map_refusal(own_words)), accept).await;
        let headers = response.headers();
        assert_eq!(response.status(), StatusCode::TOO_MANY_REQUESTS);
        assert_eq!(told(headers, "ratelimit"), "\"day\";r=0;t=86400");
        assert_eq!(told(headers, "retry-after"), "86400");
        assert!(response.extensions().get::<Rejection>().is_some());
        assert_eq!(text(response).await, "See /plans.");
    }
    let other = |_: &Rejection, _| Response::builder().status(418).body(Bytes::new());
    let other = move |rejection: &Rejection, response| other(rejection, response).expect("valid");
    let response = ask(|app| app.layer(daily().map_refusal(other)), "*/*").await;
    assert_eq!((response.status().as_u16(), response.headers().len()), (418, 1), "but for length");
}

#[tokio::test(start_paused = true)]
async fn amendments_combine_in_any_order() {
    let combined: [fn(Router) -> Router; 4] = [
        |app| app.layer(daily().server_timing().legacy_rate_limit_headers().map_refusal(own_words)),
        |app| app.layer(daily().legacy_rate_limit_headers().map_refusal(own_words).server_timing()),
        |app| app.layer(daily().map_refusal(own_words).server_timing().legacy_rate_limit_headers()),
        |app| app.layer(daily().map_refusal(own_words).judge(ignore).legacy_rate_limit_headers()),
    ];
    for combined in combined {
        let response = ask(combined, "*/*").await;
        let headers = response.headers();
        assert_eq!(told(headers, "x-ratelimit-limit"), "1");
        assert_eq!(told(headers, "ratelimit"), "\"day\";r=0;t=86400");
        assert_eq!(text(response).await, "See /plans.");
    }
}

fn ignore<B>(_: &Result<Response<B>, Infallible>) -> Outcome {
    Outcome::Ignore
}

/// A handler that is refused a connection and fails for it, of this content type.
async fn refused_in_the_midst(
    content_type: &'static str,
    grpc_status: &str,
) -> Response<Full<Bytes>> {
    let db = Database::new("shop");
    let limit = ConcurrencyLimit::new().algorithm(Fixed::new(1)).queue(0);
    let builder =
        AdmissionBuilder::at_checkout(Admission::builder().protect(&db).concurrency(limit));
    let admission = builder.build().expect("it is valid");
    let _place = admission.acquire(&Class::default()).await.expect("there is room");
    let service = service_fn(|_: Request<()>| {
        let lent = db.checkout(async { Ok::<_, CheckoutError<Infallible>>(()) });
        async move {
            let status = if lent.await.is_ok() || !grpc_status.is_empty() { 200 } else { 500 };
            let page = Response::builder().status(status).header("content-type", content_type);
            let page = page.header("grpc-status", grpc_status).body(Full::<Bytes>::from("page"));
            Ok::<_, Infallible>(page.expect("it is valid"))
        }
    });
    let response = admission.layer().layer(service).oneshot(request(&[])).await;
    let (parts, body) = response.expect("it is infallible").into_parts();
    let body = body.collect().await.expect("it comes to its end").to_bytes();
    Response::from_parts(parts, Full::from(body))
}

#[tokio::test(start_paused = true)]
async fn in_the_midst_of_a_request_the_services_own_answer_tells_the_form() {
    let response = refused_in_the_midst("application/json", "").await;
    assert_eq!(response.status(), StatusCode::SERVICE_UNAVAILABLE);
    assert_eq!(told(response.headers(), "content-type"), PROBLEM);
    let response = refused_in_the_midst("text/html", "").await;
    assert_eq!(told(response.headers(), "content-type"), "text/plain");
    let response = refused_in_the_midst("application/grpc", "13").await;
    assert_eq!(response.status(), StatusCode::OK);
    assert_eq!(told(response.headers(), "grpc-status"), "14");
    assert_eq!(text(response).await, "");
    let response = refused_in_the_midst("application/grpc", "5").await;
    assert_eq!(told(response.headers(), "grpc-status"), "5", "it coped");
}
