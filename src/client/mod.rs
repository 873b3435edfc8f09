//! For the other end: retries that do not make an overload worse.
//!
//! [`Retries`] is a policy for tower's [`RetryLayer`](tower::retry::RetryLayer), for clients of
//! HTTP and gRPC:
//!
//! ```
//! use brownout::client::Retries;
//! use bytes::Bytes;
//! use http::{Request, Response};
//! use tower::{Layer, Service, ServiceExt, service_fn};
//!
//! # #[tokio::main(flavor = "current_thread")]
//! # async fn main() -> Result<(), Box<dyn std::error::Error>> {
//! // Whatever sends requests, such as a client of hyper.
//! let send = service_fn(async |request: Request<Bytes>| {
//!     let status = if request.headers().contains_key("x-retry-attempt") { 200 } else { 503 };
//!     Response::builder().status(status).body(())
//! });
//! let mut client = Retries::new().layer().layer(send);
//!
//! let request = Request::get("http://shop/products").body(Bytes::new())?;
//! assert_eq!(client.ready().await?.call(request).await?.status(), 200);
//! # Ok(()) }
//! ```
//!
//! [`Propagate`](crate::http::Propagate) goes inside of it, so that each try tells how much time is
//! left then.
//!
//! # Why a budget
//!
//! A client that tries everything three times triples the load of a service at the moment at
//! which it can bear least. A [`RetryBudget`] bounds it to 1.2 times and a floor, however much
//! fails. Retry in one place: in a chain of three services that each try three times, the last
//! one gets 27 requests for one. [`GateLayer::retries`](crate::GateLayer::retries) is for the
//! service's end.

mod backoff;
mod budget;
mod hint;
mod retries;

pub use budget::RetryBudget;
pub use retries::Retries;
