//! A gRPC service of tonic and its client: the client says in metadata how important a call is and
//! how long it waits, and a refusal is a status that says when to come back.
//!
//! `cargo run --example tonic`
//!
//! The service is that of gRPC's health checks, since its code comes made.

use std::{convert::Infallible, error::Error, time::Duration};

use brownout::{
    Admission, ConcurrencyLimit, Database, Priority, Quota, RateLimit,
    http::{Propagated, Timeout, key::Header},
    limit::Fixed,
    time_left,
};
use http::HeaderName;
use tokio::{net::TcpListener, task::JoinSet, time::sleep};
use tonic::{
    Code, Request, Response, Status,
    codegen::BoxStream,
    transport::{Channel, Server, server::TcpIncoming},
};
use tonic_health::pb::{
    HealthCheckRequest, HealthCheckResponse,
    health_check_response::ServingStatus,
    health_client::HealthClient,
    health_server::{Health, HealthServer},
};

const CUSTOMER: &str = "x-customer";

#[tokio::main]
async fn main() -> Result<(), Box<dyn Error>> {
    let db = Database::new("shop");
    let limit =
        ConcurrencyLimit::new().algorithm(Fixed::new(2)).queue(4).max_wait(Duration::from_secs(10));
    let quota = RateLimit::new(Quota::per_day(3)).per_key();
    let admission = Admission::builder().protect(&db).concurrency(limit).rate(quota).build()?;
    // Whoever calls may make its call less important. `trusting` says who may make it more.
    let layer = admission.layer().propagated(Propagated::new());
    let layer = layer.deadline(Timeout::grpc()).key(Header::new(HeaderName::from_static(CUSTOMER)));
    let listener = TcpListener::bind("127.0.0.1:0").await?;
    let channel = Channel::from_shared(format!("http://{}", listener.local_addr()?))?;
    let server = Server::builder().layer(layer).add_service(HealthServer::new(Shop(db)));
    tokio::spawn(server.serve_with_incoming(TcpIncoming::from(listener)));
    let client = HealthClient::new(channel.connect().await?);

    println!("2 calls, and 20 that can come later:");
    let mut calls = JoinSet::new();
    for number in 0..22_usize {
        let priority = if number < 2 { Priority::Normal } else { Priority::Bulk };
        let request = call(&format!("customer {number}"), priority)?;
        let mut client = client.clone();
        calls.spawn(async move { (priority, client.check(request).await) });
    }
    let mut refused = 0;
    while let Some(answer) = calls.join_next().await {
        let (priority, answer) = answer?;
        let Err(status) = answer else { continue };
        assert_eq!((priority, status.code()), (Priority::Bulk, Code::Unavailable));
        assert!(pushback(&status).is_some_and(|wait| wait > 0));
        refused += 1;
    }
    println!("  {refused} were refused, all of those that can come later");
    assert!(refused > 0, "there is no room for all of them");

    println!("with little time, and with as much as it takes:");
    let mut hurried = call("ann", Priority::Normal)?;
    hurried.set_timeout(Duration::from_secs(30));
    for (request, expected) in [
        (hurried, ServingStatus::Unknown),
        (call("ann", Priority::Normal)?, ServingStatus::Serving),
    ] {
        let status = client.clone().check(request).await?.into_inner().status();
        println!("  {status:?}");
        assert_eq!(status, expected);
    }

    println!("over its quota:");
    client.clone().check(call("ann", Priority::Normal)?).await?;
    let told = client.clone().check(call("ann", Priority::Normal)?).await;
    let status = told.expect_err("that is the fourth of a day");
    println!("  {:?}, again in {:?} ms", status.code(), pushback(&status));
    assert_eq!(status.code(), Code::ResourceExhausted);
    assert!(pushback(&status).is_some_and(|wait| wait > 1_000));
    println!("{}", admission.snapshot());
    Ok(())
}

/// `set_timeout` of it says how long the caller waits.
fn call(customer: &str, priority: Priority) -> Result<Request<HealthCheckRequest>, Box<dyn Error>> {
    let mut request = Request::new(HealthCheckRequest::default());
    request.metadata_mut().insert("x-request-priority", priority.as_str().parse()?);
    request.metadata_mut().insert(CUSTOMER, customer.parse()?);
    Ok(request)
}

/// When to try again, in milliseconds, as clients of gRPC with a retry policy read it (gRFC A6).
fn pushback(status: &Status) -> Option<i64> {
    status.metadata().get("grpc-retry-pushback-ms")?.to_str().ok()?.parse().ok()
}

struct Shop(Database);

#[tonic::async_trait]
impl Health for Shop {
    async fn check(
        &self,
        _: Request<HealthCheckRequest>,
    ) -> Result<Response<HealthCheckResponse>, Status> {
        let query = async {
            sleep(Duration::from_millis(50)).await;
            Ok::<_, Infallible>(ServingStatus::Serving)
        };
        let is_hurried = time_left().is_some_and(|left| left < Duration::from_secs(60));
        let status = match is_hurried {
            true => ServingStatus::Unknown, // as far as one can tell without the database
            false => self.0.observe(query).await.expect("it cannot fail"),
        };
        Ok(Response::new(HealthCheckResponse { status: status.into() }))
    }

    type WatchStream = BoxStream<HealthCheckResponse>;

    async fn watch(
        &self,
        _: Request<HealthCheckRequest>,
    ) -> Result<Response<Self::WatchStream>, Status> {
        Err(Status::unimplemented("only single checks"))
    }
}
