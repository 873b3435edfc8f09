//! Who waits, and who goes next: strict priorities, first come first served inside one.

use std::collections::VecDeque;

use crate::class::Priority;

/// A bounded queue. `T` is whatever reaches the one who waits.
#[derive(Debug)]
pub(crate) struct Queue<T> {
    lanes: [VecDeque<(u64, T)>; Priority::ALL.len()],
    capacity: usize,
    next: u64,
}

/// A place in the queue.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Ticket {
    priority: Priority,
    number: u64,
}

/// What became of a newcomer.
#[derive(Debug, PartialEq, Eq)]
pub(crate) enum Entered<T> {
    /// It waits.
    Waiting(Ticket),
    /// It waits, and the last of the least important had to leave.
    Evicting(Ticket, T),
    /// There is no room, and nobody less important.
    Full(T),
}

impl<T> Queue<T> {
    pub(crate) fn new(capacity: usize) -> Self {
        Self { lanes: Default::default(), capacity, next: 0 }
    }

    pub(crate) fn len(&self) -> usize {
        self.lanes.iter().map(VecDeque::len).sum()
    }

    /// True if someone waits who is at least as important as this.
    pub(crate) fn is_ahead_of(&self, priority: Priority) -> bool {
        self.lanes[priority as usize..].iter().any(|lane| !lane.is_empty())
    }

    /// The priority of the first in the queue.
    pub(crate) fn first(&self) -> Option<Priority> {
        Priority::ALL.into_iter().find(|priority| !self.lanes[*priority as usize].is_empty())
    }

    pub(crate) fn enter(&mut self, priority: Priority, item: T) -> Entered<T> {
        if self.len() < self.capacity {
            return Entered::Waiting(self.push(priority, item));
        }
        let lower = &mut self.lanes[..priority as usize];
        match lower.iter_mut().find_map(VecDeque::pop_back) {
            Some((_, evicted)) => Entered::Evicting(self.push(priority, item), evicted),
            None => Entered::Full(item),
        }
    }

    /// The most important that waits, of those the longest waiting.
    pub(crate) fn leave_first(&mut self) -> Option<T> {
        self.lanes.iter_mut().rev().find_map(VecDeque::pop_front).map(|(_, item)| item)
    }

    /// Takes back a place. `None` if it was taken, evicted or given back already.
    pub(crate) fn leave(&mut self, ticket: Ticket) -> Option<T> {
        let lane = &mut self.lanes[ticket.priority as usize];
        // Numbers in a lane only grow.
        let index = lane.binary_search_by_key(&ticket.number, |(number, _)| *number).ok()?;
        lane.remove(index).map(|(_, item)| item)
    }

    fn push(&mut self, priority: Priority, item: T) -> Ticket {
        let number = self.next;
        self.next += 1;
        self.lanes[priority as usize].push_back((number, item));
        Ticket { priority, number }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use Priority::{Bulk, Critical, Normal, Sheddable};
    use proptest::prelude::*;

    fn ticket<T: std::fmt::Debug>(entered: Entered<T>) -> Ticket {
        match entered {
            Entered::Waiting(ticket) | Entered::Evicting(ticket, _) => ticket,
            Entered::Full(item) => panic!("no room for {item:?}"),
        }
    }

    #[test]
    fn the_most_important_goes_first_and_in_order() {
        let mut queue = Queue::new(9);
        for (priority, name) in [(Bulk, "a"), (Normal, "b"), (Critical, "c"), (Normal, "d")] {
            ticket(queue.enter(priority, name));
        }
        let order: Vec<_> = std::iter::from_fn(|| queue.leave_first()).collect();
        assert_eq!(order, ["c", "b", "d", "a"]);
    }

    #[test]
    fn the_newest_of_the_least_important_is_evicted() {
        let mut queue = Queue::new(3);
        for (priority, name) in [(Sheddable, "old"), (Sheddable, "new"), (Normal, "x")] {
            ticket(queue.enter(priority, name));
        }
        assert!(matches!(queue.enter(Critical, "y"), Entered::Evicting(_, "new")));
        assert_eq!(queue.enter(Sheddable, "z"), Entered::Full("z"));
        assert_eq!(queue.len(), 3);
    }

    #[test]
    fn a_place_is_given_back_once() {
        let mut queue = Queue::new(2);
        let first = ticket(queue.enter(Normal, 1));
        let second = ticket(queue.enter(Normal, 2));
        assert_eq!(queue.leave(first), Some(1));
        assert_eq!(queue.leave(first), None);
        assert_eq!(queue.leave_first(), Some(2));
        assert_eq!(queue.leave(second), None);
    }

    #[test]
    fn equals_and_betters_are_ahead() {
        let mut queue = Queue::new(2);
        ticket(queue.enter(Normal, ()));
        assert!(queue.is_ahead_of(Normal) && queue.is_ahead_of(Bulk));
        assert!(!queue.is_ahead_of(Critical));
    }

    proptest! {
        #[test]
        fn no_one_is_evicted_for_a_lesser_or_equal(
            capacity in 0..6_usize,
            arrivals in prop::collection::vec(0..4_usize, 0..40),
        ) {
            let mut queue = Queue::new(capacity);
            for index in arrivals {
                let priority = Priority::ALL[index];
                if let Entered::Evicting(_, evicted) = queue.enter(priority, priority) {
                    prop_assert!(evicted < priority);
                }
                prop_assert!(queue.len() <= capacity);
            }
            let left: Vec<_> = std::iter::from_fn(|| queue.leave_first()).collect();
            prop_assert!(left.is_sorted_by(|first, then| first >= then));
        }
    }
}
