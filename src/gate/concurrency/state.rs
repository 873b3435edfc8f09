//! What moves the limit.

use std::{
    hash::{BuildHasher, RandomState},
    ops::RangeInclusive,
};

use super::{
    floor::Floor,
    settings::{Checked, bounded},
};
use crate::{
    control::limit::{Knee, Limit, Usage},
    signal::Signal,
};

/// The algorithm, and within which bounds it is heard.
pub(super) struct State {
    pub(super) algorithm: Box<dyn Limit>,
    bounds: RangeInclusive<usize>,
    /// Places that are taken by what only hangs.
    hanging: usize,
}

impl State {
    /// With the floor that it is for.
    pub(super) fn new<T>(settings: Checked) -> (Self, Floor<T>) {
        let Checked { algorithm, bounds, rules } = settings;
        let algorithm = algorithm.unwrap_or_else(|| Box::new(Knee::default()));
        let state = Self { algorithm, bounds, hanging: 0 };
        let floor = Floor::new(state.limit(), phase(), rules);
        (state, floor)
    }

    /// Other settings from now on. Who is in flight or waits stays.
    pub(super) fn reload<T>(&mut self, settings: Checked, floor: &Floor<T>) {
        let Checked { algorithm, bounds, rules } = settings;
        if let Some(algorithm) = algorithm {
            self.algorithm = algorithm;
        }
        self.bounds = bounds;
        floor.set_rules(rules);
        floor.set_limit(self.limit());
    }

    /// Moves the limit. Returns what it was and what it is, to the nearest whole.
    pub(super) fn hear<T>(
        &mut self,
        signal: &Signal,
        hanging: usize,
        admitted: Option<u64>,
        floor: &Floor<T>,
    ) -> (usize, usize) {
        let usage = Usage { admitted, ..floor.take_usage() };
        if hanging == 0 {
            self.algorithm.update(signal, &usage);
        } else {
            self.algorithm.update(&without(signal, hanging), &usage.without(hanging));
        }
        self.hanging = hanging;
        let to = self.limit();
        let from = floor.set_limit(to);
        (from.round() as usize, to.round() as usize)
    }

    /// What hangs holds connections all the same, so it may at most double the limit.
    fn limit(&self) -> f64 {
        let limit = bounded(&*self.algorithm, &self.bounds);
        limit + limit.ceil().min(self.hanging as f64)
    }
}

/// The same as if those that hang were not there.
fn without(signal: &Signal, hanging: usize) -> Signal {
    let hung = signal.span.saturating_mul(u32::try_from(hanging).unwrap_or(u32::MAX));
    Signal {
        in_flight: signal.in_flight.saturating_sub(hanging),
        busy: signal.busy.saturating_sub(hung),
        ..signal.clone()
    }
}

/// From 0 to 1, another for each gate.
fn phase() -> f64 {
    RandomState::new().hash_one(()) as f64 / u64::MAX as f64
}
