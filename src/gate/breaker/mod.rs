//! The circuit breaker, shared.

mod gate;
mod listener;
mod permit;
mod probing;
mod settings;
mod snapshot;

pub use gate::BreakerGate;
pub use permit::BreakerPermit;
pub use settings::CircuitBreaker;
pub use snapshot::{BreakerMode, BreakerSnapshot};
