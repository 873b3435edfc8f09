//! HTTP: priorities by header and route, keys, refusals as responses, permits to the end of
//! the body.

mod body;
mod header;
pub mod key;
mod matched;
mod protocol;
mod routes;
mod status;
mod timing;

pub use body::PermitBody;
pub use header::ByHeader;
pub use routes::Routes;
pub use status::JudgeStatus;
pub use timing::ServerTiming;

/// The README's code, compiled.
#[cfg(doctest)]
#[doc = include_str!("../../README.md")]
struct Readme;
