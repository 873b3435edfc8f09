//! Refusals, added up.

use std::{
    fmt::Write,
    sync::atomic::{AtomicU64, Ordering},
    time::Duration,
};

use crate::{class::Priority, rejection::Reason};

/// Counts what is refused, until it is told.
#[derive(Debug)]
pub(super) struct Sums {
    every: Duration,
    counts: [[AtomicU64; Reason::ALL.len()]; Priority::ALL.len()],
    /// When it was told last, in nanoseconds.
    told: AtomicU64,
}

/// What was refused in a span.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Sum {
    pub(super) all: u64,
    /// Which, in words.
    pub(super) which: String,
    pub(super) span: Duration,
}

impl Sums {
    pub(super) fn new(every: Duration) -> Self {
        Self { every, counts: Default::default(), told: AtomicU64::new(0) }
    }

    pub(super) fn add(&self, priority: Priority, reason: Reason) {
        self.counts[priority as usize][reason as usize].fetch_add(1, Ordering::Relaxed);
    }

    /// What is to be told at this moment, if anything is: once in a while at most. `now` is
    /// the time since some origin.
    pub(super) fn take_due(&self, now: Duration) -> Option<Sum> {
        let told = self.told.load(Ordering::Relaxed);
        let span = now.saturating_sub(Duration::from_nanos(told));
        if span < self.every {
            return None;
        }
        let now = u64::try_from(now.as_nanos()).unwrap_or(u64::MAX);
        let won = self.told.compare_exchange(told, now, Ordering::Relaxed, Ordering::Relaxed);
        won.ok().and_then(|_| self.take(span))
    }

    /// What was not told yet, at the end.
    pub(super) fn take_rest(&self, now: Duration) -> Option<Sum> {
        let told = Duration::from_nanos(self.told.load(Ordering::Relaxed));
        self.take(now.saturating_sub(told))
    }

    fn take(&self, span: Duration) -> Option<Sum> {
        let (mut all, mut which) = (0, String::new());
        for priority in Priority::ALL {
            for reason in Reason::ALL {
                let count = &self.counts[priority as usize][reason as usize];
                let count = count.swap(0, Ordering::Relaxed);
                if count > 0 {
                    all += count;
                    let comma = if which.is_empty() { "" } else { ", " };
                    write!(which, "{comma}{priority} {reason} {count}").expect("it is a string");
                }
            }
        }
        (all > 0).then_some(Sum { all, which, span })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const SECOND: Duration = Duration::from_secs(1);

    #[test]
    fn what_is_refused_is_told_once_a_second_and_nothing_is_lost() {
        let sums = Sums::new(SECOND);
        sums.add(Priority::Bulk, Reason::QueueFull);
        let sum = sums.take_due(2 * SECOND).expect("it was never told before");
        assert_eq!((sum.all, &*sum.which), (1, "bulk queue_full 1"));
        (0..5).for_each(|_| sums.add(Priority::Sheddable, Reason::CircuitOpen));
        assert_eq!(sums.take_due(2 * SECOND + SECOND / 2), None);
        sums.add(Priority::Bulk, Reason::QueueFull);
        let sum = sums.take_due(3 * SECOND).expect("a second has passed");
        assert_eq!((sum.all, sum.span), (6, SECOND));
        assert_eq!(sum.which, "sheddable circuit_open 5, bulk queue_full 1");
        assert_eq!(sums.take_due(5 * SECOND), None, "nobody was refused");
        sums.add(Priority::Bulk, Reason::Evicted);
        let sum = sums.take_rest(5 * SECOND + SECOND / 2).expect("there is some");
        assert_eq!((sum.all, sum.span), (1, SECOND / 2));
    }
}
