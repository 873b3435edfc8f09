//! Who comes when, for what.

use rand::{Rng, SeedableRng, rngs::SmallRng};

use super::{Demand, Scenario};

/// Draws arrivals, kinds and sizes. The same seed draws the same customers, whatever
/// becomes of them: pauses come from a source of their own.
#[derive(Debug)]
pub(super) struct Customers {
    random: SmallRng,
    pauses: SmallRng,
}

impl Customers {
    pub(super) fn new(seed: u64) -> Self {
        let pauses = SmallRng::seed_from_u64(!seed);
        Self { random: SmallRng::seed_from_u64(seed), pauses }
    }

    /// The time of the next arrival after `at`, in seconds; None when all phases are
    /// over.
    pub(super) fn next_arrival(&mut self, scenario: &Scenario, mut at: f64) -> Option<f64> {
        let most = scenario.capacity() / scenario.mean_work();
        // Thinning (Lewis and Shedler, 1979): draw at the highest rate, keep the share
        // that the moment's rate is of it.
        loop {
            let highest = most * scenario.at(at)?.phase.peak();
            let step = if highest > 0.0 { self.exponential() / highest } else { 0.1 };
            // A step over the end of a phase would carry its rate into the next.
            at += step.min(0.1);
            let rate = most * scenario.at(at)?.phase.load_at(at);
            if step <= 0.1 && self.random.random::<f64>() * highest < rate {
                return Some(at);
            }
        }
    }

    /// The kind of a request.
    pub(super) fn kind(&mut self, scenario: &Scenario, dear: f64) -> usize {
        let most = scenario.demands.iter().map(Demand::work).fold(0.0, f64::max);
        let share = |kind: usize| {
            let demand = scenario.demands[kind];
            if demand.work() >= most { demand.share * dear } else { demand.share }
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

    /// The work of one request, in seconds: log-normal or Pareto around its mean.
    pub(super) fn work(&mut self, demand: &Demand) -> f64 {
        let Demand { seconds, spread, pareto, .. } = *demand;
        match pareto {
            Some(index) => {
                let least = seconds * (index - 1.0) / index;
                least * (1.0 - self.random.random::<f64>()).powf(-1.0 / index)
            }
            None => seconds * (spread * self.normal() - spread * spread / 2.0).exp(),
        }
    }

    /// When the instances start, in order.
    pub(super) fn starts(&mut self, scenario: &Scenario) -> Vec<f64> {
        let others = 1..scenario.instances.max(1);
        let within = scenario.starts_within;
        let mut starts: Vec<f64> =
            others.map(|_| within * self.pauses.random::<f64>()).chain([0.0]).collect();
        starts.sort_by(f64::total_cmp);
        starts
    }

    /// True with this probability.
    pub(super) fn happens(&mut self, share: f64) -> bool {
        self.random.random::<f64>() < share
    }

    /// A pause of half to one and a half times the mean.
    pub(super) fn jittered(&mut self, mean: f64) -> f64 {
        mean * (0.5 + self.pauses.random::<f64>())
    }

    pub(super) fn instance(&mut self, instances: usize) -> usize {
        self.random.random_range(0..instances.max(1))
    }

    /// Where something begins that goes in circles, from 0 to 1.
    pub(super) fn phase(&mut self) -> f64 {
        self.random.random()
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
    use crate::class::Priority;

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
        let usual = Demand::new(1.0, 0.01, Priority::Normal);
        for demand in [usual, Demand { pareto: Some(3.0), ..usual }] {
            let mean = (0..200_000).map(|_| customers.work(&demand)).sum::<f64>() / 200_000.0;
            assert!((0.0099..0.0101).contains(&mean), "{demand:?}: {mean}");
        }
    }

    #[test]
    fn a_pareto_tail_is_heavier_than_a_wide_spread() {
        let mut customers = Customers::new(3);
        let usual = Demand::new(1.0, 0.01, Priority::Normal);
        let mut longest = |demand: Demand| -> f64 {
            (0..100_000).map(|_| customers.work(&demand)).fold(0.0, f64::max)
        };
        let spread = longest(Demand { spread: 0.8, ..usual });
        let pareto = longest(Demand { pareto: Some(1.5), ..usual });
        assert!(pareto > 5.0 * spread, "{pareto} {spread}");
    }

    #[test]
    fn instances_start_in_order_and_the_first_at_once() {
        let scenario = Scenario { instances: 8, ..Scenario::new("fleet") }.starts_within(10.0);
        let starts = Customers::new(1).starts(&scenario);
        assert_eq!((starts.len(), starts[0]), (8, 0.0));
        assert!(starts.is_sorted() && starts[1] > 0.0 && starts[7] < 10.0, "{starts:?}");
    }
}
