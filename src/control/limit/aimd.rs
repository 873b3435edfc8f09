//! Additive increase, multiplicative decrease.

use std::time::Duration;

use super::{Limit, Usage, sample::Windowed};
use crate::{
    config::{self, InvalidConfig},
    signal::Signal,
};

/// One more after a good window, a tenth less after a bad one.
///
/// A window is bad if something failed by overload or the mean latency R is above the
/// timeout:
///
/// ```text
/// bad                           L ← 0.9 L
/// good, 2 · in flight ≥ L       L ← L + 1
/// ```
///
/// It knows no baseline, so it is as good as its timeout: it settles where the latency
/// touches it. Prefer [`Knee`](super::Knee) unless you know that figure.
///
/// Source: Chiu and Jain (1989); defaults of `AIMDLimit` in Netflix's
/// concurrency-limits, applied per window as by its `WindowedLimit`.
#[derive(Clone, Debug)]
pub struct Aimd {
    limit: f64,
    timeout: f64,
    backoff: f64,
    window: Windowed,
}

impl Default for Aimd {
    fn default() -> Self {
        Self { limit: 20.0, timeout: 5.0, backoff: 0.9, window: Windowed::default() }
    }
}

impl Aimd {
    /// The mean latency above which a window is bad. Default: 5 s.
    ///
    /// # Errors
    ///
    /// [`InvalidConfig`] unless it is from 1 µs to 1 h.
    pub fn timeout(self, timeout: Duration) -> Result<Self, InvalidConfig> {
        let (least, most) = (Duration::from_micros(1), Duration::from_secs(3600));
        let timeout = config::duration("timeout", timeout, least, most)?.as_secs_f64();
        Ok(Self { timeout, ..self })
    }

    /// What is left of the limit after a bad window. Default: 0.9.
    ///
    /// # Errors
    ///
    /// [`InvalidConfig`] unless it is more than 0 and at most 1.
    pub fn backoff(self, backoff: f64) -> Result<Self, InvalidConfig> {
        Ok(Self { backoff: config::share("backoff", backoff)?, ..self })
    }
}

impl Limit for Aimd {
    fn limit(&self) -> f64 {
        self.limit
    }

    fn update(&mut self, signal: &Signal, usage: &Usage) {
        let Some(sample) = self.window.add(signal, usage) else { return };
        if sample.overload || sample.latency > self.timeout {
            self.limit = (self.limit * self.backoff).max(1.0);
        } else if 2.0 * sample.in_flight >= self.limit {
            self.limit += 1.0;
        }
    }
}
