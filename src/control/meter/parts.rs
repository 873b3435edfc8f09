//! Meters that are parts of one.

use std::{mem, time::Duration};

use super::Meter;

/// What was counted since the last signal.
#[derive(Debug, Default)]
pub(super) struct Counts {
    pub(super) ignored: Duration,
    pub(super) started: u64,
    pub(super) strays: u64,
    pub(super) finished: u64,
    pub(super) slow: u64,
    pub(super) overloads: u64,
    pub(super) cancelled: u64,
    pub(super) cancelled_slow: u64,
}

impl Meter {
    /// Takes over what another has counted.
    #[cfg_attr(not(feature = "tower"), allow(dead_code, reason = "a database does"))]
    pub(crate) fn absorb(&mut self, other: &mut Self) {
        self.in_flight = self.in_flight.wrapping_add(mem::take(&mut other.in_flight));
        self.starts += mem::take(&mut other.starts);
        self.losses += mem::take(&mut other.losses);
        self.ran += mem::take(&mut other.ran);
        self.counts.add(&mem::take(&mut other.counts));
        for (number, own) in other.statements.iter_mut().enumerate() {
            self.of(number).absorb(own);
        }
    }

    /// Has another know what this knows.
    #[cfg_attr(not(feature = "tower"), allow(dead_code, reason = "a database does"))]
    pub(crate) fn teach(&self, other: &mut Self) {
        other.judge_since(self.judged_since);
        other.baselines.clone_from(&self.baselines);
        for (number, own) in self.statements.iter().enumerate() {
            other.of(number).bounds = own.bounds;
        }
    }
}

impl Counts {
    fn add(&mut self, other: &Self) {
        self.ignored = self.ignored.saturating_add(other.ignored);
        self.started += other.started;
        self.strays += other.strays;
        self.finished += other.finished;
        self.slow += other.slow;
        self.overloads += other.overloads;
        self.cancelled += other.cancelled;
        self.cancelled_slow += other.cancelled_slow;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn counts_of_every_kind_are_added_up() {
        let of = |count: u64| Counts {
            ignored: Duration::from_secs(count),
            started: count,
            strays: count,
            finished: count,
            slow: count,
            overloads: count,
            cancelled: count,
            cancelled_slow: count,
        };
        let mut sum = of(3);
        sum.add(&of(4));
        assert_eq!(format!("{sum:?}"), format!("{:?}", of(7)));
    }
}
