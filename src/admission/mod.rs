//! The layers: one plumbing, four times.
//!
//! [`ConcurrencyLimitLayer`], [`RateLimitLayer`] and [`CircuitBreakerLayer`] stand
//! alone; [`AdmissionLayer`] has all three in their right order. All are a
//! [`GateLayer`] with different gates, so there is one service, one future, one place
//! for cancellation and one kind of [`Rejection`](crate::Rejection).
//!
//!
//! A layer makes no state: all of it is in the gate, which clones share. So the limit
//! holds whether the layer is applied once or, as axum does, for every route,
//! connection and request anew; and separate limits take separate gates.

mod answer;
mod builder;
mod by_name;
mod deadline;
mod door;
mod drain;
mod fleet;
mod future;
mod hand_on;
mod handle;
mod inspect;
mod keyed;
mod layer;
mod layers;
mod oneshot;
mod prober;
mod protocol;
mod report;
mod retries;
mod served;
mod service;
mod watch;

pub use answer::{Answer, Nobody};
pub use builder::AdmissionBuilder;
pub use deadline::WithDeadline;
pub use fleet::Fleet;
pub use future::ResponseFuture;
pub(crate) use hand_on::hand_on;
pub use handle::Admission;
pub use inspect::{Format, Inspect};
pub use keyed::Keyed;
pub use layer::{Changed, GateLayer};
pub use layers::{AdmissionLayer, CircuitBreakerLayer, ConcurrencyLimitLayer, RateLimitLayer};
pub use oneshot::Oneshot;
pub use protocol::{AsError, Http, Judged, Protocol};
pub use retries::WithRetries;
pub use service::GateService;
