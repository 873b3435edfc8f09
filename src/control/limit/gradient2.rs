//! The limit by the ratio of a long to a short average of latency.

use super::{
    Limit, Usage,
    sample::{WindowSample, Windowed},
};
use crate::signal::Signal;

/// Shrinks the limit by the ratio at which latency rises above its own long average.
///
/// With the latency R of the window and its average R̄ over about 600 windows:
///
/// ```text
/// R̄ > 2R             R̄ ← 0.95 R̄
/// 2 · in flight < L  L stays
/// else               L ← 0.8 L + 0.2 (L · clamp(1.5 R̄/R, ½, 1) + 4)
/// ```
///
/// held between 20 and 200. A long overload becomes its own average, and the limit then
/// grows until something breaks; a floor of 20 is more than a small database stands.
/// Prefer [`Knee`](super::Knee).
///
/// Source: `Gradient2Limit` in Netflix's concurrency-limits (2018), applied per window as
/// by its `WindowedLimit`.
#[derive(Clone, Debug)]
pub struct Gradient2 {
    limit: f64,
    average: Average,
    window: Windowed,
}

impl Default for Gradient2 {
    fn default() -> Self {
        Self { limit: 20.0, average: Average::default(), window: Windowed::default() }
    }
}

impl Limit for Gradient2 {
    fn limit(&self) -> f64 {
        self.limit
    }

    fn update(&mut self, signal: &Signal, usage: &Usage) {
        if let Some(sample) = self.window.add(signal, usage) {
            self.decide(&sample);
        }
    }
}

impl Gradient2 {
    fn decide(&mut self, sample: &WindowSample) {
        let long = self.average.add(sample.latency);
        if long > 2.0 * sample.latency {
            self.average.value *= 0.95;
        }
        if 2.0 * sample.in_flight < self.limit {
            return;
        }
        let gradient = (TOLERANCE * long / sample.latency).clamp(0.5, 1.0);
        let wanted = self.limit * gradient + QUEUE;
        self.limit = (self.limit * (1.0 - SMOOTHING) + wanted * SMOOTHING).clamp(LEAST, MOST);
    }
}

/// An exponential average that starts as a plain one.
#[derive(Clone, Copy, Debug, Default)]
struct Average {
    value: f64,
    count: u32,
}

impl Average {
    fn add(&mut self, sample: f64) -> f64 {
        self.count = self.count.saturating_add(1);
        let weight = if self.count <= WARM_UP { 1.0 / f64::from(self.count) } else { WEIGHT };
        self.value += weight * (sample - self.value);
        self.value
    }
}

const TOLERANCE: f64 = 1.5;
const QUEUE: f64 = 4.0;
const SMOOTHING: f64 = 0.2;
const LEAST: f64 = 20.0;
const MOST: f64 = 200.0;
const WARM_UP: u32 = 10;
const WEIGHT: f64 = 2.0 / 601.0;
