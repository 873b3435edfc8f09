//! The rate limit: token buckets, in the form of the generic cell rate algorithm.

mod clients;
mod fleet;
mod gate;
mod keys;
mod limit;
mod limiter;
#[cfg(test)]
mod model;
mod over;
mod permit;
mod quota;
mod quotas;
mod reload;
mod settings;
mod snapshot;
mod spend;
mod store;

pub(crate) use fleet::FleetStore;
pub use fleet::{Order, Outage, RateWait, Shared, SharedBuckets, SharedRate, Sharing, Taken};
pub use gate::RateGate;
pub use limit::{RateLimit, Unkeyed};
pub use permit::RatePermit;
pub use quota::Quota;
pub use snapshot::RateSnapshot;
