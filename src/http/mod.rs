//! HTTP: priorities by header and route, refusals as responses, permits to the end of
//! the body.

mod body;
mod header;
mod protocol;
mod routes;

pub use body::PermitBody;
pub use header::ByHeader;
pub use routes::Routes;

/// The README's code, compiled.
#[cfg(doctest)]
#[doc = include_str!("../../README.md")]
struct Readme;
