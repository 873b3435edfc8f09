//! Signals, gathered into the samples that per-window algorithms were written for.

use std::time::Duration;

use super::Usage;
use crate::signal::Signal;

/// One window: at least a second and more than ten queries, as in Netflix's
/// `WindowedLimit`.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Windowed {
    span: Duration,
    seconds: f64,
    count: u64,
    overloads: u64,
    usage: Usage,
}

/// What happened in a window.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) struct WindowSample {
    /// The mean latency, in seconds; more than 0.
    pub(super) latency: f64,
    /// The most requests that were in flight at once.
    pub(super) in_flight: f64,
    /// Whether something failed by overload.
    pub(super) overload: bool,
}

impl Windowed {
    /// Adds a signal. Some: the window is complete, and the next begins.
    pub(super) fn add(&mut self, signal: &Signal, usage: &Usage) -> Option<WindowSample> {
        self.span += signal.span;
        self.overloads += signal.overloads + signal.cancelled;
        self.usage.add(usage);
        for seen in &signal.statements {
            self.seconds += seen.seconds;
            self.count += seen.count;
        }
        if self.span < LENGTH || self.count + self.overloads <= QUERIES {
            return None;
        }
        let window = std::mem::take(self);
        Some(WindowSample {
            latency: (window.seconds / window.count.max(1) as f64).max(SHORTEST),
            in_flight: window.usage.peak as f64,
            overload: window.overloads > 0,
        })
    }
}

const LENGTH: Duration = Duration::from_secs(1);
const QUERIES: u64 = 10;
const SHORTEST: f64 = 1e-6;
