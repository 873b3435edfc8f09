//! The circuit breaker, shared.

mod gate;
mod settings;

pub use gate::{BreakerGate, BreakerPermit};
pub use settings::CircuitBreaker;
