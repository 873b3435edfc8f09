//! Fallbacks in an axum app: routers, handlers and closures, by route.

#![cfg(feature = "axum")]

mod support;

use std::convert::Infallible;

use axum::{
    Extension, Router,
    body::Body,
    extract::{MatchedPath, Path, State},
    response::{IntoResponse, Response},
    routing::{get, post},
};
use brownout::{
    Admission, Class, ConcurrencyLimit, ConcurrencyLimitLayer, FellBack, GatesPermit, Rejection,
    limit::Fixed,
};
use http::{Method, Request, StatusCode};
use http_body_util::BodyExt;
use support::MS;
use tokio::{sync::mpsc, time::sleep};
use tower::{ServiceExt, service_fn};

fn limit(at_once: usize) -> ConcurrencyLimit {
    ConcurrencyLimit::new().algorithm(Fixed::new(at_once)).queue(0)
}

/// Has room for one, which is taken.
async fn full() -> (Admission, GatesPermit) {
    let admission = Admission::builder().concurrency(limit(1)).build().expect("it is valid");
    let held = admission.acquire(&Class::default()).await.expect("there is room");
    (admission, held)
}

async fn send(app: &Router, method: Method, path: &str) -> Response {
    let request = Request::builder().method(method).uri(path).body(Body::from("an order"));
    app.clone().oneshot(request.expect("it is valid")).await.expect("it is infallible")
}

async fn text(app: &Router, path: &str) -> (StatusCode, String) {
    told(send(app, Method::GET, path).await).await
}

async fn told(response: Response) -> (StatusCode, String) {
    let status = response.status();
    let body = response.into_body().collect().await.expect("it is whole").to_bytes();
    (status, String::from_utf8_lossy(&body).into_owned())
}

fn ok(text: &str) -> (StatusCode, String) {
    (StatusCode::OK, text.to_owned())
}

async fn replica(Extension(why): Extension<Rejection>) -> String {
    format!("from the replica ({})", why.reason())
}

async fn product(Path(id): Path<u32>, Extension(why): Extension<Rejection>) -> String {
    format!("product {id} from the replica ({})", why.reason())
}

#[tokio::test(start_paused = true)]
async fn a_router_is_a_fallback_and_its_handlers_see_why() {
    let (admission, _held) = full().await;
    let stand_in = Router::new().route("/feed", get(replica)).fallback(async || "no such copy");
    let app = Router::new()
        .route("/feed", get(async || "fresh"))
        .route("/search", get(async || "fresh"))
        .layer(admission.layer().fallback(stand_in));
    assert_eq!(text(&app, "/feed").await, ok("from the replica (queue_full)"));
    assert_eq!(text(&app, "/search").await, ok("no such copy"));
}

#[tokio::test(start_paused = true)]
async fn a_handler_as_the_fallback_of_a_route_has_the_parameters_of_its_path() {
    let (admission, held) = full().await;
    let fresh = || get(async |Path(id): Path<u32>| format!("product {id}"));
    let layer = || admission.layer().fallback(get(product));
    let apps = [
        Router::new().route("/products/{id}", fresh().layer(layer())),
        Router::new().route("/products/{id}", fresh()).route_layer(layer()),
        Router::new().route("/products/{id}", fresh()).layer(layer()),
        Router::new().nest("/products", Router::new().route("/{id}", fresh()).layer(layer())),
    ];
    for app in &apps {
        let copy = ok("product 7 from the replica (queue_full)");
        assert_eq!(text(app, "/products/7").await, copy);
    }
    drop(held);
    for app in &apps {
        assert_eq!(text(app, "/products/7").await, ok("product 7"));
    }
}

#[tokio::test(start_paused = true)]
async fn one_closure_tells_the_routes_apart() {
    let (admission, _held) = full().await;
    let layer = admission.layer().fallback_with(|parts, rejection| {
        match parts.extensions.get::<MatchedPath>()?.as_str() {
            "/feed/{page}" => Some(format!("yesterday's ({})", rejection.reason()).into_response()),
            _ => None,
        }
    });
    let app = Router::new()
        .route("/feed/{page}", get(async || "fresh"))
        .route("/checkout", get(async || "fresh"))
        .layer(layer);
    assert_eq!(text(&app, "/feed/2").await, ok("yesterday's (queue_full)"));
    assert_eq!(text(&app, "/checkout").await.0, StatusCode::SERVICE_UNAVAILABLE);
}

#[tokio::test(start_paused = true)]
async fn an_order_is_taken_down_whole_and_told_so() {
    let (admission, _held) = full().await;
    let (queue, mut orders) = mpsc::channel(1);
    let take_down = async |State(queue): State<mpsc::Sender<String>>, order: String| match queue
        .try_send(order)
    {
        Ok(()) => StatusCode::ACCEPTED,
        Err(_) => StatusCode::SERVICE_UNAVAILABLE,
    };
    let layer = admission.layer().fallback(post(take_down).with_state(queue));
    let app = Router::new().route("/orders", post(async || "done").layer(layer));
    for expected in [StatusCode::ACCEPTED, StatusCode::SERVICE_UNAVAILABLE] {
        let response = send(&app, Method::POST, "/orders").await;
        assert_eq!(response.status(), expected);
        assert!(response.extensions().get::<FellBack>().is_some());
    }
    assert_eq!(orders.try_recv().as_deref(), Ok("an order"));
    assert_eq!(admission.snapshot().in_flight, 1);
}

#[tokio::test(start_paused = true)]
async fn who_is_too_many_for_the_replica_gets_the_refusal_at_once() {
    let (admission, _held) = full().await;
    let slow = get(async || {
        sleep(5 * MS).await;
        "from the replica"
    });
    let layer = admission.layer().fallback(slow).limit(1);
    let app = Router::new().route("/", get(async || "fresh").layer(layer.clone()));
    let first = text(&app, "/");
    let second = async {
        sleep(MS).await;
        assert_eq!(layer.snapshot().in_flight, 1);
        let response = send(&app, Method::GET, "/").await;
        assert!(response.extensions().get::<Rejection>().is_some());
        response.status()
    };
    let (first, second) = tokio::join!(first, second);
    assert_eq!((first, second), (ok("from the replica"), StatusCode::SERVICE_UNAVAILABLE));
    let snapshot = layer.snapshot();
    assert_eq!((snapshot.in_flight, snapshot.answered, snapshot.over_limit), (0, 1, 1));
}

#[tokio::test(start_paused = true)]
async fn a_fallback_with_a_limit_around_it_may_have_a_fallback_itself() {
    let (admission, _held) = full().await;
    let slow = async || {
        sleep(5 * MS).await;
        "from the replica"
    };
    let own = limit(1).layer().expect("it is valid");
    let own = own.fallback_with(|_, _| "a static page".into_response());
    let layer = admission.layer().fallback(get(slow).layer(own));
    let app = Router::new().route("/", get(async || "fresh").layer(layer));
    let second = async {
        sleep(MS).await;
        text(&app, "/").await
    };
    let (first, second) = tokio::join!(text(&app, "/"), second);
    assert_eq!((first, second), (ok("from the replica"), ok("a static page")));
}

#[tokio::test(start_paused = true)]
async fn a_fallback_may_have_an_adaptive_limit_around_it() {
    let (admission, _held) = full().await;
    let own = ConcurrencyLimitLayer::new();
    let layer = admission.layer().fallback(get(replica).layer(own.clone())).limit(usize::MAX);
    let app = Router::new().route("/", get(async || "fresh").layer(layer));
    let response = send(&app, Method::GET, "/").await;
    assert_eq!(own.gate().in_flight(), 1, "to the end of the body");
    assert_eq!(told(response).await, ok("from the replica (queue_full)"));
    assert_eq!(own.gate().in_flight(), 0);
}

#[tokio::test(start_paused = true)]
async fn each_route_has_a_fallback_of_its_own() {
    let admission = Admission::builder().concurrency(limit(1)).build().expect("it is valid");
    let saying = |what: &'static str| {
        service_fn(move |_: Request<Body>| async move { Ok::<_, Infallible>(what.into_response()) })
    };
    let page = || get(|| async { "fresh" });
    let app = Router::new()
        .route("/feed", page().layer(admission.layer().fallback(saying("yesterday's feed"))))
        .route("/search", page().layer(admission.layer().fallback(saying("no results"))))
        .route("/checkout", page().layer(admission.layer()));
    assert_eq!(text(&app, "/feed").await, (StatusCode::OK, "fresh".to_owned()));
    let _held = admission.acquire(&Class::default()).await.expect("there is room");
    assert_eq!(text(&app, "/feed").await, (StatusCode::OK, "yesterday's feed".to_owned()));
    assert_eq!(text(&app, "/search").await, (StatusCode::OK, "no results".to_owned()));
    assert_eq!(text(&app, "/checkout").await.0, StatusCode::SERVICE_UNAVAILABLE);
}
