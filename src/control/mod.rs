//! The decisions, as pure state machines: `&mut self`, the time is an argument, and no
//! clock, lock, waker or header in sight.

pub(crate) mod baseline;
pub(crate) mod breaker;
#[cfg(feature = "client")]
pub(crate) mod budget;
pub(crate) mod call;
pub(crate) mod curve;
pub(crate) mod fair;
pub(crate) mod habit;
pub(crate) mod headcount;
pub(crate) mod histogram;
pub(crate) mod lane;
pub(crate) mod lease;
pub(crate) mod level;
pub mod limit;
pub(crate) mod meter;
pub(crate) mod occupancy;
pub(crate) mod pace;
pub(crate) mod patience;
pub(crate) mod places;
pub(crate) mod queue;
pub(crate) mod reach;
pub(crate) mod reading;
pub(crate) mod retries;
pub(crate) mod room;
pub(crate) mod saturation;
#[cfg(feature = "tower")]
pub(crate) mod spare;
pub(crate) mod stamp;
pub(crate) mod strays;
pub(crate) mod telling;
pub(crate) mod window;
pub(crate) mod witness;
