//! Who is in flight under a limit, and who waits for it.

use std::mem;

use super::{
    limit::Usage,
    queue::{Entered, Queue, Ticket},
};
use crate::class::Priority;

/// Counts in flight against a limit that may move at any time, and keeps the queue in
/// front of it. `T` is whatever reaches the one who waits.
#[derive(Debug)]
pub(crate) struct Occupancy<T> {
    limit: usize,
    /// The share of the limit that the less important leave free.
    headroom: f64,
    in_flight: usize,
    queue: Queue<T>,
    usage: Usage,
}

impl<T> Occupancy<T> {
    pub(crate) fn new(limit: usize, headroom: f64, queue: usize) -> Self {
        Self { limit, headroom, in_flight: 0, queue: Queue::new(queue), usage: Usage::default() }
    }

    pub(crate) fn limit(&self) -> usize {
        self.limit
    }

    pub(crate) fn in_flight(&self) -> usize {
        self.in_flight
    }

    pub(crate) fn waiting(&self) -> usize {
        self.queue.len()
    }

    /// From now on. What is in flight above it stays until it is done.
    pub(crate) fn set_limit(&mut self, limit: usize) {
        self.limit = limit;
    }

    /// Counts one in, if there is room and nobody waits who is as important.
    pub(crate) fn admit(&mut self, priority: Priority) -> bool {
        let room = self.has_room(priority) && !self.queue.is_ahead_of(priority);
        if room {
            self.count_in();
        }
        room
    }

    /// Counts in the first who waits, if there is room.
    pub(crate) fn admit_first(&mut self) -> Option<T> {
        let priority = self.queue.first()?;
        if !self.has_room(priority) {
            return None;
        }
        let caller = self.queue.leave_first()?;
        self.count_in();
        Some(caller)
    }

    /// One in flight is done.
    pub(crate) fn count_out(&mut self) {
        self.in_flight -= 1;
    }

    pub(crate) fn wait(&mut self, priority: Priority, caller: T) -> Entered<T> {
        let entered = self.queue.enter(priority, caller);
        match entered {
            Entered::Waiting(_) | Entered::Evicting(..) => self.usage.waited += 1,
            Entered::Full(_) => {}
        }
        entered
    }

    /// One who waits gives up. `None` if the place is gone already.
    pub(crate) fn leave(&mut self, ticket: Ticket) -> Option<T> {
        self.queue.leave(ticket)
    }

    /// One was refused.
    pub(crate) fn count_refused(&mut self) {
        self.usage.refused += 1;
    }

    /// What was seen since the last call.
    pub(crate) fn take_usage(&mut self) -> Usage {
        let next = Usage { peak: self.in_flight, ..Usage::default() };
        mem::replace(&mut self.usage, next)
    }

    /// Without headroom, whoever is important would have to wait until someone who is not
    /// is done, which may take as long as the dearest query.
    fn has_room(&self, priority: Priority) -> bool {
        let kept = match priority {
            Priority::Critical | Priority::Normal => 0,
            Priority::Sheddable | Priority::Bulk => {
                (self.limit as f64 * self.headroom).ceil() as usize
            }
        };
        self.in_flight < self.limit.saturating_sub(kept).max(1).min(self.limit)
    }

    fn count_in(&mut self) {
        self.in_flight += 1;
        self.usage.peak = self.usage.peak.max(self.in_flight);
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use Priority::{Critical, Normal};
    use proptest::prelude::*;

    #[test]
    fn usage_tells_peak_waits_and_refusals_once() {
        let mut occupancy = Occupancy::new(2, 0.0, 1);
        assert!(occupancy.admit(Normal) && occupancy.admit(Normal) && !occupancy.admit(Critical));
        assert!(matches!(occupancy.wait(Normal, ()), Entered::Waiting(_)));
        assert!(matches!(occupancy.wait(Normal, ()), Entered::Full(())));
        occupancy.count_refused();
        occupancy.count_out();
        assert_eq!(occupancy.take_usage(), Usage { peak: 2, waited: 1, refused: 1 });
        assert_eq!(occupancy.take_usage(), Usage { peak: 1, waited: 0, refused: 0 });
    }

    #[test]
    fn the_less_important_leave_headroom_and_the_important_use_it() {
        let mut occupancy = Occupancy::new(10, 0.2, 9);
        let admitted = (0..20).filter(|_| occupancy.admit(Priority::Sheddable)).count();
        assert_eq!(admitted, 8);
        assert!(matches!(occupancy.wait(Priority::Bulk, ()), Entered::Waiting(_)));
        assert_eq!(occupancy.admit_first(), None);
        assert!(occupancy.admit(Normal) && occupancy.admit(Critical) && !occupancy.admit(Critical));
        (0..3).for_each(|_| occupancy.count_out());
        assert_eq!(occupancy.admit_first(), Some(()));
    }

    #[test]
    fn a_limit_of_one_is_for_everybody() {
        let mut occupancy = Occupancy::<()>::new(1, 0.1, 0);
        assert!(occupancy.admit(Priority::Bulk) && !occupancy.admit(Critical));
        occupancy.set_limit(0);
        occupancy.count_out();
        assert!(!occupancy.admit(Critical));
    }

    proptest! {
        /// Whatever happens in whatever order, nobody is admitted over the limit, and
        /// all are accounted for.
        #[test]
        fn nobody_is_admitted_over_the_limit(
            steps in prop::collection::vec((0..5_u8, 0..4_usize, 0..6_usize), 0..200),
        ) {
            let mut occupancy = Occupancy::new(3, 0.1, 4);
            let (mut admitted, mut waiting) = (0, Vec::new());
            for (step, priority, number) in steps {
                let room = occupancy.in_flight() < occupancy.limit();
                match step {
                    0 if occupancy.admit(Priority::ALL[priority]) => {
                        prop_assert!(room);
                        admitted += 1;
                    }
                    1 if occupancy.admit_first().is_some() => {
                        prop_assert!(room);
                        admitted += 1;
                    }
                    2 if admitted > 0 => {
                        occupancy.count_out();
                        admitted -= 1;
                    }
                    3 => occupancy.set_limit(number),
                    4 => match occupancy.wait(Priority::ALL[priority], ()) {
                        Entered::Waiting(ticket) | Entered::Evicting(ticket, ()) => {
                            waiting.push(ticket);
                        }
                        Entered::Full(()) => {}
                    },
                    _ => {}
                }
                prop_assert_eq!(occupancy.in_flight(), admitted);
                prop_assert!(occupancy.waiting() <= 4);
            }
            let gone = waiting.into_iter().filter(|each| occupancy.leave(*each).is_some()).count();
            prop_assert!(gone <= 4);
            prop_assert_eq!(occupancy.waiting(), 0);
        }
    }
}
