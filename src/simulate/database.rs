//! The database: processor sharing, with a knee.

use std::{cmp::Reverse, collections::BinaryHeap};

use super::{Scenario, events::Ordered};

/// Runs queries. All that run get the same speed, so it is enough to know how much each
/// has had since the beginning (the *attained* work), and at which of those a query is
/// done.
#[derive(Debug)]
pub(super) struct Database {
    attained: f64,
    running: BinaryHeap<Reverse<(Ordered, usize)>>,
    speed: f64,
    each: f64,
}

impl Database {
    pub(super) fn new() -> Self {
        Self { attained: 0.0, running: BinaryHeap::new(), speed: 1.0, each: 1.0 }
    }

    /// Time passes.
    pub(super) fn advance(&mut self, seconds: f64) {
        self.attained += seconds * self.speed * self.each;
    }

    /// What is left of its speed from now on.
    pub(super) fn set_speed(&mut self, speed: f64) {
        self.speed = speed;
    }

    /// Query `number` starts, with this much work.
    pub(super) fn start(&mut self, number: usize, work: f64, scenario: &Scenario) {
        self.running.push(Reverse((Ordered(self.attained + work), number)));
        self.share(scenario);
    }

    /// In how many seconds the next query is done, if nothing changes.
    pub(super) fn next_done(&self) -> Option<f64> {
        let Reverse((done, _)) = self.running.peek()?;
        let speed = self.speed * self.each;
        (speed > 0.0).then(|| (done.0 - self.attained).max(0.0) / speed)
    }

    /// The query that is done now.
    pub(super) fn finish(&mut self, scenario: &Scenario) -> Option<usize> {
        let Reverse((done, number)) = self.running.pop()?;
        self.attained = self.attained.max(done.0);
        self.share(scenario);
        Some(number)
    }

    fn share(&mut self, scenario: &Scenario) {
        self.each = scenario.speed_of_each((self.running.len() as f64).max(1.0));
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn two_queries_share_and_one_alone_runs_at_full_speed() {
        let scenario = Scenario { knee: 1e9, contention: 1.0, ..Scenario::new("serial") };
        let mut database = Database::new();
        database.start(7, 0.010, &scenario);
        database.start(8, 0.010, &scenario);
        let first = database.next_done().expect("two run");
        assert!((first - 0.020).abs() < 1e-9, "{first}");
        database.advance(first);
        assert_eq!(database.finish(&scenario), Some(7));
        assert!(database.next_done().expect("one runs") < 1e-9);
    }

    #[test]
    fn a_stalled_database_finishes_nothing() {
        let scenario = Scenario::new("stall");
        let mut database = Database::new();
        database.set_speed(0.0);
        database.start(1, 0.010, &scenario);
        database.advance(100.0);
        assert_eq!(database.next_done(), None);
    }

    #[test]
    fn throughput_peaks_at_the_knee() {
        let scenario = Scenario::new("knee");
        let at = |queries: f64| queries * scenario.speed_of_each(queries);
        assert!(at(16.0) > at(12.0) && at(16.0) > at(20.0));
        assert!((scenario.capacity() - at(16.0)).abs() < 1e-9);
    }
}
