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
    control::{
        limit::{Knee, Limit, Usage},
        pace::Pace,
        reach::Reach,
    },
    signal::Signal,
};

/// The algorithm, and within which bounds it is heard.
pub(super) struct State {
    pub(super) algorithm: Box<dyn Limit>,
    bounds: RangeInclusive<usize>,
    /// Places beyond the limit, some of them to find out what hangs.
    extra: f64,
    trial: f64,
    reach: Reach,
    pace: Pace,
}

/// What the gates know beside the signal.
#[derive(Clone, Copy, Debug, Default)]
pub(in crate::gate) struct News {
    /// Requests that were admitted since the last signal, if they are counted.
    pub(in crate::gate) admitted: Option<u64>,
    /// Queries in flight that only hang, of routes that are closed off.
    pub(in crate::gate) closed_off: usize,
    /// Whether routes are told apart, so that one can be closed off.
    pub(in crate::gate) tells_routes: bool,
    /// Whether what is optional was left out meanwhile.
    pub(in crate::gate) left_out: bool,
}

impl State {
    /// With the floor that it is for.
    pub(super) fn new<T>(settings: Checked) -> (Self, Floor<T>) {
        let Checked { algorithm, bounds, rules, .. } = settings;
        let algorithm = algorithm.unwrap_or_else(|| Box::new(Knee::default()));
        let (extra, trial, reach, pace) = Default::default();
        let state = Self { algorithm, bounds, extra, trial, reach, pace };
        let floor = Floor::new(state.limit(), phase(), rules);
        (state, floor)
    }

    /// Other settings from now on. Who is in flight or waits stays.
    pub(super) fn reload<T>(&mut self, settings: Checked, floor: &Floor<T>) {
        let Checked { algorithm, bounds, rules, .. } = settings;
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
        news: &News,
        floor: &Floor<T>,
    ) -> (usize, usize) {
        let usage = Usage { admitted: news.admitted, ..floor.take_usage() };
        let usage = if news.left_out { usage.leaving_out() } else { usage };
        match news.closed_off {
            0 => self.algorithm.update(signal, &usage),
            idle => self.algorithm.update(&without(signal, idle), &usage.without(idle)),
        }
        if let Some(connections) = signal.connections {
            self.reach.see(floor.in_flight(), connections);
        }
        self.see_pace(signal, news, floor);
        self.add_places(signal, news);
        let to = self.limit();
        let from = floor.set_limit(to);
        (from.round() as usize, to.round() as usize)
    }

    fn see_pace<T>(&mut self, signal: &Signal, news: &News, floor: &Floor<T>) {
        let Some(admitted) = news.admitted else { return };
        self.pace.see(admitted, floor.in_flight(), signal.span);
        if let Some(per_second) = self.pace.per_second() {
            floor.set_pace(per_second);
        }
    }

    /// Places beyond the limit, in the stead of those that are taken by what only hangs. Of
    /// what is closed off no more comes. For the rest, one more at each signal, at most as
    /// many as the limit: the most important go there, and whether they come back tells
    /// what hangs. Never more than `max`, or than there are connections.
    fn add_places(&mut self, signal: &Signal, news: &News) {
        let limit = self.algorithm();
        let hangs = news.tells_routes && signal.hung > news.closed_off;
        let more = if hangs { (self.trial + 1.0).min(limit.ceil()) } else { 0.0 };
        let most = signal.connections.map_or(f64::INFINITY, |pool| f64::from(pool.most));
        let free = |most: f64| (most.min(*self.bounds.end() as f64) - limit).max(0.0);
        self.trial = more.min(free(most - SPARE));
        self.extra = (news.closed_off as f64 + self.trial).min(free(most));
    }

    fn limit(&self) -> f64 {
        (self.algorithm() + self.extra).min(*self.bounds.end() as f64)
    }

    /// What the algorithm says, at most what the pool is enough for.
    fn algorithm(&self) -> f64 {
        bounded(&*self.algorithm, &self.bounds)
            .min(self.reach.limit())
            .max(*self.bounds.start() as f64)
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

/// Connections that are left alone by trial, for whoever can use one.
const SPARE: f64 = 2.0;

/// From 0 to 1, another for each gate.
fn phase() -> f64 {
    RandomState::new().hash_one(()) as f64 / u64::MAX as f64
}
