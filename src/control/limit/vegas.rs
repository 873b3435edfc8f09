//! The limit by the length of the queue that it causes.

use super::{
    Limit, Usage,
    sample::{WindowSample, Windowed},
};
use crate::signal::Signal;

/// Estimates how many of the requests in flight wait, and keeps that between two bounds.
///
/// With the least latency seen R₀, the latency R of the window, and λ = max(1, ⌊log₁₀ L⌋):
///
/// ```text
/// queue   Q = ⌈L (1 − R₀/R)⌉
/// overload           L ← L − λ
/// 2 · in flight < L  L stays
/// Q ≤ λ              L ← L + 6λ
/// Q < 3λ             L ← L + λ
/// Q > 6λ             L ← L − λ
/// ```
///
/// R₀ is forgotten every 30 L windows or so. A least latency is a poor baseline for a mix
/// of cheap and dear queries: it is that of a lucky window. Prefer
/// [`Knee`](super::Knee) for a database.
///
/// Source: Brakmo and Peterson, *TCP Vegas* (1995); defaults of `VegasLimit` in Netflix's
/// concurrency-limits, applied per window as by its `WindowedLimit`. The time between
/// two probes is 22.5 L windows, the mean of what is drawn at random there.
#[derive(Clone, Debug)]
pub struct Vegas {
    limit: f64,
    least: Option<f64>,
    windows: u64,
    window: Windowed,
}

impl Default for Vegas {
    fn default() -> Self {
        Self { limit: 20.0, least: None, windows: 0, window: Windowed::default() }
    }
}

impl Limit for Vegas {
    fn limit(&self) -> f64 {
        self.limit
    }

    fn update(&mut self, signal: &Signal, usage: &Usage) {
        if let Some(sample) = self.window.add(signal, usage) {
            self.decide(&sample);
        }
    }
}

impl Vegas {
    fn decide(&mut self, sample: &WindowSample) {
        self.windows += 1;
        if self.windows as f64 >= PROBE_AFTER * self.limit {
            self.windows = 0;
            self.least = Some(sample.latency);
            return;
        }
        match self.least {
            Some(least) if sample.latency >= least => self.follow(sample, least),
            _ => self.least = Some(sample.latency),
        }
    }

    fn follow(&mut self, sample: &WindowSample, least: f64) {
        let step = self.limit.log10().floor().max(1.0);
        let queue = (self.limit * (1.0 - least / sample.latency)).ceil();
        let change = match queue {
            _ if sample.overload => -step,
            _ if 2.0 * sample.in_flight < self.limit => return,
            queue if queue <= step => 6.0 * step,
            queue if queue < 3.0 * step => step,
            queue if queue > 6.0 * step => -step,
            _ => return,
        };
        self.limit = (self.limit + change).clamp(1.0, 1000.0);
    }
}

const PROBE_AFTER: f64 = 22.5;
