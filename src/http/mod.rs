//! HTTP: priorities by route, and handed on from caller to callee; keys, deadlines, refusals as responses, permits to the
//! end of the body.

mod accept;
mod amend;
mod attempt;
mod body;
mod body_within;
#[cfg(feature = "axum")]
mod extract;
mod fallback;
mod grpc;
mod in_the_midst;
pub mod key;
mod legacy;
mod lent;
mod mapped;
mod matched;
mod preflight;
mod propagation;
mod protocol;
mod refusal;
mod remembered;
mod routes;
mod standing;
mod status;
mod timeout;
mod timing;

pub use amend::{Amend, Amended};
pub use attempt::Attempt;
pub use body::PermitBody;
pub use body_within::BodyWithin;
pub use fallback::{Async, AtOnce, ByParts, FromParts, Reply, Replying};
pub use in_the_midst::InTheMidst;
pub use legacy::LegacyRateLimit;
pub use lent::Lent;
pub use mapped::MapRefusal;
pub use preflight::CountPreflights;
pub use propagation::{Propagate, Propagated, Propagating};
pub use routes::Routes;
pub use status::JudgeStatus;
pub use timeout::Timeout;
pub use timing::ServerTiming;

#[cfg(feature = "client")]
pub(crate) use self::{
    attempt::{GRPC_ATTEMPTS, RETRY_ATTEMPT},
    grpc::{Code, PUSHBACK, is_grpc},
    refusal::{NOT, SHOULD_RETRY},
};

/// The README's code, compiled.
#[cfg(doctest)]
#[doc = include_str!("../../README.md")]
struct Readme;
