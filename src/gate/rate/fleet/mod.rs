//! One quota for the processes of a fleet: what is asked of the buckets that they share,
//! what is known without asking, and what holds while nobody answers.

mod buckets;
mod claim;
mod decide;
mod held;
mod leases;
mod outage;
mod question;
mod sharing;
mod wait;

pub use buckets::{Order, Shared, SharedBuckets, SharedRate, Taken};
pub(super) use claim::Shape;
pub(super) use decide::Case;
pub(super) use leases::Leases;
pub(super) use outage::Contact;
pub(crate) use sharing::FleetStore;
pub use sharing::{Outage, Sharing};
pub use wait::RateWait;
