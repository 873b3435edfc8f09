//! The priority goes with a call tree: [`Propagated`] takes what a caller told, and
//! [`Propagate`] tells it to those who are called.

mod baggage;
mod names;
mod propagate;
mod propagated;
mod service;

pub use propagate::Propagate;
pub use propagated::Propagated;
pub use service::Propagating;
