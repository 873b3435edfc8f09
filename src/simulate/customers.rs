//! Who comes when, for what.

use rand::{Rng, SeedableRng, rngs::SmallRng};

use super::Scenario;

/// Draws arrivals, kinds and sizes. The same seed draws the same.
#[derive(Debug)]
pub(super) struct Customers {
    random: SmallRng,
}

impl Customers {
    pub(super) fn new(seed: u64) -> Self {
        Self { random: SmallRng::seed_from_u64(seed) }
    }

    /// The time of the next arrival after `at`, in seconds; None when all phases are
    /// over.
    pub(super) fn next_arrival(&mut self, scenario: &Scenario, mut at: f64) -> Option<f64> {
        let most = scenario.capacity() / scenario.mean_work();
        // Thinning (Lewis and Shedler, 1979): draw at the highest rate, keep the share
        // that the moment's rate is of it.
        loop {
            let (_, phase) = scenario.phase_at(at)?;
            let highest = most * phase.load * if phase.bursts { 3.0 } else { 1.0 };
            let step = if highest > 0.0 { self.exponential() / highest } else { 0.1 };
            // A step over the end of a phase would carry its rate into the next.
            at += step.min(0.1);
            let (_, phase) = scenario.phase_at(at)?;
            if step <= 0.1 && self.random.random::<f64>() * highest < most * phase.load_at(at) {
                return Some(at);
            }
        }
    }

    /// The kind of a request.
    pub(super) fn kind(&mut self, scenario: &Scenario, dear: f64) -> usize {
        let most = scenario.demands.iter().map(|demand| demand.seconds).fold(0.0, f64::max);
        let share = |kind: usize| {
            let demand = scenario.demands[kind];
            if demand.seconds >= most { demand.share * dear } else { demand.share }
        };
        let kinds = 0..scenario.demands.len();
        let mut left = self.random.random::<f64>() * kinds.clone().map(share).sum::<f64>();
        kinds
            .clone()
            .find(|kind| {
                left -= share(*kind);
                left < 0.0
            })
            .unwrap_or(0)
    }

    /// The work of one query, log-normal around its mean, in seconds.
    pub(super) fn work(&mut self, seconds: f64, spread: f64) -> f64 {
        seconds * (spread * self.normal() - spread * spread / 2.0).exp()
    }

    /// True with this probability.
    pub(super) fn happens(&mut self, share: f64) -> bool {
        self.random.random::<f64>() < share
    }

    /// A pause of half to one and a half times the mean.
    pub(super) fn jittered(&mut self, mean: f64) -> f64 {
        mean * (0.5 + self.random.random::<f64>())
    }

    pub(super) fn instance(&mut self, instances: usize) -> usize {
        self.random.random_range(0..instances.max(1))
    }

    fn exponential(&mut self) -> f64 {
        -(1.0 - self.random.random::<f64>()).ln()
    }

    /// Standard normal (Box and Muller, 1958).
    fn normal(&mut self) -> f64 {
        let (radius, turn) = (2.0 * self.exponential(), self.random.random::<f64>());
        radius.sqrt() * (std::f64::consts::TAU * turn).cos()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn arrivals_follow_the_phases() {
        let scenario = Scenario::new("steps").phase(50.0, 1.0).phase(50.0, 3.0);
        let mut customers = Customers::new(1);
        let arrivals: Vec<f64> =
            std::iter::successors(Some(0.0), |at| customers.next_arrival(&scenario, *at)).collect();
        let first = arrivals.iter().filter(|at| **at < 50.0).count() as f64;
        let second = arrivals.len() as f64 - first;
        assert!((2.9..3.1).contains(&(second / first)), "{first} {second}");
        let rate = scenario.capacity() / scenario.mean_work();
        assert!((0.95..1.05).contains(&(first / 50.0 / rate)), "{first} at {rate}/s");
    }

    #[test]
    fn work_has_the_mean_that_was_asked_for() {
        let mut customers = Customers::new(2);
        let mean = (0..200_000).map(|_| customers.work(0.01, 0.8)).sum::<f64>() / 200_000.0;
        assert!((0.0099..0.0101).contains(&mean), "{mean}");
    }
}
