//! Stale answers in an axum app, outside of an admission layer.

#![cfg(all(feature = "axum", feature = "stale"))]

mod support;

use std::sync::{
    Arc,
    atomic::{AtomicUsize, Ordering},
};

use axum::{
    Router,
    body::Body,
    extract::Request,
    response::{IntoResponse, Response},
    routing::{get, put},
};
use brownout::{Admission, Class, ConcurrencyLimit, StaleLayer, limit::Fixed};
use bytes::Bytes;
use http::{HeaderMap, Method, StatusCode, header};
use http_body_util::BodyExt;
use support::{SECOND, chunks::Chunks, tcp, within_a_minute};
use tokio::time::advance;
use tower::ServiceExt;

/// Lets one request in at once.
fn admission() -> Admission {
    let limit = ConcurrencyLimit::new().algorithm(Fixed::new(1)).queue(0);
    Admission::builder().concurrency(limit).build().expect("it is valid")
}

async fn send(app: &Router, method: Method, path: &str) -> Response {
    let request = Request::builder().method(method).uri(path).body(Body::empty());
    app.clone().oneshot(request.expect("it is valid")).await.expect("it is infallible")
}

async fn text(response: Response) -> (StatusCode, HeaderMap, String) {
    let (parts, body) = response.into_parts();
    let body = body.collect().await.expect("it is whole").to_bytes();
    (parts.status, parts.headers, String::from_utf8_lossy(&body).into_owned())
}

#[tokio::test(start_paused = true)]
async fn a_refused_page_is_served_stale_and_holds_no_permit() {
    let (admission, layer) = (admission(), StaleLayer::new());
    let app = Router::new()
        .route("/products", get(async || "all of them"))
        .route("/orders", put(async || "done").get(async || "yours"))
        .layer(admission.layer())
        .layer(layer.clone());
    let (status, headers, _) = text(send(&app, Method::GET, "/products").await).await;
    assert_eq!((status, headers.get(header::AGE)), (StatusCode::OK, None));
    let _held = admission.acquire(&Class::default()).await.expect("there is room");
    advance(30 * SECOND).await;
    let response = send(&app, Method::GET, "/products").await;
    assert_eq!(admission.snapshot().in_flight, 1, "the one that is held");
    let (status, headers, body) = text(response).await;
    assert_eq!((status, &*body), (StatusCode::OK, "all of them"));
    assert_eq!(headers["age"], "30");
    assert_eq!(headers["content-length"], "11");
    assert_eq!(headers["cache-status"], "brownout; hit; ttl=-30; detail=queue_full");
    assert!(!headers.contains_key(header::RETRY_AFTER), "nothing is left of the refusal");
    assert_eq!(send(&app, Method::GET, "/orders").await.status(), 503, "nothing is kept");
    assert_eq!(send(&app, Method::PUT, "/orders").await.status(), 503, "it is not safe");
    let (status, headers, body) = text(send(&app, Method::HEAD, "/products").await).await;
    assert_eq!((status, &*body), (StatusCode::OK, ""));
    assert_eq!(headers["content-length"], "11");
    assert_eq!((layer.snapshot().pages, layer.snapshot().refused), (1, 2));
}

#[tokio::test(start_paused = true)]
async fn a_permit_lasts_to_the_end_of_a_body_that_is_kept() {
    let (admission, layer) = (admission(), StaleLayer::new());
    let (sender, chunks) = Chunks::channel();
    let chunks = Arc::new(std::sync::Mutex::new(Some(chunks)));
    let page = move || {
        let chunks = chunks.lock().expect("no test panics here").take();
        std::future::ready(Body::new(chunks.expect("it is asked for once")).into_response())
    };
    let app = Router::new().route("/", get(page)).layer(admission.layer()).layer(layer.clone());
    let mut body = send(&app, Method::GET, "/").await.into_body();
    for text in ["one", "two"] {
        sender.send(Bytes::from(text)).expect("it is read");
        body.frame().await.expect("there is one").expect("it is whole");
        assert_eq!((admission.snapshot().in_flight, layer.snapshot().kept), (1, 0));
    }
    drop(sender);
    assert!(body.frame().await.is_none());
    assert_eq!((admission.snapshot().in_flight, layer.snapshot().kept), (0, 1));
    let _held = admission.acquire(&Class::default()).await.expect("there is room");
    assert_eq!(text(send(&app, Method::GET, "/").await).await.2, "onetwo");
}

#[tokio::test(start_paused = true)]
async fn nested_routers_do_not_mix_their_pages() {
    let (admission, layer) = (admission(), StaleLayer::new());
    let inner = |text: &'static str| {
        let page = get(move || std::future::ready(text));
        Router::new().route("/list", page).layer(admission.layer()).layer(layer.clone())
    };
    let app = Router::new().nest("/shop", inner("products")).nest("/office", inner("salaries"));
    text(send(&app, Method::GET, "/office/list").await).await;
    let _held = admission.acquire(&Class::default()).await.expect("there is room");
    assert_eq!(send(&app, Method::GET, "/shop/list").await.status(), 503);
    assert_eq!(text(send(&app, Method::GET, "/office/list").await).await.2, "salaries");
}

/// A server stops to poll a body when it knows that there is no more.
#[tokio::test(flavor = "multi_thread")]
async fn what_a_server_has_sent_is_kept() {
    let (admission, layer) = (admission(), StaleLayer::new());
    let streamed = |sized: bool| {
        get(async move || {
            let (sender, chunks) = Chunks::channel();
            for text in ["one", "two"] {
                sender.send(Bytes::from(text)).expect("it is read");
            }
            let mut response = Body::new(chunks).into_response();
            if sized {
                response.headers_mut().insert(header::CONTENT_LENGTH, 6.into());
            }
            response
        })
    };
    let app = Router::new()
        .route("/full", get(async || "onetwo"))
        .route("/sized", streamed(true))
        .route("/chunked", streamed(false))
        .route("/empty", get(async || ()))
        .layer(admission.layer())
        .layer(layer.clone());
    let (listener, address) = tcp::listen().await;
    tokio::spawn(async move { axum::serve(listener, app).await });
    let pages = [("/full", "onetwo"), ("/sized", "onetwo"), ("/chunked", "onetwo"), ("/empty", "")];
    within_a_minute(async {
        let ask = async |path| tcp::Client::connect(address).await.get(path).await;
        for (path, text) in pages {
            let body = ask(path).await.into_body().collect().await.expect("it is whole");
            assert_eq!(body.to_bytes(), text);
        }
        let _held = loop {
            // The server drops a body after the client has it.
            match admission.acquire(&Class::default()).await {
                Ok(permit) => break permit,
                Err(_) => tokio::task::yield_now().await,
            }
        };
        assert_eq!(layer.snapshot().kept, 4);
        for (path, text) in pages {
            let response = ask(path).await;
            assert_eq!(response.status(), StatusCode::OK);
            assert!(response.headers().contains_key("cache-status"));
            assert_eq!(response.headers().get_all(header::DATE).iter().count(), 1);
            assert_eq!(response.headers()["content-length"], text.len().to_string());
            let body = response.into_body().collect().await.expect("it is whole");
            assert_eq!(body.to_bytes(), text);
        }
    })
    .await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_page_that_everybody_wants_costs_one_query() {
    let calls = Arc::new(AtomicUsize::new(0));
    let count = calls.clone();
    let page = get(async move || {
        count.fetch_add(1, Ordering::SeqCst);
        // Until the whole crowd is there, or some of it.
        tokio::task::yield_now().await;
        ([(header::CACHE_CONTROL, "max-age=60")], "all of them")
    });
    let layer = StaleLayer::new().fresh().coalesce();
    let app = Router::new().route("/", page).layer(layer);
    let mut crowd = tokio::task::JoinSet::new();
    for _ in 0..500 {
        let app = app.clone();
        crowd.spawn(async move { text(send(&app, Method::GET, "/").await).await.2 });
    }
    let bodies = within_a_minute(crowd.join_all()).await;
    assert!(bodies.iter().all(|body| body == "all of them"));
    assert_eq!(calls.load(Ordering::SeqCst), 1);
}
