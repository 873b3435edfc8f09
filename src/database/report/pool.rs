//! How many connections a database is worth.

use super::Sustained;

/// How many connections a pool should lend at most, and why.
///
/// The advice is the knee and a quarter, so that a query that waits for the network does
/// not leave the database idle; never less than 2. It is for the pool of this process, since
/// the knee is that of its share. Transactions that hold a connection while they ask nothing
/// need theirs on top.
#[derive(Clone, Copy, Debug, PartialEq)]
#[cfg_attr(feature = "serde", derive(serde::Serialize))]
#[non_exhaustive]
pub struct PoolAdvice {
    /// So many.
    pub connections: usize,
    /// About the least that could do the most work that was seen, if no query ever waited for
    /// another: by Little's law, as many as the seconds of work per second.
    pub least: usize,
    /// Whether the knee was passed. If not, `connections` is what was tried and did well:
    /// more may give more.
    pub sure: bool,
    /// What the pool lends at most now, if it is known.
    pub most: Option<usize>,
}

impl PoolAdvice {
    pub(super) fn new(seen: &Sustained, most: Option<usize>) -> Self {
        let connections = connections(seen.knee);
        // Nothing says what a larger pool would do.
        let narrow = most.is_some_and(|most| seen.knee >= NARROW * most as f64);
        let sure = seen.knee_passed && !narrow;
        Self { connections, least: (seen.best.work.round() as usize).max(1), sure, most }
    }

    /// Whether the pool lends far more than does any good.
    pub(super) fn is_too_large(&self) -> bool {
        self.sure && self.most.is_some_and(|most| most as f64 > LARGE * self.connections as f64)
    }

    /// Whether the database did not end to do more as the pool did end to lend.
    pub(super) fn may_be_too_small(&self) -> bool {
        !self.sure && self.most.is_some_and(|most| self.connections >= most)
    }
}

fn connections(knee: f64) -> usize {
    ((knee * ROOM).ceil() as usize).max(2)
}

/// Connections for each query at the knee.
const ROOM: f64 = 1.25;
/// A knee at this share of the pool is the pool's own.
const NARROW: f64 = 0.85;
/// A pool is too large from so many times on of what is advised.
const LARGE: f64 = 1.5;

#[cfg(test)]
mod tests {
    use super::*;
    use crate::database::report::Throughput;

    fn advice(knee: f64, knee_passed: bool, most: Option<usize>) -> PoolAdvice {
        let best = Throughput { in_flight: knee, queries: 100.0, work: 0.8 * knee, seconds: 9.0 };
        PoolAdvice::new(&Sustained { best, knee, knee_passed, curve: vec![best] }, most)
    }

    #[test]
    fn a_quarter_more_than_the_knee_and_never_one() {
        assert_eq!(
            (advice(12.0, true, None).connections, advice(12.0, true, None).least),
            (15, 10)
        );
        assert_eq!((advice(0.5, true, None).connections, advice(0.5, true, None).least), (2, 1));
    }

    #[test]
    fn a_pool_is_too_large_only_where_the_knee_was_passed() {
        assert!(advice(12.0, true, Some(50)).is_too_large());
        assert!(!advice(12.0, false, Some(50)).is_too_large());
        assert!(!advice(12.0, true, Some(20)).is_too_large());
        assert!(!advice(12.0, true, None).is_too_large());
    }

    #[test]
    fn a_knee_at_the_size_of_the_pool_is_the_pools_own() {
        let narrow = advice(9.8, true, Some(10));
        assert!(!narrow.sure && narrow.may_be_too_small() && !narrow.is_too_large());
        assert!(!advice(4.0, true, Some(10)).may_be_too_small());
    }
}
