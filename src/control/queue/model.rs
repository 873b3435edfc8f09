//! The queue as it is described, as one list without anything remembered beside it: what the
//! real one is held to.

use std::{
    cmp::Reverse,
    collections::HashMap,
    time::{Duration, Instant},
};

use proptest::prelude::*;

use super::*;

/// Who waits, in the order in which they came.
pub(crate) struct List {
    pub(crate) waiting: Vec<Waits>,
    capacity: usize,
    max_wait: Duration,
    /// Since when somebody of a priority has been waiting all the time.
    since: HashMap<Priority, Instant>,
    /// The service of each group of clients, and where the last one served of a priority began.
    served: HashMap<(Priority, Option<usize>), u64>,
    turn: HashMap<Priority, u64>,
}

#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) struct Waits {
    pub(crate) name: usize,
    pub(crate) class: Class,
}

impl Waits {
    fn group(&self) -> (Priority, Option<usize>) {
        (self.class.priority, self.class.key.map(|key| key.group(64)))
    }

    /// What decides who goes first in a priority, and who has to go, the other way round.
    fn order(&self) -> (bool, u8, usize) {
        (self.class.retry, self.class.rank, self.class.cost.doublings())
    }
}

impl List {
    pub(crate) fn new(capacity: usize, max_wait: Duration) -> Self {
        let (waiting, since, served, turn) = Default::default();
        Self { waiting, capacity, max_wait, since, served, turn }
    }

    pub(crate) fn set(&mut self, capacity: usize, max_wait: Duration) {
        (self.capacity, self.max_wait) = (capacity, max_wait);
    }

    pub(crate) fn capacity(&self) -> usize {
        self.capacity
    }

    pub(crate) fn len_from(&self, priority: Priority) -> usize {
        self.waiting.iter().filter(|each| each.class.priority >= priority).count()
    }

    /// Lets one wait and tells who had to go, which may be itself.
    pub(crate) fn enter(&mut self, newcomer: Waits, now: Instant) -> Option<Waits> {
        let goes = (self.waiting.len() >= self.capacity).then(|| self.goes_for(newcomer, now));
        if let Some(goes) = goes {
            self.remove(goes.name);
        }
        if goes != Some(newcomer) {
            let priority = newcomer.class.priority;
            if self.waiting.iter().all(|each| each.group() != newcomer.group()) {
                let turn = self.turn.get(&priority).copied().unwrap_or(0);
                let served = self.served.entry(newcomer.group()).or_default();
                *served = (*served).max(turn);
            }
            self.since.entry(priority).or_insert(now);
            self.waiting.push(newcomer);
        }
        goes
    }

    fn goes_for(&self, newcomer: Waits, now: Instant) -> Waits {
        if self.capacity == 0 {
            return newcomer;
        }
        let all: Vec<Waits> = self.waiting.iter().copied().chain([newcomer]).collect();
        let lowest = all.iter().map(|each| each.class.priority).min().expect("one is new");
        let line: Vec<Waits> =
            all.into_iter().filter(|each| each.class.priority == lowest).collect();
        let with = |each: &Waits| line.iter().filter(|one| one.group() == each.group()).count();
        let last = |(at, each): &(usize, &Waits)| {
            let age = if self.stands(lowest, now) { -(*at as i64) } else { *at as i64 };
            (each.order(), with(each), age)
        };
        *line.iter().enumerate().max_by_key(last).expect("it is not empty").1
    }

    /// Who goes first of those who have room.
    pub(crate) fn serve(
        &mut self,
        open: impl Fn(Priority) -> bool,
        doublings: usize,
        now: Instant,
    ) -> Option<Waits> {
        let first = |(at, each): &(usize, &Waits)| {
            let priority = each.class.priority;
            let age = if self.stands(priority, now) { -(*at as i64) } else { *at as i64 };
            (Reverse(priority), each.order(), self.served[&each.group()], age)
        };
        let fits = |(_, each): &(usize, &Waits)| {
            open(each.class.room()) && each.class.cost.doublings() <= doublings
        };
        let served = *self.waiting.iter().enumerate().filter(fits).min_by_key(first)?.1;
        self.remove(served.name);
        let own = self.served.get_mut(&served.group()).expect("it came in");
        let turn = self.turn.entry(served.class.priority).or_default();
        *turn = (*turn).max(*own);
        *own += served.class.cost.hundredths();
        Some(served)
    }

    pub(crate) fn remove(&mut self, name: usize) -> Option<Waits> {
        let at = self.waiting.iter().position(|each| each.name == name)?;
        let gone = self.waiting.remove(at);
        let priority = gone.class.priority;
        if self.waiting.iter().all(|each| each.class.priority != priority) {
            self.since.remove(&priority);
        }
        Some(gone)
    }

    /// True if one waits who goes before this class and is of at most so many doublings.
    pub(crate) fn is_ahead_of(&self, class: &Class, doublings: usize) -> bool {
        let first = |class: &Class| (class.priority, !class.retry);
        let is_ahead = |each: &Waits| {
            first(&each.class) >= first(class) && each.class.cost.doublings() <= doublings
        };
        self.waiting.iter().any(is_ahead)
    }

    fn stands(&self, priority: Priority, now: Instant) -> bool {
        self.since.get(&priority).is_some_and(|since| now - *since > 2 * self.max_wait)
    }
}

/// Classes that differ in all that decides who goes first, not too many of each.
pub(crate) fn classes() -> impl Strategy<Value = Class> {
    let client = prop::option::of(0..4_u32);
    // Some of one kind only, for which the queue has a short cut.
    let usual = (0..4_usize).prop_map(|priority| Class::new(Priority::ALL[priority]));
    let any = (0..4_usize, any::<bool>(), 0..3_u8, 50..900_u32, client).prop_map(
        |(priority, retry, rank, hundredths, client)| {
            let class = Class::new(Priority::ALL[priority]).retry(retry).rank(rank);
            let class = class.cost(f64::from(hundredths) / 100.0);
            client.map_or(class, |client| class.key(&client))
        },
    );
    prop_oneof![usual, any]
}

#[derive(Clone, Debug)]
enum Step {
    Enter(Class),
    Serve { lowest: usize, doublings: usize },
    Leave(usize),
    Set { capacity: usize, max_wait: u32 },
    Pass(u32),
}

fn steps() -> impl Strategy<Value = Vec<Step>> {
    let step = prop_oneof![
        8 => classes().prop_map(Step::Enter),
        4 => (0..6_usize, 0..4_usize)
            .prop_map(|(lowest, doublings)| Step::Serve { lowest, doublings }),
        1 => (0..60_usize).prop_map(Step::Leave),
        1 => (0..9_usize, 1..300_u32)
            .prop_map(|(capacity, max_wait)| Step::Set { capacity, max_wait }),
        3 => (0..200_u32).prop_map(Step::Pass),
    ];
    prop::collection::vec(step, 0..120)
}

const MS: Duration = Duration::from_millis(1);

proptest! {
    #[test]
    fn the_queue_is_the_list_that_it_is_described_as(
        capacity in 0..9_usize,
        steps in steps(),
        asks in classes(),
        fits in 0..4_usize,
    ) {
        let mut now = Instant::now();
        let mut queue = Queue::new(capacity, 100 * MS);
        let mut list = List::new(capacity, 100 * MS);
        let mut tickets = Vec::new();
        for (name, step) in steps.into_iter().enumerate() {
            match step {
                Step::Pass(time) => now += time * MS,
                Step::Set { capacity, max_wait } => {
                    queue.set(capacity, max_wait * MS);
                    list.set(capacity, max_wait * MS);
                }
                Step::Enter(class) => {
                    let newcomer = Waits { name, class };
                    let (ticket, gone) = match queue.enter(&class, now, || newcomer) {
                        Entered::Waiting(ticket) => (Some(ticket), None),
                        Entered::Evicting(ticket, gone) => (Some(ticket), Some(gone)),
                        Entered::Full => (None, Some(newcomer)),
                    };
                    tickets.extend(ticket.map(|ticket| (ticket, name)));
                    prop_assert_eq!(gone, list.enter(newcomer, now));
                }
                Step::Serve { lowest, doublings } => {
                    // 0 to 2: down to this; else all.
                    let open = |priority| Priority::ALL.get(lowest).is_none_or(|least| priority >= *least);
                    let served = queue.leave_first(open, doublings, now);
                    prop_assert_eq!(served.map(|(cost, _)| cost), served.map(|(_, one)| one.class.cost));
                    prop_assert_eq!(served.map(|(_, one)| one), list.serve(open, doublings, now));
                }
                Step::Leave(which) => if let Some((ticket, name)) = tickets.get(which) {
                    prop_assert_eq!(queue.leave(*ticket), list.remove(*name));
                }
            }
            for priority in Priority::ALL {
                prop_assert_eq!(queue.len_from(priority), list.len_from(priority));
            }
            prop_assert_eq!((queue.len(), queue.is_empty()), (list.waiting.len(), list.waiting.is_empty()));
            prop_assert_eq!(queue.is_ahead_of(&asks, fits), list.is_ahead_of(&asks, fits));
            prop_assert_eq!(queue.has_no_places(), list.capacity + list.waiting.len() == 0);
        }
    }
}
