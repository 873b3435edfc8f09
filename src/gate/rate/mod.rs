//! The rate limit: token buckets, in the form of the generic cell rate algorithm.

mod fleet;
mod gate;
mod limit;
mod permit;
mod quota;
mod quotas;
mod settings;
mod snapshot;
mod spend;
mod store;

pub use fleet::{Order, Shared, SharedBuckets, SharedRate, Taken};
pub use gate::RateGate;
pub use limit::{RateLimit, Unkeyed};
pub use permit::RatePermit;
pub use quota::Quota;
pub use snapshot::RateSnapshot;
