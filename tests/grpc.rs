//! tonic behind the layers, over a real connection.

#![cfg(feature = "http")]

mod support;

use std::{net::SocketAddr, time::Duration};

use brownout::{
    Admission, CircuitBreaker, Class, ConcurrencyLimit, Priority, Quota, RateLimit,
    http::{Propagate, Propagated, Timeout, key::PeerAddr},
    limit::Fixed,
    time_left,
};
use support::{SECOND, tcp, within_a_minute};
use tokio::sync::mpsc;
use tonic::{
    Code, Status,
    service::LayerExt,
    transport::{
        Channel, Server,
        server::{TcpConnectInfo, TcpIncoming},
    },
};
use tonic_health::pb::{
    HealthCheckRequest, HealthCheckResponse, health_check_response::ServingStatus,
    health_client::HealthClient, health_server::HealthServer,
};
use tower::{BoxError, Layer, ServiceBuilder, ServiceExt, service_fn, util::MapRequestLayer};

type Client = HealthClient<Channel>;

fn health() -> HealthServer<impl tonic_health::pb::health_server::Health> {
    tonic_health::server::health_reporter().1
}

async fn incoming() -> (TcpIncoming, SocketAddr) {
    let (listener, address) = tcp::listen().await;
    (TcpIncoming::from(listener), address)
}

async fn client(address: SocketAddr) -> Client {
    let channel = Channel::from_shared(format!("http://{address}")).expect("it is valid");
    Client::new(channel.connect().await.expect("it listens"))
}

async fn check(client: &mut Client) -> Result<HealthCheckResponse, Status> {
    let answer = within_a_minute(client.check(HealthCheckRequest::default())).await;
    answer.map(tonic::Response::into_inner)
}

fn told<'s>(status: &'s Status, name: &str) -> &'s str {
    status.metadata().get(name).expect(name).to_str().expect("it is text")
}

#[tokio::test(flavor = "multi_thread")]
async fn a_client_over_its_quota_sees_resource_exhausted_and_when_to_come_back() {
    let layer = RateLimit::new(Quota::per_day(2)).layer().expect("it is valid");
    let (incoming, address) = incoming().await;
    let server = Server::builder().layer(layer).add_service(health());
    tokio::spawn(server.serve_with_incoming(incoming));
    let mut client = client(address).await;
    for _ in 0..2 {
        let answer = check(&mut client).await.expect("it is within the quota");
        assert_eq!(answer.status(), ServingStatus::Serving);
    }
    let status = check(&mut client).await.expect_err("the quota is used up");
    assert_eq!(status.code(), Code::ResourceExhausted);
    assert_eq!(status.message(), "Too many requests. Please try again later.");
    let pushback: u64 = told(&status, "grpc-retry-pushback-ms").parse().expect("it is a number");
    assert!((1..=12 * 3_600_000).contains(&pushback), "{pushback}");
    assert_eq!(told(&status, "ratelimit-policy"), "\"day\";q=2;w=86400");
}

fn admission() -> Admission {
    let limit = ConcurrencyLimit::new().algorithm(Fixed::new(1)).queue(0);
    // Real time passes while a stream is open, which must not be taken for a stall.
    let patient = CircuitBreaker::new().stall_after(3600 * SECOND);
    Admission::builder().concurrency(limit).breaker(patient).build().expect("it is valid")
}

#[tokio::test(flavor = "multi_thread")]
async fn load_is_unavailable_and_a_stream_keeps_its_place_until_it_ends() {
    let admission = admission();
    let (incoming, address) = incoming().await;
    let server = Server::builder().layer(admission.layer()).add_service(health());
    tokio::spawn(server.serve_with_incoming(incoming));
    let mut client = client(address).await;
    let stream = within_a_minute(client.watch(HealthCheckRequest::default())).await;
    let mut stream = stream.expect("there is room").into_inner();
    let first = within_a_minute(stream.message()).await.expect("it goes on").expect("one is there");
    assert_eq!(first.status(), ServingStatus::Serving);
    let status = check(&mut client).await.expect_err("its place is taken");
    assert_eq!(status.code(), Code::Unavailable);
    let pushback: u64 = told(&status, "grpc-retry-pushback-ms").parse().expect("it is a number");
    assert!((1_000..=3_000).contains(&pushback), "{pushback}");
    drop(stream);
    within_a_minute(async { while check(&mut client).await.is_err() {} }).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_layer_around_one_service_keeps_its_name() {
    let admission = admission();
    let _place = admission.acquire(&Class::default()).await.expect("there is room");
    let (incoming, address) = incoming().await;
    let server = Server::builder().add_service(admission.layer().named_layer(health()));
    tokio::spawn(server.serve_with_incoming(incoming));
    let status = check(&mut client(address).await).await.expect_err("there is no room");
    assert_eq!(status.code(), Code::Unavailable, "it is found by its name, and refuses");
}

/// With the peer's address, as tonic tells it.
fn from_peer<B>(mut request: http::Request<B>) -> http::Request<B> {
    if let Some(peer) = request.extensions().get().and_then(TcpConnectInfo::remote_addr) {
        request.extensions_mut().insert(PeerAddr(peer));
    }
    request
}

/// A service that takes each request for bulk, and tells what it was told, if it trusts these.
async fn behind(trusted: &[&str]) -> (SocketAddr, mpsc::UnboundedReceiver<Told>) {
    let (told, told_here) = mpsc::unbounded_channel();
    let propagated = Propagated::new().trusting(trusted).expect("they are networks");
    let admission = admission().layer().priority(Priority::Bulk);
    let layers = ServiceBuilder::new()
        .layer(MapRequestLayer::new(from_peer))
        .layer(admission.propagated(propagated).deadline(Timeout::grpc()))
        .layer(MapRequestLayer::new(move |request: http::Request<_>| {
            let _ = told.send((Priority::current(), time_left()));
            request
        }));
    let (incoming, address) = incoming().await;
    let server = Server::builder().layer(layers).add_service(health());
    tokio::spawn(server.serve_with_incoming(incoming));
    (address, told_here)
}

type Told = (Option<Priority>, Option<Duration>);

#[tokio::test(flavor = "multi_thread")]
async fn a_call_of_tonic_tells_the_priority_and_the_time_that_is_left() {
    for (trusted, priority) in
        [(&["127.0.0.1"][..], Priority::Critical), (&["10.0.0.0/8"], Priority::Bulk)]
    {
        let (address, mut told) = behind(trusted).await;
        let channel = Channel::from_shared(format!("http://{address}")).expect("it is valid");
        let channel = channel.connect().await.expect("it listens");
        let client = HealthClient::new(Propagate::new().deadline(Timeout::grpc()).layer(channel));
        let handler = service_fn(move |mut request: tonic::Request<HealthCheckRequest>| {
            let mut client = client.clone();
            request.set_timeout(3600 * SECOND);
            async move { Ok::<_, BoxError>(client.check(request).await?.into_inner()) }
        });
        let edge = admission().layer().priority(Priority::Critical).deadline(60 * SECOND);
        let edge = edge.refuse_with_error().layer(handler);
        let request = tonic::Request::new(HealthCheckRequest::default());
        let answer = within_a_minute(edge.oneshot(request)).await.expect("it is served");
        assert_eq!(answer.status(), ServingStatus::Serving);
        let (found, left) = told.recv().await.expect("it was called");
        assert_eq!(found, Some(priority));
        assert!(left.expect("it is told") <= 60 * SECOND, "{left:?}");
    }
}
