//! How the rate rises where the knee is looked for.

use std::time::Duration;

use serde::Deserialize;

use super::amount::read_time;
use super::phase::HIGHEST;

/// The table `[knee]`; all of it may be left out.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub(crate) struct Rise {
    /// The first rate, in requests per second; the base rate, if not said.
    pub(crate) from: Option<f64>,
    /// The last one; 20 times the first, if not said.
    pub(crate) to: Option<f64>,
    /// From one rate to the next.
    pub(crate) factor: f64,
    /// How long each rate is kept.
    #[serde(deserialize_with = "read_time")]
    pub(crate) step: Duration,
    /// How long the first rate is kept again in the end.
    #[serde(deserialize_with = "read_time")]
    pub(crate) recovery: Duration,
}

impl Default for Rise {
    fn default() -> Self {
        Self {
            from: None,
            to: None,
            factor: 1.25,
            step: Duration::from_secs(5),
            recovery: Duration::from_secs(10),
        }
    }
}

const STEEPEST: f64 = 10.0;
/// If not said where it ends, a rise has this many times the first rate at its end.
const HEIGHT: f64 = 20.0;

impl Rise {
    /// All rates, from the lowest.
    pub(crate) fn rates(&self, base: f64) -> Vec<f64> {
        let from = self.from.unwrap_or(base);
        let to = self.to.unwrap_or(from * HEIGHT);
        let rates = (0..).map(|nth| from * self.factor.powi(nth));
        rates.take_while(|rate| *rate <= to).collect()
    }

    /// What is wrong with it, if anything.
    pub(super) fn check(&self, base: f64) -> Result<(), String> {
        let factor = self.factor;
        if !(1.01..=STEEPEST).contains(&factor) {
            return Err(format!("knee: `factor` is {factor}, and may be 1.01 to {STEEPEST}"));
        }
        let from = self.from.unwrap_or(base);
        if !(from > 0.0 && from <= HIGHEST) {
            return Err(format!("knee: `from` is {from}, and may be up to {HIGHEST} requests/s"));
        }
        let to = self.to.unwrap_or(from * HEIGHT);
        if !(to >= from && to <= HIGHEST) {
            return Err(format!("knee: `to` is {to}, and may be {from} to {HIGHEST} requests/s"));
        }
        if self.step < SHORTEST || self.recovery < SHORTEST {
            return Err("knee: `step` and `recovery` may be from 1 s".to_owned());
        }
        Ok(())
    }
}

/// What is shorter has too few requests to tell anything.
const SHORTEST: Duration = Duration::from_secs(1);

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn rates_rise_by_the_factor_up_to_the_last() {
        let rise = Rise { to: Some(50.0), factor: 2.0, ..Rise::default() };
        assert_eq!(rise.rates(10.0), [10.0, 20.0, 40.0]);
        assert_eq!(Rise { from: Some(50.0), ..rise }.rates(10.0), [50.0]);
    }
}
