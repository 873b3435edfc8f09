//! What the gate keeps under its lock.

use std::ops::RangeInclusive;

use tokio::sync::oneshot;

use super::Permit;
use crate::{
    control::{limit::Limit, occupancy::Occupancy},
    rejection::Rejection,
    signal::Signal,
};

/// How a caller who waits is reached.
pub(super) type Caller = oneshot::Sender<Result<Permit, Rejection>>;

pub(super) struct State {
    pub(super) occupancy: Occupancy<Caller>,
    pub(super) algorithm: Box<dyn Limit>,
    bounds: RangeInclusive<usize>,
}

impl State {
    pub(super) fn new(
        algorithm: Box<dyn Limit>,
        bounds: RangeInclusive<usize>,
        headroom: f64,
        queue: usize,
    ) -> Self {
        let occupancy = Occupancy::new(bounded(&*algorithm, &bounds), headroom, queue);
        Self { occupancy, algorithm, bounds }
    }

    /// Moves the limit. Returns what it was and what it is.
    pub(super) fn hear(&mut self, signal: &Signal) -> (usize, usize) {
        let from = self.occupancy.limit();
        let usage = self.occupancy.take_usage();
        self.algorithm.update(signal, &usage);
        let to = bounded(&*self.algorithm, &self.bounds);
        self.occupancy.set_limit(to);
        (from, to)
    }
}

fn bounded(algorithm: &dyn Limit, bounds: &RangeInclusive<usize>) -> usize {
    // The cast saturates, and takes what is no number for 0.
    (algorithm.limit() as usize).clamp(*bounds.start(), *bounds.end())
}
