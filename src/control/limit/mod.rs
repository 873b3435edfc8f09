//! How many requests may be in flight at once: the algorithms.
//!
//! [`Knee`] is the default and right for a database. [`Fixed`] is for those who know
//! the number; [`Aimd`], [`Vegas`] and [`Gradient2`] are for those who know them from
//! elsewhere. An algorithm of your own implements [`Limit`] and goes to
//! `ConcurrencyLimit::algorithm`.

mod aimd;
mod climb;
mod fixed;
mod gradient2;
mod knee;
mod sample;
mod tally;
mod vegas;

pub use aimd::Aimd;
pub use fixed::Fixed;
pub use gradient2::Gradient2;
pub use knee::Knee;
pub use vegas::Vegas;

use std::fmt;

use crate::signal::Signal;

/// An algorithm that sets a concurrency limit from what it is told.
pub trait Limit: fmt::Debug + Send {
    /// The limit now, in requests in flight at once. The gate holds it to its own
    /// bounds and rounds it down.
    fn limit(&self) -> f64;

    /// Learns what happened since the last call, about ten times a second while the
    /// database is used; after a pause, one signal spans all of it. `signal.at` is the
    /// time: an algorithm has no clock of its own. Runs under the gate's lock: be quick,
    /// and never call the gate.
    fn update(&mut self, signal: &Signal, usage: &Usage);
}

/// What the gate in front saw since the last update. It says whether the limit was in
/// use, so that an idle service never learns upwards.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub struct Usage {
    /// The most requests that were in flight at once.
    pub peak: usize,
    /// Requests that had to wait for the limit.
    pub waited: u64,
    /// Requests that were refused for it, some of them after a wait.
    pub refused: u64,
}

impl Usage {
    /// Adds what was seen after this.
    pub fn add(&mut self, later: &Self) {
        self.peak = self.peak.max(later.peak);
        self.waited += later.waited;
        self.refused += later.refused;
    }
}
