//! A part of the rehearsal in which customers come at one rate, or at one that changes evenly.

use std::time::Duration;

use serde::Deserialize;

use super::amount::{read_some_time, read_time, shown};

#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Phase {
    pub(crate) name: String,
    #[serde(deserialize_with = "read_time")]
    pub(crate) length: Duration,
    /// Requests per second; or `times`.
    pub(crate) rate: Option<f64>,
    /// A multiple of the plan's `base_rate`.
    pub(crate) times: Option<f64>,
    #[serde(default)]
    pub(crate) shape: Shape,
    /// From one burst to the next.
    #[serde(default, deserialize_with = "read_some_time")]
    pub(crate) every: Option<Duration>,
}

/// How the customers of a phase come.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "lowercase")]
pub(crate) enum Shape {
    /// Each by himself, at one rate.
    #[default]
    Steady,
    /// Each by himself, at a rate that goes from that of the phase before, 0 at first, to its own.
    Ramp,
    /// At the rate on average, but all of some time at once.
    Burst,
}

/// How often bursts come, unless said.
const EVERY: Duration = Duration::from_secs(1);
/// More from one machine is another tool's work.
pub(super) const HIGHEST: f64 = 100_000.0;

impl Phase {
    /// Its rate, in requests per second.
    pub(crate) fn rate(&self, base: f64) -> f64 {
        self.rate.unwrap_or_else(|| self.times.unwrap_or(1.0) * base)
    }

    pub(crate) fn every(&self) -> Duration {
        self.every.unwrap_or(EVERY)
    }

    /// What is wrong with it, if anything.
    pub(super) fn check(&self, base: f64) -> Result<(), String> {
        let name = &self.name;
        let wrong = |what: String| Err(format!("phase `{name}`: {what}"));
        if self.rate.is_some() == self.times.is_some() {
            return wrong("it needs either `rate`, or `times` the base rate".to_owned());
        }
        let rate = self.rate(base);
        if !(0.0..=HIGHEST).contains(&rate) {
            return wrong(format!("its rate is {rate}, and may be 0 to {HIGHEST} requests/s"));
        }
        if self.length.is_zero() {
            return wrong("`length` is 0, and has to be longer".to_owned());
        }
        if self.every.is_some() && self.shape != Shape::Burst {
            return wrong("`every` is for the shape `burst` only".to_owned());
        }
        if self.every() < SHORTEST && self.shape == Shape::Burst {
            return wrong(format!("`every` is {}, and may be from 10 ms", shown(self.every())));
        }
        Ok(())
    }
}

/// More often is no burst.
const SHORTEST: Duration = Duration::from_millis(10);
