//! Who is in flight under a limit, and who waits for it.

use std::{
    cell::Cell,
    mem,
    time::{Duration, Instant},
};

use super::{
    headcount::{Counter, Headcount},
    limit::Usage,
    places::Places,
    queue::{Entered, Queue, Ticket},
    room::{Dear, Headroom},
};
use crate::{
    class::{Class, Cost, Priority},
    rejection::Reason,
};

/// What applies to those who want in.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Rules {
    pub(crate) headroom: Headroom,
    /// How many may wait.
    pub(crate) queue: usize,
    /// For how long.
    pub(crate) max_wait: Duration,
}

/// Counts in flight against a limit that may move at any time, and keeps the queue in
/// front of it. `T` is whatever reaches the one who waits.
///
/// Where the headcount is shared, others may count out at any time, and in as long as it
/// is not contended. So it is made contended before the last look at whether there is
/// room, and stays so while anybody waits.
#[derive(Debug)]
pub(crate) struct Occupancy<T, C = Cell<Headcount>> {
    count: C,
    places: Places,
    rules: Rules,
    dear: Dear,
    queue: Queue<T>,
    usage: Usage,
    /// How many were let in while it was contended.
    admitted: u64,
    /// Those in flight that were let in whatever the limit, by the number of their priority.
    unbound: [usize; Priority::ALL.len()],
    /// How many are done per second, if that is known.
    pace: Option<f64>,
}

#[cfg(any(test, feature = "simulate"))]
impl<T> Occupancy<T> {
    /// The `phase` is the first carry of the [`Places`].
    pub(crate) fn new(limit: f64, phase: f64, rules: Rules) -> Self {
        Self::counting(Cell::default(), limit, phase, rules)
    }
}

impl<T, C: Counter> Occupancy<T, C> {
    /// The same with a headcount that is kept elsewhere.
    pub(crate) fn counting(count: C, limit: f64, phase: f64, rules: Rules) -> Self {
        let queue = Queue::new(rules.queue, rules.max_wait);
        let (dear, usage, admitted, unbound, pace) = Default::default();
        let places = Places::new(phase);
        let mut occupancy =
            Self { count, places, rules, dear, queue, usage, admitted, unbound, pace };
        occupancy.set_limit(limit);
        occupancy
    }

    /// The whole places in force.
    pub(crate) fn limit(&self) -> usize {
        self.count.get().places()
    }

    /// The limit that these are on average.
    pub(crate) fn exact_limit(&self) -> f64 {
        self.places.limit()
    }

    pub(crate) fn in_flight(&self) -> usize {
        self.count.get().in_flight()
    }

    pub(crate) fn waiting(&self) -> usize {
        self.queue.len()
    }

    /// Those of this priority and above.
    pub(crate) fn waiting_from(&self, priority: Priority) -> usize {
        self.queue.len_from(priority)
    }

    /// For how long one may wait.
    pub(crate) fn max_wait(&self) -> Duration {
        self.rules.max_wait
    }

    /// From now on. What is in flight above it stays until it is done.
    pub(crate) fn set_limit(&mut self, limit: f64) {
        self.places.set(limit);
        self.count_places();
    }

    /// From now on. Who waits goes on waiting.
    pub(crate) fn set_rules(&mut self, rules: Rules) {
        self.rules = rules;
        self.queue.set(rules.queue, rules.max_wait);
        self.count_places();
    }

    /// Counts one in, if there is room and nobody waits for it who is as important. If
    /// not, [`wait`](Self::wait) comes next.
    pub(crate) fn admit(&mut self, class: &Class) -> bool {
        if self.queue.has_no_places() && !self.has_room(class.room()) {
            return false;
        }
        self.contend(true);
        let is_its_turn = self.has_room(class.room()) && self.is_next(class);
        if is_its_turn {
            self.count_in(class.cost);
            self.settle();
        }
        is_its_turn
    }

    /// Counts in the first who waits and has room.
    pub(crate) fn admit_first(&mut self, now: Instant) -> Option<(Cost, T)> {
        let (count, headroom) = (self.count.get(), self.rules.headroom);
        let dearest = self.dear.open_to(headroom, count.places());
        let has_room = |priority| count.in_flight() < headroom.open_to(priority, count.places());
        let first = self.queue.leave_first(has_room, dearest, now)?;
        self.count_in(first.0);
        self.settle();
        Some(first)
    }

    /// Someone's wait is over. If nobody was let in during all of it and nothing is in
    /// flight, the first who waits goes on, whatever the limit: with less than one place,
    /// requests take turns, and nobody starves.
    pub(crate) fn admit_overdue(&mut self, ticket: Ticket, now: Instant) -> Option<(Cost, T)> {
        if self.in_flight() > 0 || self.admitted > ticket.after {
            return None;
        }
        let first = self.queue.leave_first(|_| true, Cost::DOUBLINGS, now)?;
        self.count_in(first.0);
        self.settle();
        Some(first)
    }

    /// Counts one in, whatever the limit.
    pub(crate) fn occupy(&mut self) {
        self.count.change(|count| Some(count.count_in()));
    }

    /// Counts one in, whatever the limit, where that is not enforced. Tells why it would have
    /// been refused: of those who are as important, more would wait than may, or so many that
    /// at the present pace they would wait for too long (Little's law).
    pub(crate) fn let_in(&mut self, class: &Class) -> Option<Reason> {
        let room = self.rules.headroom.open_to(class.room(), self.limit());
        self.unbound[class.priority as usize] += 1;
        self.count_in(class.cost);
        let over = self.as_important(class.priority).saturating_sub(room);
        if over == 0 {
            return None;
        }
        let longest = self.pace.map(|pace| pace * self.rules.max_wait.as_secs_f64());
        let refused = match longest {
            _ if over > self.rules.queue => Some(Reason::QueueFull),
            Some(longest) if over as f64 > longest => Some(Reason::QueueTimeout),
            _ => None,
        };
        let count =
            if refused.is_some() { &mut self.usage.refused } else { &mut self.usage.waited };
        *count += 1;
        refused
    }

    /// One who was let in so is done.
    pub(crate) fn let_out(&mut self, priority: Priority, cost: Cost) {
        self.unbound[priority as usize] -= 1;
        self.count_out(cost);
    }

    /// From now on so many are done per second.
    pub(crate) fn set_pace(&mut self, per_second: f64) {
        self.pace = Some(per_second);
    }

    /// In flight of this priority and above, those included of which it is not known.
    fn as_important(&self, priority: Priority) -> usize {
        let less: usize = self.unbound[..priority as usize].iter().sum();
        self.in_flight().saturating_sub(less)
    }

    /// One in flight is done.
    pub(crate) fn count_out(&mut self, cost: Cost) {
        self.count.change(|count| Some(count.count_out()));
        self.dear.count_out(cost);
    }

    /// Lets one wait, who is made by `caller`, if there is a place in the queue.
    pub(crate) fn wait(
        &mut self,
        class: &Class,
        now: Instant,
        caller: impl FnOnce() -> T,
    ) -> Entered<T> {
        let mut entered = self.queue.enter(class, now, caller);
        match &mut entered {
            Entered::Waiting(ticket) | Entered::Evicting(ticket, _) => {
                ticket.after = self.admitted;
                self.usage.waited += 1;
            }
            Entered::Full => {
                self.usage.refused += 1;
                self.settle();
            }
        }
        entered
    }

    /// One who waits gives up. `None` if the place is gone already.
    pub(crate) fn leave(&mut self, ticket: Ticket) -> Option<T> {
        let left = self.queue.leave(ticket);
        self.settle();
        left
    }

    /// One was refused, or will be, who had waited.
    pub(crate) fn count_refused(&mut self) {
        self.usage.refused += 1;
    }

    /// What was seen since the last call.
    pub(crate) fn take_usage(&mut self) -> Usage {
        let before = self.count.change(|count| Some(count.restart_peak()));
        let peak = before.map_or(0, Headcount::peak);
        Usage { peak, ..mem::take(&mut self.usage) }
    }

    fn is_next(&self, class: &Class) -> bool {
        let dearest = self.dear.open_to(self.rules.headroom, self.limit());
        class.cost.doublings() <= dearest && !self.queue.is_ahead_of(class, dearest)
    }

    fn has_room(&self, priority: Priority) -> bool {
        let count = self.count.get();
        count.in_flight() < self.rules.headroom.open_to(priority, count.places())
    }

    fn count_in(&mut self, cost: Cost) {
        self.count.change(|count| Some(count.count_in()));
        self.dear.count_in(cost);
        self.admitted += 1;
    }

    fn count_places(&self) {
        // Where nobody can wait, every wait is over at once: see `admit_overdue`.
        let places = self.places.whole().max(usize::from(self.rules.queue == 0));
        self.count.change(|count| Some(count.with_places(places)));
    }

    /// Nobody contends while nobody waits.
    fn settle(&self) {
        self.contend(!self.queue.is_empty());
    }

    fn contend(&self, contended: bool) {
        if self.count.get().is_contended() != contended {
            self.count.change(|count| Some(count.with_contended(contended)));
        }
    }
}

#[cfg(test)]
pub(crate) mod model;
#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    const NORMAL: Class = Class::new(Priority::Normal);
    const CRITICAL: Class = Class::new(Priority::Critical);
    const SHEDDABLE: Class = Class::new(Priority::Sheddable);
    const BULK: Class = Class::new(Priority::Bulk);

    fn rules(headroom: f64, queue: usize) -> Rules {
        Rules { headroom: Headroom::new(headroom), queue, max_wait: Duration::from_millis(250) }
    }

    #[test]
    fn usage_tells_peak_waits_and_refusals_once() {
        let t0 = Instant::now();
        let mut occupancy = Occupancy::new(2.0, 0.0, rules(0.0, 1));
        assert!(
            occupancy.admit(&NORMAL) && occupancy.admit(&NORMAL) && !occupancy.admit(&CRITICAL)
        );
        assert!(matches!(occupancy.wait(&NORMAL, t0, || ()), Entered::Waiting(_)));
        assert!(matches!(occupancy.wait(&NORMAL, t0, || ()), Entered::Full));
        occupancy.count_out(Cost::USUAL);
        assert_eq!(
            occupancy.take_usage(),
            Usage { peak: 2, waited: 1, refused: 1, admitted: None }
        );
        assert_eq!(
            occupancy.take_usage(),
            Usage { peak: 1, waited: 0, refused: 0, admitted: None }
        );
    }

    #[test]
    fn who_is_let_in_whatever_the_limit_hears_what_would_have_become_of_it() {
        let mut occupancy = Occupancy::<()>::new(2.0, 0.0, rules(0.0, 4));
        let mut let_in = |class: &Class, times: usize| {
            (0..times).map(|_| occupancy.let_in(class)).collect::<Vec<_>>()
        };
        assert_eq!(let_in(&NORMAL, 6), [None; 6], "two go on, four would wait");
        assert_eq!(let_in(&NORMAL, 1), [Some(Reason::QueueFull)]);
        assert_eq!(let_in(&CRITICAL, 2), [None; 2], "the others are none of its concern");
        assert_eq!(occupancy.take_usage().refused, 1);
        (0..7).for_each(|_| occupancy.let_out(Priority::Normal, Cost::USUAL));
        (0..2).for_each(|_| occupancy.let_out(Priority::Critical, Cost::USUAL));
        assert_eq!((occupancy.in_flight(), occupancy.unbound), (0, [0; 4]));
        // Within the 250 ms that one may wait, two places come free.
        occupancy.set_pace(8.0);
        let late = (0..5).map(|_| occupancy.let_in(&NORMAL)).collect::<Vec<_>>();
        assert_eq!(late, [None, None, None, None, Some(Reason::QueueTimeout)]);
    }

    #[test]
    fn the_less_important_leave_headroom_and_the_important_use_it() {
        let t0 = Instant::now();
        let mut occupancy = Occupancy::new(10.0, 0.0, rules(0.2, 9));
        let admitted = (0..20).filter(|_| occupancy.admit(&SHEDDABLE)).count();
        assert_eq!(admitted, 8);
        assert!(matches!(occupancy.wait(&BULK, t0, || ()), Entered::Waiting(_)));
        assert_eq!(occupancy.admit_first(t0), None);
        assert!(
            occupancy.admit(&NORMAL) && occupancy.admit(&CRITICAL) && !occupancy.admit(&CRITICAL)
        );
        (0..3).for_each(|_| occupancy.count_out(Cost::USUAL));
        assert_eq!(occupancy.admit_first(t0), Some((Cost::USUAL, ())));
    }

    #[test]
    fn retries_leave_headroom_to_first_tries_of_their_priority() {
        let mut occupancy = Occupancy::<()>::new(10.0, 0.0, rules(0.2, 0));
        let retry = NORMAL.retry(true);
        assert_eq!((0..20).filter(|_| occupancy.admit(&retry)).count(), 8);
        assert!(occupancy.admit(&NORMAL) && !occupancy.admit(&SHEDDABLE));
        assert!(occupancy.admit(&CRITICAL.retry(true)) && !occupancy.admit(&NORMAL));
    }

    #[test]
    fn a_limit_of_one_is_for_everybody() {
        let mut occupancy = Occupancy::<()>::new(1.0, 0.0, rules(0.1, 1));
        assert!(occupancy.admit(&BULK) && !occupancy.admit(&CRITICAL));
        occupancy.set_limit(0.0);
        occupancy.count_out(Cost::USUAL);
        assert!(!occupancy.admit(&NORMAL));
    }

    fn ticket<T: std::fmt::Debug>(entered: Entered<T>) -> Ticket {
        match entered {
            Entered::Waiting(ticket) | Entered::Evicting(ticket, _) => ticket,
            Entered::Full => panic!("there is room"),
        }
    }

    #[test]
    fn with_less_than_one_place_the_first_goes_on_after_a_whole_wait_in_vain() {
        let t0 = Instant::now();
        let mut occupancy = Occupancy::new(0.0, 0.0, rules(0.1, 3));
        let bulk = ticket(occupancy.wait(&BULK, t0, || "bulk"));
        let normal = ticket(occupancy.wait(&NORMAL, t0, || "normal"));
        assert_eq!(occupancy.admit_first(t0), None);
        let first = occupancy.admit_overdue(bulk, t0);
        assert_eq!(first, Some((Cost::USUAL, "normal")), "the most important");
        assert_eq!(occupancy.admit_overdue(bulk, t0), None, "one at a time");
        occupancy.count_out(Cost::USUAL);
        assert_eq!(occupancy.admit_overdue(normal, t0), None, "somebody went during this wait");
        let later = ticket(occupancy.wait(&NORMAL, t0, || "later"));
        assert_eq!(occupancy.admit_overdue(later, t0), Some((Cost::USUAL, "later")));
    }

    #[test]
    fn one_critical_request_at_a_time_is_let_in_whatever_the_limit() {
        let mut occupancy = Occupancy::<()>::new(0.0, 0.0, rules(0.1, 1));
        assert!(!occupancy.admit(&NORMAL));
        assert!(occupancy.admit(&CRITICAL) && !occupancy.admit(&CRITICAL));
    }

    #[test]
    fn where_nobody_can_wait_one_is_always_admitted() {
        let mut occupancy = Occupancy::<()>::new(0.0, 0.0, rules(0.1, 0));
        assert!(occupancy.admit(&BULK) && !occupancy.admit(&CRITICAL));
    }

    #[test]
    fn half_a_place_is_there_every_second_time() {
        let mut occupancy = Occupancy::<()>::new(0.5, 0.0, rules(0.0, 1));
        let mut admitted = 0;
        for _ in 0..10 {
            if occupancy.admit(&NORMAL) {
                admitted += 1;
                occupancy.count_out(Cost::USUAL);
            }
            occupancy.set_limit(0.5);
        }
        assert_eq!((admitted, occupancy.exact_limit()), (5, 0.5));
    }

    proptest! {
        /// Whatever happens in whatever order, nobody is admitted over the limit or into what
        /// is kept for others, nobody passes one who is more important and has room, and
        /// all are accounted for.
        #[test]
        fn nobody_is_admitted_over_the_limit_or_out_of_turn(
            steps in prop::collection::vec((0..5_u8, (0..4_usize, any::<bool>()), 0..6_u32), 0..300),
        ) {
            let t0 = Instant::now();
            let mut occupancy = Occupancy::<Class>::new(3.0, 0.5, rules(0.2, 4));
            let mut admitted: Vec<Class> = Vec::new();
            let mut tickets = Vec::new();
            let has_room = |class: &Class, limit: usize, admitted: &[Class]| {
                let headroom = Headroom::new(0.2);
                let mut dear = Dear::default();
                admitted.iter().for_each(|each| dear.count_in(each.cost));
                admitted.len() < headroom.open_to(class.room(), limit)
                    && class.cost.doublings() <= dear.open_to(headroom, limit)
            };
            for (step, (priority, retry), number) in steps {
                let class = Class::new(Priority::ALL[priority]).retry(retry);
                let class = class.cost(f64::from(1 << number));
                let limit = occupancy.limit();
                match step {
                    0 if occupancy.admit(&class) => {
                        prop_assert!(has_room(&class, limit, &admitted));
                        admitted.push(class);
                    }
                    1 => if let Some((cost, class)) = occupancy.admit_first(t0) {
                        prop_assert_eq!(cost, class.cost);
                        prop_assert!(has_room(&class, limit, &admitted));
                        admitted.push(class);
                    },
                    2 if !admitted.is_empty() => {
                        let done = admitted.swap_remove(number as usize % admitted.len());
                        occupancy.count_out(done.cost);
                    }
                    3 => occupancy.set_limit(f64::from(number) * 1.5),
                    4 => match occupancy.wait(&class, t0, || class) {
                        Entered::Waiting(ticket) => tickets.push((ticket, class)),
                        Entered::Evicting(ticket, gone) => {
                            tickets.push((ticket, class));
                            prop_assert!((gone.priority, !gone.retry) <= (class.priority, !class.retry));
                        }
                        Entered::Full => {}
                    },
                    _ => {}
                }
                prop_assert_eq!(occupancy.in_flight(), admitted.len());
                prop_assert!(occupancy.waiting() <= 4);
            }
            let waiting = occupancy.waiting();
            let gone = tickets.iter().filter(|(ticket, _)| occupancy.leave(*ticket).is_some());
            prop_assert_eq!(gone.count(), waiting);
            prop_assert_eq!(occupancy.waiting(), 0);
        }

        /// While some who have room wait, no equal or lesser one is let in past them.
        #[test]
        fn nobody_passes_one_who_is_as_important_and_has_room(
            waiting in prop::collection::vec((0..4_usize, any::<bool>(), 0..6_u32), 1..10),
            newcomer in (0..4_usize, any::<bool>(), 0..6_u32),
        ) {
            let t0 = Instant::now();
            let class = |(priority, retry, doublings): (usize, bool, u32)| {
                let class = Class::new(Priority::ALL[priority]).retry(retry);
                class.cost(f64::from(1 << doublings))
            };
            let mut occupancy = Occupancy::new(0.0, 0.0, rules(0.2, 10));
            let waiting: Vec<Class> = waiting.into_iter().map(class).collect();
            for each in &waiting {
                occupancy.wait(each, t0, || *each);
            }
            occupancy.set_limit(5.0);
            let newcomer = class(newcomer);
            let dearest = Dear::default().open_to(Headroom::new(0.2), 5);
            let has_room = |class: &Class| class.cost.doublings() <= dearest;
            let is_ahead = |one: &Class, other: &Class| {
                (one.priority, !one.retry) >= (other.priority, !other.retry)
            };
            let ahead = waiting
                .iter()
                .any(|each| is_ahead(each, &newcomer) && has_room(each));
            prop_assert_eq!(occupancy.admit(&newcomer), has_room(&newcomer) && !ahead);
        }
    }

    #[test]
    fn what_the_dear_leave_is_for_the_cheap_and_the_cheap_do_not_shut_them_out() {
        let t0 = Instant::now();
        let dear = NORMAL.cost(8.0);
        let mut occupancy = Occupancy::new(10.0, 0.0, rules(0.1, 9));
        assert_eq!((0..10).filter(|_| occupancy.admit(&dear)).count(), 7);
        assert!(matches!(occupancy.wait(&dear, t0, || "dear"), Entered::Waiting(_)));
        assert_eq!((0..10).filter(|_| occupancy.admit(&NORMAL)).count(), 3, "past who has no room");
        occupancy.count_out(Cost::USUAL);
        assert_eq!(occupancy.admit_first(t0), None);
        assert!(occupancy.admit(&NORMAL));
        occupancy.count_out(dear.cost);
        assert_eq!(occupancy.admit_first(t0), Some((dear.cost, "dear")));
    }
}
