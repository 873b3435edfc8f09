//! The concurrency limit: counts in flight, and lets the most important wait a little.

mod gate;
mod permit;
mod settings;
mod state;
mod wait;

pub use gate::ConcurrencyGate;
pub use permit::Permit;
pub use settings::ConcurrencyLimit;
pub use wait::Wait;

#[cfg(test)]
mod tests;
