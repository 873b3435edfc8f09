//! The limit and its queue as they are described: a list of who is in flight and one of who
//! waits, looked through anew each time.

use super::*;
use crate::control::queue::model::{List, Waits};

/// Shares in hundredths and limits in quarters, so that nothing is rounded but where it says so.
pub(crate) struct Plain {
    pub(crate) list: List,
    pub(crate) in_flight: Vec<Flies>,
    quarters: u64,
    carry: u64,
    pub(crate) places: u64,
    headroom: u64,
    max_wait: Duration,
    pace: Option<u64>,
    /// Requests that were let in so far, but for those whom nobody asked for.
    pub(crate) admitted: u64,
    pub(crate) usage: Usage,
}

#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) struct Flies {
    pub(crate) name: usize,
    pub(crate) class: Class,
    /// Let in whatever the limit.
    pub(crate) unbound: bool,
}

impl Plain {
    pub(crate) fn new(quarters: u64, carry: u64, rules: (u64, usize, Duration)) -> Self {
        let (headroom, queue, max_wait) = rules;
        let (in_flight, usage) = Default::default();
        let list = List::new(queue, max_wait);
        let mut plain = Self {
            list,
            in_flight,
            quarters,
            carry,
            places: 0,
            headroom,
            max_wait,
            pace: None,
            admitted: 0,
            usage,
        };
        plain.set_limit(quarters);
        plain
    }

    pub(crate) fn set_limit(&mut self, quarters: u64) {
        self.quarters = quarters;
        if quarters % 4 == 0 {
            self.places = quarters / 4;
        } else {
            (self.places, self.carry) = ((quarters + self.carry) / 4, (quarters + self.carry) % 4);
        }
    }

    pub(crate) fn set_rules(&mut self, (headroom, queue, max_wait): (u64, usize, Duration)) {
        (self.headroom, self.max_wait) = (headroom, max_wait);
        self.list.set(queue, max_wait);
    }

    pub(crate) fn limit(&self) -> u64 {
        self.places.max(u64::from(self.list.capacity() == 0))
    }

    /// So many may be in flight for one of this priority to come in.
    fn open(&self, priority: Priority) -> u64 {
        match priority {
            Priority::Critical => self.limit().max(1),
            Priority::Normal => self.limit(),
            Priority::Sheddable | Priority::Bulk => self.without(self.headroom),
        }
    }

    fn without(&self, hundredths: u64) -> u64 {
        let left = self.limit() - (self.limit() * hundredths).div_ceil(100);
        left.max(self.limit().min(1))
    }

    fn is_open(&self, priority: Priority) -> bool {
        (self.in_flight.len() as u64) < self.open(priority)
    }

    /// The most doublings that may come in: below the first of which so many are in flight.
    fn dearest(&self) -> usize {
        let dear = |least: usize| {
            let is_dear = |each: &&Flies| each.class.cost.doublings() >= least;
            self.in_flight.iter().filter(is_dear).count() as u64
        };
        let full =
            |each: &usize| dear(*each) >= self.without((self.headroom * *each as u64).min(50));
        if dear(1) == 0 { 7 } else { (1..8).find(full).unwrap_or(8) - 1 }
    }

    pub(crate) fn has_room(&self, class: &Class) -> bool {
        self.is_open(class.room()) && class.cost.doublings() <= self.dearest()
    }

    fn let_in(&mut self, name: usize, class: Class, unbound: bool) {
        self.in_flight.push(Flies { name, class, unbound });
        self.admitted += 1;
        self.fly();
    }

    /// One more is in flight.
    pub(crate) fn fly(&mut self) {
        self.usage.peak = self.usage.peak.max(self.in_flight.len());
    }

    /// What becomes of one who comes.
    pub(crate) fn come(&mut self, name: usize, class: Class, now: Instant) -> Came {
        if self.has_room(&class) && !self.list.is_ahead_of(&class, self.dearest()) {
            self.let_in(name, class, false);
            return Came::In;
        }
        let newcomer = Waits { name, class };
        let gone = self.list.enter(newcomer, now);
        let waits = gone != Some(newcomer);
        *if waits { &mut self.usage.waited } else { &mut self.usage.refused } += 1;
        if waits { Came::Waits { instead_of: gone.map(|gone| gone.name) } } else { Came::Full }
    }

    /// The first who waits and has room goes in.
    pub(crate) fn next(&mut self, now: Instant) -> Option<Waits> {
        let dearest = self.dearest();
        let open: Vec<_> = Priority::ALL.into_iter().filter(|each| self.is_open(*each)).collect();
        let next = self.list.serve(|priority| open.contains(&priority), dearest, now)?;
        self.let_in(next.name, next.class, false);
        Some(next)
    }

    /// A wait is over that began when so many had been let in.
    pub(crate) fn overdue(&mut self, after: u64, now: Instant) -> Option<Waits> {
        if !self.in_flight.is_empty() || self.admitted > after {
            return None;
        }
        let next = self.list.serve(|_| true, 7, now)?;
        self.let_in(next.name, next.class, false);
        Some(next)
    }

    /// One comes in whatever the limit; tells why it would not.
    pub(crate) fn come_anyway(&mut self, name: usize, class: Class) -> Option<Reason> {
        let room = self.open(class.room());
        self.let_in(name, class, true);
        let is_as_important =
            |each: &&Flies| !each.unbound || each.class.priority >= class.priority;
        let over =
            (self.in_flight.iter().filter(is_as_important).count() as u64).saturating_sub(room);
        let late = self.pace.is_some_and(|pace| {
            u128::from(over) * 1000 > u128::from(pace) * self.max_wait.as_millis()
        });
        let reason = match over {
            0 => return None,
            _ if over > self.list.capacity() as u64 => Some(Reason::QueueFull),
            _ if late => Some(Reason::QueueTimeout),
            _ => None,
        };
        *if reason.is_some() { &mut self.usage.refused } else { &mut self.usage.waited } += 1;
        reason
    }

    pub(crate) fn take_usage(&mut self) -> Usage {
        let peak = self.in_flight.len();
        mem::replace(&mut self.usage, Usage { peak, ..Usage::default() })
    }
}

#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) enum Came {
    In,
    Waits { instead_of: Option<usize> },
    Full,
}

mod tests;
