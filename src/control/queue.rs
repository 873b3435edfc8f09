//! Who waits, who goes next, and who has to go.
//!
//! The next is the one of the highest priority; inside it, first tries go before retries; then
//! comes the one of the lowest rank, the cheapest (by doublings of the cost), of the group of
//! clients that got the least so far ([`Fair`](super::fair::Fair)), and the oldest.
//!
//! When there are too many, one of the lowest priority has to go; inside it a retry before a
//! first try, one of the highest rank, the dearest, of the group that has the most waiting, and
//! the newest: so no client fills the queue for all.
//!
//! A burst fills a queue for a moment, and there the oldest first is fair. A queue that
//! does not empty for twice the longest wait *stands*: there is more work than can be
//! done, and oldest first gives everybody the longest wait and many an answer too late.
//! Then, for each priority by itself, the newest goes first and the oldest has to go. That a
//! standing queue is the sign of overload is CoDel's (Nichols and Jacobson, 2012), and the
//! newest first in it is adaptive LIFO (Maurer, *Fail at Scale*, 2015). Not taken from
//! there: nobody is dropped while there is room in the queue, and no wait is shortened.

use std::time::{Duration, Instant};

use super::lane::{Fitting, Lane, Waiter};
use crate::class::{Class, Cost, Priority};

/// A bounded queue. `T` is whatever reaches the one who waits.
#[derive(Debug)]
pub(crate) struct Queue<T> {
    lanes: [Lane<T>; Priority::ALL.len()],
    capacity: usize,
    stands_after: Duration,
    next: u64,
}

/// A place in the queue.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Ticket {
    priority: Priority,
    number: u64,
    /// How many had been let in when it was taken.
    pub(super) after: u64,
}

/// What became of a newcomer.
#[derive(Debug, PartialEq, Eq)]
pub(crate) enum Entered<T> {
    /// It waits.
    Waiting(Ticket),
    /// It waits, and another had to leave.
    Evicting(Ticket, T),
    /// There is no room, and nobody who should leave before.
    Full,
}

impl<T> Queue<T> {
    /// So many may wait, each at most so long.
    pub(crate) fn new(capacity: usize, max_wait: Duration) -> Self {
        Self { lanes: Default::default(), capacity, stands_after: 2 * max_wait, next: 0 }
    }

    /// The same for those who come from now on.
    pub(crate) fn set(&mut self, capacity: usize, max_wait: Duration) {
        (self.capacity, self.stands_after) = (capacity, 2 * max_wait);
    }

    /// True if nobody waits, or ever can.
    pub(crate) fn has_no_places(&self) -> bool {
        self.capacity == 0 && self.is_empty()
    }

    pub(crate) fn is_empty(&self) -> bool {
        self.lanes.iter().all(Lane::is_empty)
    }

    pub(crate) fn len(&self) -> usize {
        self.len_from(Priority::Bulk)
    }

    /// Of this priority and above.
    pub(crate) fn len_from(&self, priority: Priority) -> usize {
        self.lanes[priority as usize..].iter().map(Lane::len).sum()
    }

    /// True if someone waits who is at least as important as this one, with at most so many
    /// doublings. A retry is never ahead of a first try of its priority.
    pub(crate) fn is_ahead_of(&self, class: &Class, doublings: usize) -> bool {
        let (own, higher) = match &self.lanes[class.priority as usize..] {
            [own, higher @ ..] => (own, higher),
            [] => return false,
        };
        own.holds(Fitting { doublings, retries: class.retry })
            || higher.iter().any(|lane| lane.holds(Fitting { doublings, retries: true }))
    }

    /// Lets one wait, made by `item` if it may.
    pub(crate) fn enter(
        &mut self,
        class: &Class,
        now: Instant,
        item: impl FnOnce() -> T,
    ) -> Entered<T> {
        let last = match self.len() < self.capacity {
            true => None,
            // Where nobody may wait any more, those who still do keep their places.
            false if self.capacity == 0 => return Entered::Full,
            false => match self.last(class, now) {
                None => return Entered::Full,
                last => last,
            },
        };
        // May panic: so far, nothing has happened.
        let item = item();
        let ticket = Ticket { priority: class.priority, number: self.next, after: 0 };
        self.next += 1;
        let evicted = last.and_then(|last| self.leave(last));
        let newcomer = Waiter::new(ticket.number, class, item);
        self.lanes[class.priority as usize].push(newcomer, now);
        evicted.map_or(Entered::Waiting(ticket), |evicted| Entered::Evicting(ticket, evicted))
    }

    /// Who goes first of those who have room: their priority has, or for a retry the one
    /// below, and they are of at most so many doublings. Less important ones never have it
    /// where others have not.
    pub(crate) fn leave_first(
        &mut self,
        has_room: impl Fn(Priority) -> bool,
        doublings: usize,
        now: Instant,
    ) -> Option<(Cost, T)> {
        let having = Priority::ALL.into_iter().take_while(|priority| has_room(*priority));
        for priority in having {
            let lane = &mut self.lanes[priority as usize];
            let newest = lane.stands(self.stands_after, now);
            let fitting = Fitting { doublings, retries: has_room(priority.below()) };
            if let Some(first) = lane.leave_first(fitting, newest) {
                return Some((first.cost, first.item));
            }
        }
        None
    }

    /// Takes back a place. `None` if it was taken, evicted or given back already.
    pub(crate) fn leave(&mut self, ticket: Ticket) -> Option<T> {
        let lane = &mut self.lanes[ticket.priority as usize];
        lane.leave(ticket.number).map(|waiter| waiter.item)
    }

    /// Who has to go for a newcomer. None: it is the last itself.
    fn last(&self, class: &Class, now: Instant) -> Option<Ticket> {
        let lanes = Priority::ALL.into_iter().rev().zip(&self.lanes);
        let (priority, lane) = lanes
            .take_while(|(priority, _)| *priority <= class.priority)
            .find(|(_, lane)| !lane.is_empty())?;
        let newcomer = (priority == class.priority).then_some(class);
        let number = lane.last(newcomer, lane.stands(self.stands_after, now))?;
        Some(Ticket { priority, number, after: 0 })
    }
}

#[cfg(test)]
pub(crate) mod model;
#[cfg(test)]
mod tests;
