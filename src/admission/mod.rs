//! The layers: one plumbing, four times.
//!
//! [`ConcurrencyLimitLayer`], [`RateLimitLayer`] and [`CircuitBreakerLayer`] stand
//! alone; [`AdmissionLayer`] has all three in their right order. All are a
//! [`GateLayer`] with different gates, so there is one service, one future, one place
//! for cancellation and one kind of [`Rejection`](crate::Rejection).
//!
//! In front of an axum app with one database:
//!
//! ```
//! use axum::{Router, routing::get};
//! use brownout::{Admission, Database};
//!
//! let db = Database::new("shop");
//! let admission = Admission::builder().protect(&db).build()?;
//! let app: Router = Router::new()
//!     .route("/products", get(|| async { "from the database" }))
//!     .layer(admission.layer())
//!     .route("/health", get(|| async { "needs none, and is not limited" }));
//! # Ok::<(), brownout::InvalidConfig>(())
//! ```
//!
//! In front of a Tower service that does not speak HTTP, a refusal is an error:
//!
//! ```
//! use brownout::{ConcurrencyLimitLayer, Rejection};
//! use tower::{BoxError, Service, ServiceBuilder, service_fn};
//! # use tower::ServiceExt;
//!
//! # #[tokio::main(flavor = "current_thread")]
//! # async fn main() -> Result<(), BoxError> {
//! let mut service = ServiceBuilder::new()
//!     .layer(ConcurrencyLimitLayer::new().refuse_with_error())
//!     .service(service_fn(|number: u32| async move { Ok::<_, BoxError>(number + 1) }));
//!
//! match service.ready().await?.call(41).await {
//!     Ok(number) => assert_eq!(number, 42),
//!     Err(error) if error.is::<Rejection>() => println!("come back later"),
//!     Err(error) => return Err(error),
//! }
//! # Ok(()) }
//! ```
//!
//! A layer makes no state: all of it is in the gate, which clones share. So the limit
//! holds whether the layer is applied once or, as axum does, for every route,
//! connection and request anew; and separate limits take separate gates.

mod answer;
mod builder;
mod future;
mod layer;
mod layers;
mod oneshot;
mod protocol;
mod service;
mod watch;

pub use answer::{Answer, Nobody};
pub use builder::{Admission, AdmissionBuilder};
pub use future::ResponseFuture;
pub use layer::GateLayer;
pub use layers::{AdmissionLayer, CircuitBreakerLayer, ConcurrencyLimitLayer, RateLimitLayer};
pub use oneshot::Oneshot;
pub use protocol::{AsError, Http, Judged, Protocol};
pub use service::GateService;
