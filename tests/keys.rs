//! Quotas by whose a request is, in front of real servers and of services in memory.

#![cfg(feature = "axum")]

mod support;

use std::{convert::Infallible, net::SocketAddr};

use axum::{
    Router,
    body::Body,
    extract::connect_info::MockConnectInfo,
    routing::{any, get},
};
use brownout::{
    Admission, CircuitBreaker, Class, ConcurrencyLimitLayer, Database, EitherKey, Key, Priority,
    Quota, RateLimit, RateLimitLayer, Rejection, Unkeyed,
    http::{
        Routes,
        key::{ClientIp, Header, Path, PeerAddr, Route},
    },
};
use bytes::Bytes;
use http::{HeaderName, Request, Response, StatusCode};
use http_body_util::Full;
use hyper::body::Incoming;
use support::{
    tcp::{self, Client},
    within_a_minute,
};
use tower::{BoxError, Layer, Service, ServiceBuilder, ServiceExt, service_fn};

const PASSED: StatusCode = StatusCode::OK;
const OVER: StatusCode = StatusCode::TOO_MANY_REQUESTS;

/// One request a day for each key, so that no test has to hurry.
fn once() -> RateLimit {
    RateLimit::new(Quota::per_day(1)).per_key()
}

fn once_each() -> RateLimitLayer {
    once().layer().expect("it is valid")
}

fn behind_loopback() -> ClientIp {
    ClientIp::behind(["127.0.0.0/8"]).expect("it is a network").x_forwarded_for()
}

async fn statuses<const N: usize>(
    address: SocketAddr,
    forwarded_for: [&[&str]; N],
) -> [StatusCode; N] {
    let mut client = Client::connect(address).await;
    let mut statuses = [PASSED; N];
    for (status, lines) in statuses.iter_mut().zip(forwarded_for) {
        let headers = lines.iter().map(|line| ("x-forwarded-for", *line));
        *status = client.get_with("/", headers).await.status();
    }
    statuses
}

async fn serve_axum(app: Router) -> SocketAddr {
    let (listener, address) = tcp::listen().await;
    let service = app.into_make_service_with_connect_info::<SocketAddr>();
    tokio::spawn(async move { axum::serve(listener, service).await });
    address
}

#[tokio::test]
async fn over_axum_a_trusted_proxy_tells_the_client_and_a_client_tells_nothing() {
    within_a_minute(async {
        let app = Router::new().route("/", get(async || "ok"));
        let address = serve_axum(app.layer(once_each().key(behind_loopback()))).await;
        let statuses = statuses(
            address,
            [
                &["192.0.2.1"],
                &["192.0.2.1"],
                &["198.51.100.1, 192.0.2.1"],
                &["198.51.100.2", "192.0.2.1"],
                &["198.51.100.3", "192.0.2.1, 127.0.0.2"],
                &["192.0.2.2"],
                &[],
                &["unknown"],
            ],
        )
        .await;
        assert_eq!(statuses, [PASSED, OVER, OVER, OVER, OVER, PASSED, PASSED, OVER]);
    })
    .await;
}

#[tokio::test]
async fn over_axum_a_peer_that_nobody_trusts_stays_itself_whatever_it_sends() {
    within_a_minute(async {
        let far = ClientIp::behind(["192.0.2.0/24"]).expect("it is a network").x_forwarded_for();
        for client in [ClientIp::peer(), far] {
            let app = Router::new().route("/", get(async || "ok"));
            let address = serve_axum(app.layer(once_each().key(client))).await;
            let statuses = statuses(address, [&["192.0.2.1"], &["192.0.2.2"], &[]]).await;
            assert_eq!(statuses, [PASSED, OVER, OVER]);
        }
    })
    .await;
}

/// A plain hyper server, which says who the peer is if it is to.
async fn serve_hyper<S, B>(service: S, telling: bool) -> SocketAddr
where
    S: Service<Request<Incoming>, Response = Response<B>, Error = Infallible>,
    S: Clone + Send + 'static,
    S::Future: Send,
    B: http_body::Body<Data = Bytes, Error = Infallible> + Send + 'static,
{
    let telling = move |peer: SocketAddr| {
        service.clone().map_request(move |mut request: Request<Incoming>| {
            if telling {
                request.extensions_mut().insert(PeerAddr(peer));
            }
            request
        })
    };
    tcp::serve(telling).await
}

async fn ok<B>(_: Request<B>) -> Result<Response<Full<Bytes>>, Infallible> {
    Ok(Response::new(Full::from("ok")))
}

#[tokio::test]
async fn over_hyper_whoever_accepts_the_connection_tells_the_peer() {
    within_a_minute(async {
        let service = once_each().key(behind_loopback()).layer(service_fn(ok::<Incoming>));
        let address = serve_hyper(service, true).await;
        let told = [&["192.0.2.1"][..], &["10.0.0.1, 192.0.2.1"], &["192.0.2.2"], &[]];
        assert_eq!(statuses(address, told).await, [PASSED, OVER, PASSED, PASSED]);
    })
    .await;
}

#[tokio::test]
async fn a_request_of_nobody_known_is_what_unkeyed_says_and_no_header_helps_it() {
    within_a_minute(async {
        let bad = StatusCode::BAD_REQUEST;
        for (unkeyed, expected) in [
            (Unkeyed::Share, [PASSED, OVER, OVER]),
            (Unkeyed::Admit, [PASSED, PASSED, PASSED]),
            (Unkeyed::Refuse, [bad, bad, bad]),
        ] {
            let layer = once().unkeyed(unkeyed).layer().expect("it is valid");
            let service = layer.key(behind_loopback()).layer(service_fn(ok::<Incoming>));
            let address = serve_hyper(service, false).await;
            let statuses = statuses(address, [&["192.0.2.1"], &["192.0.2.2"], &[]]).await;
            assert_eq!(statuses, expected, "{unkeyed:?}");
        }
    })
    .await;
}

async fn ask(app: &Router, path: &str, api_key: Option<&str>) -> StatusCode {
    let mut request = Request::get(path);
    if let Some(api_key) = api_key {
        request = request.header("x-api-key", api_key);
    }
    let request = request.body(Body::empty()).expect("it is valid");
    app.clone().oneshot(request).await.expect("it is infallible").status()
}

/// An app whose requests all come from one address.
fn shop() -> Router {
    Router::new()
        .route("/products/{id}", get(async || "a product"))
        .route("/orders", get(async || "orders"))
}

fn from_one_address(app: Router) -> Router {
    app.layer(MockConnectInfo(SocketAddr::from(([192, 0, 2, 1], 51_000))))
}

#[tokio::test]
async fn an_api_key_counts_or_else_the_address() {
    let api_key = Header::new(HeaderName::from_static("x-api-key"));
    let app = from_one_address(shop().layer(once_each().key(api_key.or(ClientIp::peer()))));
    for (api_key, status) in [
        (Some("anna"), PASSED),
        (Some("anna"), OVER),
        (Some("bert"), PASSED),
        (None, PASSED),
        (None, OVER),
    ] {
        assert_eq!(ask(&app, "/orders", api_key).await, status, "{api_key:?}");
    }
}

#[tokio::test]
async fn each_client_has_a_quota_at_each_path_or_route() {
    let at_path = (ClientIp::peer(), Path);
    let app = from_one_address(shop().layer(once_each().key(at_path)));
    for (path, status) in [
        ("/orders", PASSED),
        ("/orders?page=2", OVER),
        ("/products/1", PASSED),
        ("/products/2", PASSED),
    ] {
        assert_eq!(ask(&app, path, None).await, status, "{path}");
    }
    let at_route = EitherKey((ClientIp::peer(), Route), ClientIp::peer());
    let nowhere = StatusCode::NOT_FOUND;
    let app = from_one_address(shop().layer(once_each().key(at_route)));
    for (path, status) in [
        ("/orders", PASSED),
        ("/products/1", PASSED),
        ("/products/2", OVER),
        ("/nowhere", nowhere),
        ("/elsewhere", OVER),
    ] {
        assert_eq!(ask(&app, path, None).await, status, "{path}");
    }
}

#[tokio::test]
async fn a_header_that_is_sent_twice_is_no_way_around_its_quota() {
    let limit = once().unkeyed(Unkeyed::Admit).layer().expect("it is valid");
    let api_key = HeaderName::from_static("x-api-key");
    let app = shop().layer(limit.key(Header::new(api_key.clone())));
    let mut statuses = Vec::new();
    for lines in [&["anna"][..], &["anna"], &["anna", "anna"], &["anna", "1"], &["2", "anna"], &[]]
    {
        let request = Request::get("/orders");
        let request = lines.iter().fold(request, |request, line| request.header(&api_key, *line));
        let answer = app.clone().oneshot(request.body(Body::empty()).expect("it is valid")).await;
        statuses.push(answer.expect("it is infallible").status());
    }
    assert_eq!(statuses, [PASSED, OVER, PASSED, OVER, OVER, PASSED]);
}

#[tokio::test]
async fn neither_head_nor_a_method_that_is_made_up_is_a_way_around_the_quota_of_a_route() {
    let limit = once().unkeyed(Unkeyed::Admit).layer().expect("it is valid");
    let app = Router::new().route("/search", any(async || "found"));
    let app = from_one_address(app.layer(limit.key((ClientIp::peer(), Route))));
    let mut statuses = Vec::new();
    for method in ["GET", "HEAD", "POST", "BREW", "STEEP"] {
        let request = Request::builder().method(method).uri("/search").body(Body::empty());
        let answer = app.clone().oneshot(request.expect("it is valid")).await;
        statuses.push(answer.expect("it is infallible").status());
    }
    assert_eq!(statuses, [PASSED, OVER, PASSED, PASSED, OVER]);
}

#[tokio::test]
async fn every_layer_takes_a_key_beside_its_class() {
    let db = Database::new("shop");
    let routes = || Routes::new().exempt("/orders");
    let breaker = CircuitBreaker::new().protecting(&db).expect("it is valid");
    let admission = Admission::builder().protect(&db).rate(once()).build().expect("it is valid");
    let app = shop()
        .layer(ConcurrencyLimitLayer::new().classify(routes()).key(ClientIp::peer()))
        .layer(breaker.classify(routes()).key(ClientIp::peer()))
        .layer(admission.layer().classify(routes()).key(ClientIp::peer()));
    let app = from_one_address(app.layer(once_each().classify(routes()).key(ClientIp::peer())));
    for (path, status) in
        [("/orders", PASSED), ("/orders", PASSED), ("/products/1", PASSED), ("/products/1", OVER)]
    {
        assert_eq!(ask(&app, path, None).await, status, "{path}");
    }
}

#[tokio::test]
async fn a_service_that_speaks_no_http_has_keys_by_closure() {
    let layer = once_each()
        .classify(|_: &u32| Class::new(Priority::Critical))
        .key(|tenant: &u32| (*tenant > 0).then(|| Key::of(tenant)))
        .refuse_with_error();
    let service = ServiceBuilder::new()
        .layer(layer)
        .service(service_fn(async |tenant: u32| Ok::<_, BoxError>(tenant)));
    for (tenant, passes) in [(7, true), (7, false), (8, true), (0, true), (0, false)] {
        let answer = service.clone().oneshot(tenant).await;
        assert_eq!(answer.is_ok(), passes, "{tenant}");
        assert!(answer.is_ok_and(|own| own == tenant) || !passes);
    }
    let refused = service.oneshot(7).await.expect_err("it is over its quota");
    assert!(refused.is::<Rejection>());
}
