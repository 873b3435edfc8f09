//! tonic behind the layers, over a real connection.

#![cfg(feature = "http")]

mod support;

use std::net::SocketAddr;

use brownout::{
    Admission, CircuitBreaker, Class, ConcurrencyLimit, Quota, RateLimit, limit::Fixed,
};
use support::{SECOND, tcp, within_a_minute};
use tonic::{
    Code, Status,
    service::LayerExt,
    transport::{Channel, Server, server::TcpIncoming},
};
use tonic_health::pb::{
    HealthCheckRequest, HealthCheckResponse, health_check_response::ServingStatus,
    health_client::HealthClient, health_server::HealthServer,
};

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
    assert_eq!(told(&status, "grpc-retry-pushback-ms"), "1000");
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
