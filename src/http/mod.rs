//! HTTP: priorities by header and route, keys, deadlines, refusals as responses, permits to the
//! end of the body.

mod accept;
mod amend;
mod body;
mod grpc;
mod header;
pub mod key;
mod legacy;
mod mapped;
mod matched;
mod preflight;
mod protocol;
mod refusal;
mod routes;
mod standing;
mod status;
mod timeout;
mod timing;

pub use amend::{Amend, Amended};
pub use body::PermitBody;
pub use header::ByHeader;
pub use legacy::LegacyRateLimit;
pub use mapped::MapRefusal;
pub use preflight::CountPreflights;
pub use routes::Routes;
pub use status::JudgeStatus;
pub use timeout::Timeout;
pub use timing::ServerTiming;

/// The README's code, compiled.
#[cfg(doctest)]
#[doc = include_str!("../../README.md")]
struct Readme;
