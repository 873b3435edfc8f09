//! What came of it.

/// The outcome of a simulation.
#[derive(Clone, Debug, PartialEq)]
#[non_exhaustive]
pub struct Report {
    /// One for each phase of the scenario, by the time at which requests arrived.
    pub phases: Vec<PhaseReport>,
    /// The sum of the instances' limits at the end of every tenth of a second.
    pub limits: Vec<usize>,
    /// Work for answers in time, in seconds, in every tenth of a second.
    pub work: Vec<f64>,
}

/// The outcome of one phase.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
#[non_exhaustive]
pub struct PhaseReport {
    /// Work for answers within the customers' timeout, as a share of what the database
    /// can do at its knee and full speed.
    pub work: f64,
    /// The share of customers who got an answer, retries included, by priority: critical,
    /// normal, sheddable, bulk. 1 where nobody asked.
    pub success: [f64; 4],
    /// The share of first attempts that were refused.
    pub refused: f64,
    /// The latency that 99 % of the answers did not exceed, from admission, in seconds.
    pub p99: f64,
}

#[derive(Clone, Debug, Default)]
pub(super) struct Tally {
    pub(super) work: f64,
    pub(super) asked: [u32; 4],
    pub(super) answered: [u32; 4],
    pub(super) first: u32,
    pub(super) refused: u32,
    pub(super) latencies: Vec<f32>,
}

impl Tally {
    pub(super) fn report(mut self, capacity: f64) -> PhaseReport {
        let share = |part: u32, all: u32| {
            if all == 0 { 1.0 } else { f64::from(part) / f64::from(all) }
        };
        let mut success = [1.0; 4];
        for (index, share_of) in success.iter_mut().enumerate() {
            *share_of = share(self.answered[index], self.asked[index]);
        }
        self.latencies.sort_by(f32::total_cmp);
        let rank = (self.latencies.len() * 99) / 100;
        PhaseReport {
            work: self.work / capacity,
            success,
            refused: f64::from(self.refused) / f64::from(self.first.max(1)),
            p99: self.latencies.get(rank).copied().unwrap_or(0.0).into(),
        }
    }
}
