//! Counting what happens in one phase.

use super::report::PhaseReport;
use crate::class::Priority;

#[derive(Clone, Debug)]
pub(super) struct Tally {
    work: f64,
    by_instance: Vec<f64>,
    asked: [u32; 4],
    answered: [u32; 4],
    refused: [u32; 4],
    /// Optional work in seconds: what was done of it, and all.
    optional: (f64, f64),
    free: (u32, u32),
    latencies: Vec<f32>,
}

impl Tally {
    pub(super) fn new(instances: usize) -> Self {
        Self {
            work: 0.0,
            by_instance: vec![0.0; instances],
            asked: [0; 4],
            answered: [0; 4],
            refused: [0; 4],
            optional: (0.0, 0.0),
            free: (0, 0),
            latencies: Vec::new(),
        }
    }

    pub(super) fn ask(&mut self, priority: Priority) {
        self.asked[place(priority)] += 1;
    }

    pub(super) fn answer(&mut self, priority: Priority, latency: f64) {
        self.answered[place(priority)] += 1;
        self.latencies.push(latency as f32);
    }

    pub(super) fn ask_free(&mut self) {
        self.free.1 += 1;
    }

    pub(super) fn answer_free(&mut self) {
        self.free.0 += 1;
    }

    pub(super) fn refuse_first(&mut self, priority: Priority) {
        self.refused[place(priority)] += 1;
    }

    /// Somebody was answered who could do without so many seconds of work.
    pub(super) fn optional(&mut self, work: f64, done: bool) {
        self.optional.0 += if done { work } else { 0.0 };
        self.optional.1 += work;
    }

    pub(super) fn useful(&mut self, instance: usize, work: f64) {
        self.work += work;
        self.by_instance[instance] += work;
    }

    /// `capacity` is the work that the database can do in a second.
    pub(super) fn report(
        mut self,
        (begin, end): (f64, f64),
        capacity: f64,
        instances: usize,
    ) -> PhaseReport {
        let success = std::array::from_fn(|of| share(self.answered[of], self.asked[of]));
        let refused = |of: usize| f64::from(self.refused[of]) / f64::from(self.asked[of].max(1));
        let all = |counts: [u32; 4]| f64::from(counts.iter().sum::<u32>());
        let (done, optional) = self.optional;
        let weigh = |counts: [u32; 4]| -> f64 {
            counts.iter().zip(WEIGHTS).map(|(count, weight)| f64::from(*count) * weight).sum()
        };
        let (had, wanted) = (weigh(self.answered), weigh(self.asked));
        self.latencies.sort_by(f32::total_cmp);
        let rank = (self.latencies.len() * 99) / 100;
        PhaseReport {
            begin,
            end,
            work: self.work / (capacity * (end - begin)),
            success,
            weighted: if wanted > 0.0 { had / wanted } else { 1.0 },
            free: share(self.free.0, self.free.1),
            refused: all(self.refused) / all(self.asked).max(1.0),
            refused_of: std::array::from_fn(refused),
            optional: if optional > 0.0 { done / optional } else { 1.0 },
            p99: self.latencies.get(rank).copied().unwrap_or(0.0).into(),
            fairness: jain(&self.by_instance[..instances]),
        }
    }
}

fn place(priority: Priority) -> usize {
    Priority::Critical as usize - priority as usize
}

fn share(part: u32, all: u32) -> f64 {
    if all == 0 { 1.0 } else { f64::from(part) / f64::from(all) }
}

/// Jain, Chiu and Hawe, 1984: (Σx)² / (n Σx²). 1 where nobody did anything.
fn jain(work: &[f64]) -> f64 {
    let (sum, squares) =
        work.iter().fold((0.0, 0.0), |(sum, squares), own| (sum + own, squares + own * own));
    if squares > 0.0 { sum * sum / (work.len() as f64 * squares) } else { 1.0 }
}

/// What a customer counts for: critical, normal, sheddable, bulk.
const WEIGHTS: [f64; 4] = [8.0, 3.0, 1.0, 0.3];

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn fairness_is_one_for_equals_and_a_share_for_one_who_takes_all() {
        assert_eq!(jain(&[2.0, 2.0, 2.0]), 1.0);
        assert_eq!(jain(&[2.0, 0.0, 0.0, 0.0]), 0.25);
        assert_eq!(jain(&[0.0, 0.0]), 1.0);
    }

    #[test]
    fn success_is_weighted_by_priority() {
        let mut tally = Tally::new(1);
        for priority in Priority::ALL {
            tally.ask(priority);
        }
        tally.answer(Priority::Critical, 0.01);
        tally.ask_free();
        tally.refuse_first(Priority::Normal);
        tally.optional(0.3, true);
        tally.optional(0.1, false);
        let report = tally.report((0.0, 1.0), 1.0, 1);
        assert!((report.weighted - 8.0 / 12.3).abs() < 1e-9, "{report:?}");
        assert_eq!((report.success, report.free), ([1.0, 0.0, 0.0, 0.0], 0.0));
        assert_eq!((report.refused, report.refused_of), (0.25, [0.0, 1.0, 0.0, 0.0]));
        assert!((report.optional - 0.75).abs() < 1e-9, "{report:?}");
    }
}
