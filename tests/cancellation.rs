//! Whatever way a request ends, its place comes back: one test per state of the future.

#![cfg(feature = "http")]

mod support;

use std::{
    convert::Infallible,
    future::pending,
    sync::{Arc, Mutex},
};

use brownout::{
    Class, ConcurrencyGate, ConcurrencyLimit, ConcurrencyLimitLayer, Permit, limit::Fixed,
};
use bytes::Bytes;
use http::{Request, Response, StatusCode};
use http_body_util::{BodyExt, Full};
use support::{
    MS,
    chunks::Chunks,
    controlled::{admitted, behind, get, launch, page, service},
};
use tokio::time::timeout;
use tokio_test::assert_ready;
use tower::{BoxError, Layer, ServiceExt, service_fn};

fn layer() -> ConcurrencyLimitLayer {
    let settings = ConcurrencyLimit::new().algorithm(Fixed::new(1)).queue(9);
    settings.layer().expect("it is valid")
}

fn counts(layer: &ConcurrencyLimitLayer) -> (usize, usize) {
    (layer.gate().in_flight(), layer.gate().waiting())
}

async fn hold(gate: &ConcurrencyGate) -> Permit {
    gate.acquire(&Class::default()).await.expect("there is room")
}

#[tokio::test(start_paused = true)]
async fn response_future_dropped_while_waiting_leaves_the_queue() {
    let layer = layer();
    let (service, mut inside) = behind(&layer);
    let held = hold(layer.gate()).await;
    let waiting = launch(&service, get("/"));
    assert_eq!(counts(&layer), (1, 1));
    drop(waiting);
    assert_eq!(counts(&layer), (1, 0));
    drop(held);
    assert_eq!(counts(&layer), (0, 0));
    assert!(inside.is_empty());
}

#[tokio::test(start_paused = true)]
async fn response_future_dropped_between_grant_and_poll_hands_the_place_on() {
    let layer = layer();
    let (service, mut inside) = behind(&layer);
    let held = hold(layer.gate()).await;
    let (first, mut second) = (launch(&service, get("/1")), launch(&service, get("/2")));
    drop(held);
    assert!(first.is_woken());
    drop(first);
    assert!(second.is_woken() && second.poll().is_pending());
    assert_eq!(inside.arrived().expect("it is inside").0.uri().path(), "/2");
    drop(second);
    assert_eq!(counts(&layer), (0, 0));
}

#[tokio::test(start_paused = true)]
async fn response_future_dropped_before_the_inner_service_is_ready_releases_capacity() {
    let layer = layer();
    let (service, mut inside) = behind(&layer);
    let held = hold(layer.gate()).await;
    let mut waiting = launch(&service, get("/"));
    inside.allow(0);
    drop(held);
    assert!(waiting.poll().is_pending());
    assert_eq!(counts(&layer), (1, 0));
    drop(waiting);
    assert_eq!(counts(&layer), (0, 0));
}

#[tokio::test(start_paused = true)]
async fn response_future_dropped_while_calling_releases_capacity() {
    let layer = layer();
    let (service, mut inside) = behind(&layer);
    let (calling, _answer) = admitted(&service, &mut inside);
    let mut waiting = launch(&service, get("/"));
    assert_eq!(counts(&layer), (1, 1));
    drop(calling);
    assert!(waiting.is_woken() && waiting.poll().is_pending());
    inside.take().send_response(page(StatusCode::OK));
    assert_eq!(assert_ready!(waiting.poll()).expect("it is answered").status(), 200);
}

#[tokio::test(start_paused = true)]
async fn response_future_dropped_while_a_fallback_answers_drops_the_fallbacks_work() {
    let (layer, work) = (layer(), Arc::new(()));
    let (inner, mut inside) = service();
    let running = Arc::downgrade(&work);
    let fallback = service_fn(move |_: Request<()>| {
        let held = running.upgrade();
        async move {
            let _held = held;
            pending().await
        }
    });
    let service = layer.clone().fallback(fallback).layer(inner);
    let held = hold(layer.gate()).await;
    let mut refused = launch(&service, get("/"));
    tokio::time::advance(401 * MS).await;
    assert!(refused.poll().is_pending());
    assert_eq!(counts(&layer), (1, 0), "it waits for the fallback, not in the queue");
    assert_eq!(Arc::strong_count(&work), 2);
    drop(refused);
    assert_eq!(Arc::strong_count(&work), 1);
    drop(held);
    assert_eq!(counts(&layer), (0, 0));
    assert!(inside.is_empty());
}

#[tokio::test(start_paused = true)]
async fn a_refused_future_dropped_unpolled_changes_nothing() {
    let settings = ConcurrencyLimit::new().algorithm(Fixed::new(1)).queue(0);
    let layer = settings.layer().expect("it is valid");
    let (mut service, _inside) = behind(&layer);
    let held = hold(layer.gate()).await;
    drop(tower::Service::call(service.ready().await.expect("it is ready"), get("/")));
    assert_eq!(counts(&layer), (1, 0));
    drop(held);
    assert_eq!(counts(&layer), (0, 0));
}

async fn streaming(
    layer: &ConcurrencyLimitLayer,
    body: Chunks,
) -> Response<impl http_body::Body<Data = Bytes, Error = Infallible> + Unpin + use<>> {
    let body = Arc::new(Mutex::new(Some(body)));
    let handler = service_fn(move |_: Request<()>| {
        let body = body.lock().expect("nobody panicked").take().expect("it is the only one");
        async move { Ok::<_, Infallible>(Response::new(body)) }
    });
    layer.layer(handler).oneshot(get("/")).await.expect("it is infallible")
}

#[tokio::test(start_paused = true)]
async fn response_body_dropped_mid_stream_releases_capacity() {
    let layer = layer();
    let (chunks, body) = Chunks::channel();
    let mut response = streaming(&layer, body).await;
    chunks.send(Bytes::from_static(b"first")).expect("the body is there");
    assert!(response.frame().await.is_some());
    assert_eq!(counts(&layer), (1, 0), "the head was not the end");
    drop(response);
    assert_eq!(counts(&layer), (0, 0));
}

#[tokio::test(start_paused = true)]
async fn response_body_read_to_its_end_releases_capacity_though_kept() {
    let layer = layer();
    let (chunks, body) = Chunks::channel();
    let mut response = streaming(&layer, body).await;
    drop(chunks);
    assert!(response.frame().await.is_none());
    assert_eq!(counts(&layer), (0, 0));
    drop(response);
    assert_eq!(counts(&layer), (0, 0));
}

#[tokio::test(start_paused = true)]
async fn an_empty_body_holds_nothing() {
    let layer = layer();
    let handler = service_fn(|_: Request<()>| async {
        Ok::<_, BoxError>(Response::new(Full::<Bytes>::default()))
    });
    let response = layer.layer(handler).oneshot(get("/")).await.expect("there is room");
    assert_eq!(counts(&layer), (0, 0));
    drop(response);
}

#[tokio::test(start_paused = true)]
async fn an_error_of_the_service_releases_capacity() {
    let layer = layer();
    let (service, mut inside) = behind(&layer);
    let (mut calling, answer) = admitted(&service, &mut inside);
    answer.send_error("broken");
    assert_eq!(assert_ready!(calling.poll()).err().expect("it failed").to_string(), "broken");
    assert_eq!(counts(&layer), (0, 0));
}

#[tokio::test(start_paused = true)]
async fn a_panic_in_call_releases_capacity() {
    let layer = layer();
    let handler = service_fn(|request: Request<()>| {
        assert!(request.uri().path() == "/", "the handler panics in call");
        std::future::ready(Ok::<_, Infallible>(Response::new(Full::<Bytes>::default())))
    });
    let service = layer.layer(handler);
    let task = tokio::spawn(service.clone().oneshot(get("/panic")));
    assert!(task.await.expect_err("it panicked").is_panic());
    assert_eq!(counts(&layer), (0, 0));
    assert_eq!(service.oneshot(get("/")).await.expect("it is infallible").status(), 200);
}

#[tokio::test(start_paused = true)]
async fn a_panic_in_the_inner_future_releases_capacity() {
    let layer = layer();
    let handler = service_fn(|request: Request<()>| async move {
        tokio::task::yield_now().await;
        assert!(request.uri().path() == "/", "the handler panics in its future");
        Ok::<_, Infallible>(Response::new(Full::<Bytes>::default()))
    });
    let service = layer.layer(handler);
    let task = tokio::spawn(service.clone().oneshot(get("/panic")));
    assert!(task.await.expect_err("it panicked").is_panic());
    assert_eq!(counts(&layer), (0, 0));
    assert_eq!(service.oneshot(get("/")).await.expect("it is infallible").status(), 200);
}

#[tokio::test(start_paused = true)]
async fn five_hundred_outer_timeouts_leave_nothing_behind() {
    let layer = layer();
    let handler =
        service_fn(|_: Request<()>| pending::<Result<Response<Full<Bytes>>, Infallible>>());
    let service = layer.layer(handler);
    for _ in 0..500 {
        let (first, second) =
            (service.clone().oneshot(get("/")), service.clone().oneshot(get("/")));
        let (first, second) = tokio::join!(timeout(20 * MS, first), timeout(10 * MS, second));
        assert!(first.is_err() && second.is_err(), "one hangs, one waits");
        assert_eq!(counts(&layer), (0, 0));
    }
}
