//! The latency that somebody wants kept.

use std::time::Duration;

use super::tally::View;
use crate::config::{self, InvalidConfig};

/// Bounds the steps of a limit, so that the mean latency is not above a target.
#[derive(Clone, Debug)]
pub(super) struct Target {
    /// In seconds.
    latency: Option<f64>,
    /// The least of the target over the mean latency since the last step.
    slack: f64,
}

impl Default for Target {
    fn default() -> Self {
        Self { latency: None, slack: f64::INFINITY }
    }
}

impl Target {
    pub(super) fn new(latency: Duration) -> Result<Self, InvalidConfig> {
        let (least, most) = (Duration::from_micros(1), Duration::from_secs(3600));
        let latency = config::duration("target", latency, least, most)?;
        Ok(Self { latency: Some(latency.as_secs_f64()), ..Self::default() })
    }

    pub(super) fn notice(&mut self, view: &View) {
        if let Some(target) = self.latency {
            self.slack = self.slack.min(target / view.latency.max(1e-9));
        }
    }

    pub(super) fn is_missed(&self) -> bool {
        self.slack < 1.0
    }

    /// The most that the next limit may be. Where the target is missed by far though more
    /// concurrency becomes work, queries are slow for other reasons: a lower limit would
    /// cost work only.
    pub(super) fn most(&mut self, limit: f64, elasticity: Option<f64>) -> f64 {
        let slack = std::mem::replace(&mut self.slack, f64::INFINITY);
        let rises = elasticity.is_some_and(|elasticity| elasticity > 0.3);
        match (rises, slack < 0.8) {
            (true, true) => f64::INFINITY,
            (true, false) => limit * slack.max(1.0),
            (false, _) => limit * slack.max(0.7),
        }
    }
}
