//! The decisions, as pure state machines: `&mut self`, the time is an argument, and no
//! clock, lock, waker or header in sight.

pub(crate) mod baseline;
pub(crate) mod breaker;
pub(crate) mod call;
pub(crate) mod curve;
pub(crate) mod fair;
pub(crate) mod habit;
pub(crate) mod headcount;
pub(crate) mod histogram;
pub(crate) mod lane;
pub(crate) mod lease;
pub mod limit;
pub(crate) mod meter;
pub(crate) mod occupancy;
pub(crate) mod patience;
pub(crate) mod places;
pub(crate) mod queue;
pub(crate) mod reach;
pub(crate) mod reading;
pub(crate) mod room;
pub(crate) mod saturation;
pub(crate) mod strays;
pub(crate) mod window;
pub(crate) mod witness;
