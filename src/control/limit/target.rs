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

#[cfg(test)]
mod tests {
    use super::*;
    use crate::control::{baseline::Work, limit::tally::Tally};

    /// A target of 100 ms at this mean latency, in seconds.
    fn at(latency: f64) -> Target {
        let mut target = Target::new(Duration::from_millis(100)).expect("within bounds");
        target.notice(&View { latency, ..Tally::default().view(&Work::default()) });
        target
    }

    #[test]
    fn a_target_is_missed_above_it() {
        assert!(!Target::default().is_missed() && !at(0.05).is_missed());
        assert!(!at(0.1).is_missed() && at(0.11).is_missed());
    }

    #[test]
    fn a_limit_follows_the_target_once_and_falls_by_three_tenths_at_most() {
        let mut target = at(0.05);
        assert_eq!(target.most(10.0, None), 20.0);
        assert_eq!(target.most(10.0, None), f64::INFINITY, "nothing was seen since");
        assert_eq!(at(0.2).most(10.0, None), 7.0);
    }

    #[test]
    fn no_limit_falls_for_a_target_while_more_concurrency_becomes_work() {
        assert_eq!(at(0.11).most(10.0, Some(0.5)), 10.0);
        assert_eq!(at(0.2).most(10.0, Some(0.5)), f64::INFINITY);
        assert_eq!(at(0.2).most(10.0, Some(0.3)), 7.0);
    }
}
