//! What came of it.

/// The outcome of a simulation.
#[derive(Clone, Debug, PartialEq)]
#[non_exhaustive]
pub struct Report {
    /// One for each phase of the scenario, by the time at which requests arrived.
    pub phases: Vec<PhaseReport>,
    /// The sum of the instances' limits at the end of every tenth of a second; 0 without
    /// any.
    pub limits: Vec<usize>,
    /// The level of the brownout at the end of every tenth of a second, from 0 to 1: the
    /// mean of the instances'. 0 where no guard of the crate's own stands.
    pub levels: Vec<f64>,
    /// How far the instances' levels are apart then: the highest less the lowest.
    pub apart: Vec<f64>,
    /// Work for answers in time, in seconds, in every tenth of a second.
    pub work: Vec<f64>,
    /// What the database can do at its knee and full speed in a tenth of a second, in
    /// seconds of work.
    pub capacity: f64,
}

/// The outcome of one phase.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
#[non_exhaustive]
pub struct PhaseReport {
    /// When it began, in seconds.
    pub begin: f64,
    /// When it was over, in seconds.
    pub end: f64,
    /// Work for answers within the customers' timeout, as a share of what the database
    /// can do at its knee and full speed.
    pub work: f64,
    /// The share of customers with a query who got an answer, retries included, by
    /// priority: critical, normal, sheddable, bulk. 1 where nobody asked.
    pub success: [f64; 4],
    /// The same in one number: a critical customer counts 8, a normal 3, a sheddable 1
    /// and a bulk 0.3.
    pub weighted: f64,
    /// The share of customers without a query who got an answer. 1 where nobody asked.
    pub free: f64,
    /// The share of first attempts with a query that were refused.
    pub refused: f64,
    /// The same by priority: critical, normal, sheddable, bulk. 0 where nobody asked.
    pub refused_of: [f64; 4],
    /// The share of the optional work that was done, of customers with a query who got an
    /// answer. 1 where they could do without nothing.
    pub optional: f64,
    /// The latency that 99 % of the answers with a query did not exceed, from admission,
    /// in seconds.
    pub p99: f64,
    /// How evenly the instances that ran from the phase's beginning share the useful
    /// work: Jain's index, 1 if all do the same and 1/n if one of n does all.
    pub fairness: f64,
}

impl Report {
    /// How many seconds after its beginning a phase first did this share of `capacity`:
    /// the end of the first half second that had it, and had it for the two seconds
    /// after, too. None if it never did.
    #[must_use]
    pub fn reached(&self, phase: usize, share: f64) -> Option<f64> {
        let PhaseReport { begin, end, .. } = *self.phases.get(phase)?;
        let slots = ((begin * 10.0).round() as usize, (end * 10.0).round() as usize);
        let work = self.work.get(slots.0..slots.1.min(self.work.len()))?;
        let enough =
            |part: &[f64]| part.iter().sum::<f64>() >= share * self.capacity * part.len() as f64;
        let lasts = |from: usize| enough(&work[from..(from + LASTING).min(work.len())]);
        let mut begins = 0..=work.len().checked_sub(SMOOTH)?;
        let kept = begins.find(|from| enough(&work[*from..from + SMOOTH]) && lasts(*from))?;
        Some((kept + SMOOTH) as f64 / 10.0)
    }
}

/// Tenths of a second over which work is looked at.
const SMOOTH: usize = 5;
const LASTING: usize = 25;

#[cfg(test)]
mod tests {
    use super::*;

    fn report(work: &[f64]) -> Report {
        let end = work.len() as f64 / 10.0;
        let phase = PhaseReport { begin: 0.0, end, ..PhaseReport::default() };
        Report {
            phases: vec![phase],
            limits: Vec::new(),
            levels: Vec::new(),
            apart: Vec::new(),
            work: work.to_vec(),
            capacity: 2.0,
        }
    }

    #[test]
    fn work_is_reached_when_half_a_second_has_it_and_it_lasts() {
        let mut work = [0.0; 100];
        work[10..20].fill(2.0);
        assert_eq!(report(&work).reached(0, 0.5), None, "it did not last");
        work[40..].fill(1.0);
        assert_eq!(report(&work).reached(0, 0.5), Some(4.5));
        assert_eq!(report(&work).reached(0, 0.6), None);
        assert_eq!(report(&work).reached(1, 0.5), None, "there is no such phase");
    }
}
