//! The decisions, as pure state machines: `&mut self`, the time is an argument, and no
//! clock, lock, waker or header in sight.

pub(crate) mod baseline;
pub(crate) mod breaker;
pub(crate) mod histogram;
pub mod limit;
pub(crate) mod meter;
pub(crate) mod occupancy;
pub(crate) mod queue;
pub(crate) mod window;
