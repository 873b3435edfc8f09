//! Who is in flight and who waits, for many threads: one lock around those who wait, and
//! none in the way of those who need not.
//!
//! While nobody contends, one of the usual cost is counted in and out by one step on the
//! shared headcount. Who finds no room takes the lock, makes the headcount contended, and
//! looks again before it queues. From then on everybody takes the lock to come in, and
//! who counts out sees that somebody contends and takes it, too, to hand the place on. So a
//! place that is freed before the second look is found by it, and one that is freed
//! after it is handed on: no wake-up is lost. The dear always take the lock.

use std::time::{Duration, Instant};

use super::count::Count;
use crate::{
    class::{Class, Cost, Priority},
    control::{
        limit::Usage,
        occupancy::{Occupancy, Rules},
        queue::{Entered, Ticket},
    },
    rejection::Reason,
    sync::{Arc, Mutex, MutexGuard, lock},
};

pub(super) struct Floor<T> {
    pub(super) count: Arc<Count>,
    occupancy: Mutex<Occupancy<T, Arc<Count>>>,
}

/// The answer to a newcomer.
pub(super) enum Answer<T> {
    Admitted,
    Not(Entered<T>),
}

impl<T> Floor<T> {
    pub(super) fn new(limit: f64, phase: f64, rules: Rules) -> Self {
        let count = Arc::new(Count::new(rules.headroom));
        let occupancy = Occupancy::counting(count.clone(), limit, phase, rules);
        Self { count, occupancy: Mutex::new(occupancy) }
    }

    /// Lets one in without the lock, if it need not look at the queue and there is room.
    #[inline]
    pub(super) fn admits_at_once(&self, class: &Class) -> bool {
        is_usual(class.cost) && self.count.admit(class.room())
    }

    /// Lets one in or has it wait who was not [let in at once](Self::admits_at_once); `caller`
    /// makes who waits, and is told for how long at most. Runs under the lock.
    pub(super) fn enter(
        &self,
        class: &Class,
        now: Instant,
        caller: impl FnOnce(Duration) -> T,
    ) -> Answer<T> {
        let mut occupancy = self.occupancy();
        if occupancy.admit(class) {
            return Answer::Admitted;
        }
        let max_wait = occupancy.max_wait();
        Answer::Not(occupancy.wait(class, now, || caller(max_wait)))
    }

    /// Counts one in, whatever the limit.
    pub(super) fn occupy(&self) {
        self.occupancy().occupy();
    }

    /// Counts one in, whatever the limit. Tells why it would have been refused.
    pub(super) fn let_in(&self, class: &Class) -> Option<Reason> {
        self.occupancy().let_in(class)
    }

    /// One who was let in so is done. True if somebody waits who may go on now.
    pub(super) fn let_out(&self, priority: Priority, cost: Cost) -> bool {
        let mut occupancy = self.occupancy();
        occupancy.let_out(priority, cost);
        occupancy.waiting() > 0
    }

    pub(super) fn set_pace(&self, per_second: f64) {
        self.occupancy().set_pace(per_second);
    }

    /// One dear in flight is done. True if somebody waits who may go on now. The usual are
    /// counted out by the count itself.
    pub(super) fn free_dear(&self, cost: Cost) -> bool {
        let mut occupancy = self.occupancy();
        occupancy.count_out(cost);
        occupancy.waiting() > 0
    }

    /// Counts in the first who waits and has room.
    pub(super) fn admit_first(&self, now: Instant) -> Option<(Cost, T)> {
        self.occupancy().admit_first(now)
    }

    pub(super) fn admit_overdue(&self, ticket: Ticket, now: Instant) -> Option<(Cost, T)> {
        self.occupancy().admit_overdue(ticket, now)
    }

    pub(super) fn leave(&self, ticket: Ticket) -> Option<T> {
        self.occupancy().leave(ticket)
    }

    pub(super) fn count_refused(&self) {
        self.occupancy().count_refused();
    }

    /// From now on; tells what it was. Those who wait may go on now.
    pub(super) fn set_limit(&self, limit: f64) -> f64 {
        let mut occupancy = self.occupancy();
        let before = occupancy.exact_limit();
        occupancy.set_limit(limit);
        before
    }

    pub(super) fn set_rules(&self, rules: Rules) {
        let mut occupancy = self.occupancy();
        self.count.set_headroom(rules.headroom);
        occupancy.set_rules(rules);
    }

    pub(super) fn take_usage(&self) -> Usage {
        self.occupancy().take_usage()
    }

    pub(super) fn limit(&self) -> usize {
        self.count.load().places()
    }

    pub(super) fn exact_limit(&self) -> f64 {
        self.occupancy().exact_limit()
    }

    pub(super) fn is_full(&self) -> bool {
        let count = self.count.load();
        count.is_contended() || count.in_flight() >= count.places()
    }

    pub(super) fn in_flight(&self) -> usize {
        self.count.load().in_flight()
    }

    pub(super) fn waiting(&self) -> usize {
        self.occupancy().waiting()
    }

    /// Whether nobody is in flight or waits; who comes in later sees what was written before.
    /// First those who wait, since who is let in meanwhile is found in flight.
    pub(super) fn is_idle(&self) -> bool {
        self.waiting() == 0 && self.count.load_in_turn().in_flight() == 0
    }

    pub(super) fn waiting_from(&self, priority: Priority) -> usize {
        self.occupancy().waiting_from(priority)
    }

    fn occupancy(&self) -> MutexGuard<'_, Occupancy<T, Arc<Count>>> {
        lock(&self.occupancy)
    }
}

pub(super) fn is_usual(cost: Cost) -> bool {
    cost.doublings() == 0
}

#[cfg(all(brownout_loom, test))]
mod loom_tests;
