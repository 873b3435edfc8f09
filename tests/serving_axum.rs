//! The limit is in force under every way in which axum serves a router.
//!
//! axum applies a layer anew for every endpoint, connection or request, depending on how
//! it serves. So each form gets a crowd of connections, and never more than the limit
//! may be inside at once. That it all compiles shows that errors stay `Infallible`.

#![cfg(feature = "http")]

mod support;

use std::{net::SocketAddr, sync::Arc};

use axum::{
    Router,
    body::Body,
    extract::{Request, State},
    routing::{MethodRouter, get},
};
use brownout::{
    Admission, CircuitBreaker, ConcurrencyLimit, ConcurrencyLimitLayer, Priority, limit::Fixed,
};
use http::StatusCode;
use http_body_util::BodyExt;
use support::{
    SECOND,
    room::Room,
    tcp::{self, Answer},
    within_a_minute,
};
use tokio::task::JoinSet;
use tower::ServiceExt;

const LIMIT: usize = 2;
const CROWD: usize = 180;

fn limit() -> ConcurrencyLimit {
    ConcurrencyLimit::new().algorithm(Fixed::new(LIMIT)).queue(0)
}

fn layer() -> ConcurrencyLimitLayer {
    limit().layer().expect("it is valid")
}

/// A handler that goes into the room.
fn visit(room: &Room) -> MethodRouter {
    let room = room.clone();
    get(move || async move { room.visit().await })
}

fn three_endpoints(room: &Room) -> Router {
    Router::new().route("/a", visit(room)).route("/b", visit(room)).route("/c", visit(room))
}

async fn serve(app: Router) -> SocketAddr {
    let (listener, address) = tcp::listen().await;
    tokio::spawn(async move { axum::serve(listener, app).await });
    address
}

/// Has a crowd ask for the three endpoints below `prefix`, all at once: as many as the
/// limit says get in, everybody else is refused, and afterwards there is room again.
async fn prove<A, F>(room: &Room, prefix: &str, ask: A)
where
    A: Fn(String) -> F,
    F: Future<Output = Answer> + Send + 'static,
{
    let mut crowd = JoinSet::new();
    for number in 0..CROWD {
        let path = format!("{prefix}/{}", ["a", "b", "c"][number % 3]);
        let (answer, room) = (ask(path), room.clone());
        crowd.spawn(async move {
            let answer = answer.await;
            if answer.status != StatusCode::OK {
                room.settle();
            }
            answer
        });
    }
    within_a_minute(room.all_settled(CROWD)).await;
    assert_eq!((room.now(), room.most()), (LIMIT, LIMIT));
    room.open();
    let (served, refused): (Vec<_>, Vec<_>) = within_a_minute(crowd.join_all())
        .await
        .into_iter()
        .partition(|answer| answer.status == StatusCode::OK);
    assert_eq!(served.len(), LIMIT);
    assert!(refused.iter().all(Answer::is_refused_for_load), "{refused:?}");
    assert_eq!(within_a_minute(ask(format!("{prefix}/b"))).await.status, StatusCode::OK);
}

async fn prove_over_tcp(room: &Room, prefix: &str, app: Router) {
    let address = serve(app).await;
    prove(room, prefix, |path| tcp::ask(address, path)).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn limit_holds_under_router_layer() {
    let room = Room::new();
    let app = three_endpoints(&room).layer(layer());
    prove_over_tcp(&room, "", app).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn limit_holds_under_route_layer() {
    let room = Room::new();
    let app = three_endpoints(&room).route_layer(layer());
    prove_over_tcp(&room, "", app).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn limit_holds_under_method_router_layer() {
    let (room, layer) = (Room::new(), layer());
    let limited = || visit(&room).layer(layer.clone());
    let app = Router::new().route("/a", limited()).route("/b", limited()).route("/c", limited());
    prove_over_tcp(&room, "", app).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn limit_holds_in_a_nested_router() {
    let room = Room::new();
    let inner = three_endpoints(&room).layer(layer());
    prove_over_tcp(&room, "/api/v1", Router::new().nest("/api", Router::new().nest("/v1", inner)))
        .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn limit_holds_around_a_nested_router() {
    let room = Room::new();
    let app = Router::new().nest("/api", three_endpoints(&room)).layer(layer());
    prove_over_tcp(&room, "/api", app).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn limit_is_shared_by_merged_routers() {
    let (room, layer) = (Room::new(), layer());
    let one = Router::new().route("/a", visit(&room)).layer(layer.clone());
    let two = Router::new().route("/b", visit(&room)).route("/c", visit(&room)).layer(layer);
    prove_over_tcp(&room, "", one.merge(two)).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn limit_holds_under_into_make_service() {
    let room = Room::new();
    let app = three_endpoints(&room).layer(layer());
    let (listener, address) = tcp::listen().await;
    tokio::spawn(async move { axum::serve(listener, app.into_make_service()).await });
    prove(&room, "", |path| tcp::ask(address, path)).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn limit_holds_in_a_nested_service() {
    let room = Room::new();
    let inner = three_endpoints(&room).layer(layer());
    prove_over_tcp(&room, "/api", Router::new().nest_service("/api", inner)).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn limit_holds_in_a_fallback_service() {
    let room = Room::new();
    let inner = three_endpoints(&room).layer(layer());
    prove_over_tcp(&room, "", Router::new().fallback_service(inner)).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn limit_holds_for_a_stateful_router() {
    let room = Room::new();
    let handler = || get(|State(room): State<Arc<Room>>| async move { room.visit().await });
    let app = Router::new()
        .route("/a", handler())
        .route("/b", handler())
        .route("/c", handler())
        .layer(layer())
        .with_state(Arc::new(room.clone()));
    prove_over_tcp(&room, "", app).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn limit_holds_for_a_router_called_as_a_service() {
    let room = Room::new();
    let app = three_endpoints(&room).layer(layer());
    prove(&room, "", |path| {
        let app = app.clone();
        async move {
            let request = Request::get(path).body(Body::empty()).expect("it is valid");
            let response = app.oneshot(request).await.expect("it is infallible");
            let answer = Answer::new(response.status(), response.headers());
            response.into_body().collect().await.expect("the body comes to its end");
            answer
        }
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn limit_is_shared_by_all_layers_of_an_admission() {
    let room = Room::new();
    // Real time passes while they are inside, which must not be taken for a stall.
    let patient = CircuitBreaker::new().stall_after(3600 * SECOND);
    let admission = Admission::builder().concurrency(limit()).breaker(patient).build();
    let admission = admission.expect("it is valid");
    let limited = |priority| visit(&room).layer(admission.layer().priority(priority));
    let app = Router::new()
        .route("/a", limited(Priority::Critical))
        .route("/b", limited(Priority::Normal))
        .route("/c", limited(Priority::Bulk));
    prove_over_tcp(&room, "", app).await;
    assert_eq!(admission.snapshot().in_flight, 0);
    assert_eq!(admission.snapshot().admitted, LIMIT as u64 + 1);
}
