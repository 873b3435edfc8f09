//! The rate limit: token buckets, in the form of the generic cell rate algorithm.

mod clients;
mod gate;
mod limit;
mod limiter;
mod permit;
mod quota;
mod quotas;
mod settings;
mod snapshot;
mod spend;
mod store;

pub use gate::RateGate;
pub use limit::{RateLimit, Unkeyed};
pub use permit::RatePermit;
pub use quota::Quota;
pub use snapshot::RateSnapshot;
