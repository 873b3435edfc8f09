//! The concurrency limit: counts in flight, and lets the most important wait a little.

mod count;
mod floor;
mod gate;
mod permit;
mod settings;
mod snapshot;
mod state;
mod unbound;
mod wait;

pub use gate::ConcurrencyGate;
pub use permit::Permit;
pub use settings::ConcurrencyLimit;
#[cfg(feature = "simulate")]
pub(crate) use settings::{Checked, bounded};
pub use snapshot::ConcurrencySnapshot;
pub(super) use state::News;
pub use wait::Wait;

#[cfg(test)]
mod tests;
