//! Another service, or a closure, answers what was refused.

#![cfg(feature = "http")]

mod support;

use std::convert::Infallible;

use brownout::{
    Admission, CircuitBreaker, Class, ConcurrencyLimit, ConcurrencyLimitLayer, FellBack, Reason,
    Rejection, limit::Fixed,
};
use bytes::Bytes;
use http::{Method, Request, Response, StatusCode};
use http_body_util::{BodyExt, Full};
use support::{
    MS,
    controlled::{Flight, Gated, admitted, behind, get, launch, page, refused, service},
};
use tokio::time::advance;
use tokio_test::{assert_ready, task};
use tower::{Layer, ServiceExt, service_fn};

fn limit(queue: usize) -> ConcurrencyLimit {
    ConcurrencyLimit::new().algorithm(Fixed::new(1)).queue(queue)
}

fn layer(queue: usize) -> ConcurrencyLimitLayer {
    limit(queue).layer().expect("it is valid")
}

/// Anything but `Clone`.
#[derive(Debug, PartialEq)]
struct Precious(String);

#[tokio::test(start_paused = true)]
async fn the_fallback_gets_the_refused_request_whole() {
    let layer = layer(0);
    let inner = service_fn(|_: Request<Precious>| async {
        Ok::<_, Infallible>(Response::new(Full::<Bytes>::from("inner")))
    });
    let fallback = service_fn(|request: Request<Precious>| async move {
        assert_eq!(request.method(), Method::PUT);
        assert_eq!(request.uri(), "/orders/7?draft=1");
        assert_eq!(request.headers()["x-tenant"], "seven");
        assert_eq!(request.extensions().get(), Some(&42_u8));
        assert_eq!(request.body(), &Precious("order".to_owned()));
        Ok(Response::new(Full::from("fallback")))
    });
    let service = layer.clone().fallback(fallback).layer(inner);
    let _held = layer.gate().acquire(&Class::default()).await.expect("there is room");
    let request = Request::put("/orders/7?draft=1")
        .header("x-tenant", "seven")
        .extension(42_u8)
        .body(Precious("order".to_owned()))
        .expect("it is valid");
    let response = service.oneshot(request).await.expect("it is infallible");
    assert_eq!(response.status(), StatusCode::OK, "the fallback's own");
    let body = response.into_body().collect().await.expect("it is infallible").to_bytes();
    assert_eq!(body, "fallback");
}

#[tokio::test(start_paused = true)]
async fn the_fallback_answers_what_waited_in_vain() {
    let layer = layer(1);
    let (inner, mut inside) = service();
    let (stand_in, mut fallback) = service();
    let service = layer.clone().fallback(stand_in).layer(inner);
    let (_holding, _answer) = admitted(&service, &mut inside);
    let mut waiting = launch(&service, get("/slow"));
    assert!(fallback.is_empty());
    advance(401 * MS).await;
    assert!(waiting.poll().is_pending());
    let (request, answer) = fallback.arrived().expect("its wait is over");
    assert_eq!(request.uri().path(), "/slow");
    answer.send_response(page(StatusCode::NON_AUTHORITATIVE_INFORMATION));
    let response = assert_ready!(waiting.poll()).expect("it is answered");
    assert_eq!(response.status(), StatusCode::NON_AUTHORITATIVE_INFORMATION);
    assert!(inside.is_empty(), "the service never saw it");
}

#[tokio::test(start_paused = true)]
async fn the_fallback_is_not_called_for_what_is_admitted() {
    let layer = layer(1);
    let (inner, mut inside) = service();
    let (stand_in, mut fallback) = service();
    let service = layer.fallback(stand_in).layer(inner);
    let (mut first, answer) = admitted(&service, &mut inside);
    let mut second = launch(&service, get("/"));
    // Not even for an error or a 503 of the service.
    answer.send_error("broken");
    assert!(assert_ready!(first.poll()).is_err());
    assert!(second.poll().is_pending());
    inside.take().send_response(page(StatusCode::SERVICE_UNAVAILABLE));
    assert_eq!(assert_ready!(second.poll()).expect("it is answered").status(), 503);
    assert!(fallback.is_empty());
}

#[tokio::test(start_paused = true)]
async fn the_fallback_is_not_limited_by_the_gate() {
    let layer = layer(0);
    let (inner, mut inside) = service();
    let (stand_in, mut fallback) = service();
    let service = layer.clone().fallback(stand_in).layer(inner);
    let (_holding, _answer) = admitted(&service, &mut inside);
    let flights: Vec<_> = (0..50).map(|_| launch(&service, get("/"))).collect();
    let answers: Vec<_> = flights.iter().map(|_| fallback.take()).collect();
    assert_eq!((layer.gate().in_flight(), layer.gate().waiting()), (1, 0));
    for (mut flight, answer) in flights.into_iter().zip(answers) {
        answer.send_response(page(StatusCode::OK));
        let response = assert_ready!(flight.poll()).expect("it is answered");
        assert_eq!(layer.gate().in_flight(), 1, "its body holds no permit");
        drop(response);
    }
    assert_eq!(layer.gate().in_flight(), 1);
}

#[tokio::test(start_paused = true)]
async fn the_fallbacks_own_error_passes_through() {
    let layer = layer(0);
    let (inner, _inside) = service();
    let (stand_in, mut fallback) = service();
    let service = layer.clone().fallback(stand_in).layer(inner);
    let _held = layer.gate().acquire(&Class::default()).await.expect("there is room");
    let mut flight = launch(&service, get("/"));
    fallback.take().send_error("no copy either");
    let error = assert_ready!(flight.poll()).err().expect("it failed");
    assert_eq!(error.to_string(), "no copy either");
}

#[tokio::test(start_paused = true)]
async fn a_place_of_the_fallback_is_taken_from_the_refusal_to_the_head_of_the_answer() {
    let gate = layer(0);
    let (inner, _inside) = service();
    let (stand_in, mut fallback) = service();
    let layer = gate.clone().fallback(stand_in).limit(1);
    let service = layer.layer(inner);
    let _held = gate.gate().acquire(&Class::default()).await.expect("there is room");
    let is_full = || layer.snapshot().in_flight == 1;
    // Also while it is not ready.
    fallback.allow(0);
    let mut flight = launch(&service, get("/first"));
    assert!(is_full() && fallback.is_empty());
    assert_eq!(refused(&service, get("/second")).status(), StatusCode::SERVICE_UNAVAILABLE);
    fallback.allow(1);
    assert!(flight.is_woken() && flight.poll().is_pending() && is_full());
    fallback.take().send_response(page(StatusCode::OK));
    let response = assert_ready!(flight.poll()).expect("it is answered");
    assert!(!is_full(), "its body holds no place");
    drop((flight, response));
    // An error is an answer; who leaves has none.
    fallback.allow(2);
    let mut flight = launch(&service, get("/third"));
    fallback.take().send_error("no copy either");
    assert!(assert_ready!(flight.poll()).is_err());
    assert!(!is_full());
    drop(launch(&service, get("/fourth")));
    let snapshot = layer.snapshot();
    assert_eq!((snapshot.in_flight, snapshot.answered, snapshot.over_limit), (0, 2, 1));
}

#[tokio::test(start_paused = true)]
async fn by_default_a_hundred_are_answered_at_once_and_with_a_limit_of_zero_nobody() {
    let gate = layer(0);
    let _held = gate.gate().acquire(&Class::default()).await.expect("there is room");
    for (limit, expected) in [(None, 100), (Some(0), 0), (Some(usize::MAX), 150)] {
        let (inner, _inside) = service();
        let (stand_in, mut fallback) = service();
        let layer = gate.clone().fallback(stand_in);
        let layer = match limit {
            Some(limit) => layer.limit(limit),
            None => layer,
        };
        let service = layer.layer(inner);
        fallback.allow(200);
        let flights: Vec<_> = (0..150).map(|_| fly(&service, get("/"))).collect();
        let on_their_way = flights.into_iter().flatten().count();
        assert_eq!((on_their_way, layer.snapshot().over_limit), (expected, 150 - expected as u64));
    }
}

#[tokio::test(start_paused = true)]
async fn the_fallback_is_told_why_and_outside_it_is_seen_that_it_answered() {
    let gate = layer(0);
    let fallback = service_fn(|request: Request<()>| async move {
        let why = request.extensions().get::<Rejection>().expect("it is told");
        assert_eq!(why.reason(), Reason::QueueFull);
        Ok(page(StatusCode::OK))
    });
    let (service, _inside) = behind(&gate.clone().fallback(fallback));
    let _held = gate.gate().acquire(&Class::default()).await.expect("there is room");
    let response = refused(&service, get("/"));
    let mark = response.extensions().get::<FellBack>().expect("it is marked");
    assert_eq!(mark.rejection().reason(), Reason::QueueFull);
    assert_eq!(response.extensions().get::<Rejection>(), None, "it is no refusal");
}

#[tokio::test(start_paused = true)]
async fn what_the_fallback_answers_is_no_word_on_the_load() {
    let settings = CircuitBreaker::new().min_calls(1);
    let admission = Admission::builder().concurrency(limit(0)).breaker(settings).build();
    let admission = admission.expect("it is valid");
    let fallback = service_fn(|_| async { Ok(page(StatusCode::SERVICE_UNAVAILABLE)) });
    let (service, mut inside) = behind(&admission.layer().fallback(fallback));
    let (_holding, _answer) = admitted(&service, &mut inside);
    for _ in 0..50 {
        advance(10 * MS).await;
        drop(refused(&service, get("/")));
    }
    assert_eq!(admission.snapshot().circuit, brownout::Circuit::Closed);
}

/// Sends a request that may be answered at once.
fn fly<S: Gated>(service: &S, request: Request<()>) -> Option<Flight<S>> {
    let mut flight = task::spawn(service.clone().oneshot(request));
    flight.poll().is_pending().then_some(flight)
}
