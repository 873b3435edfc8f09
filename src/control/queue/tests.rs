//! Promises of the order.

use super::*;
use Priority::{Bulk, Critical, Normal, Sheddable};
use proptest::prelude::*;

const MS: Duration = Duration::from_millis(1);
const WAIT: Duration = Duration::from_millis(250);

/// A queue with a clock, whose items tell their class and name.
struct Trial {
    queue: Queue<(Class, usize)>,
    now: Instant,
    names: usize,
}

impl Trial {
    fn new(capacity: usize) -> Self {
        Self { queue: Queue::new(capacity, WAIT), now: Instant::now(), names: 0 }
    }

    /// Enters with the next name: 0, 1, 2 …
    fn enter(&mut self, class: Class) -> Entered<(Class, usize)> {
        self.names += 1;
        self.queue.enter(&class, self.now, || (class, self.names - 1))
    }

    fn enter_all(&mut self, classes: impl IntoIterator<Item = Class>) {
        for class in classes {
            assert!(matches!(self.enter(class), Entered::Waiting(_)));
        }
    }

    fn first(&mut self) -> Option<(Class, usize)> {
        self.queue.leave_first(|_| true, Cost::DOUBLINGS, self.now).map(|(_, item)| item)
    }

    /// The names of those that go, in order.
    fn order(mut self) -> Vec<usize> {
        std::iter::from_fn(|| self.first()).map(|(_, name)| name).collect()
    }

    /// Who had to go for a newcomer.
    fn evicted_for(&mut self, class: Class) -> usize {
        match self.enter(class) {
            Entered::Evicting(_, (_, name)) => name,
            other => panic!("nobody had to go: {other:?}"),
        }
    }

    /// Lets time pass until what waits stands.
    fn stand(&mut self) {
        self.now += 2 * WAIT + MS;
    }
}

fn class(priority: Priority) -> Class {
    Class::new(priority)
}

fn of(client: u32) -> Class {
    class(Normal).key(&client)
}

/// Clients that fall into groups of their own.
fn clients(count: usize) -> Vec<Class> {
    let mut found: Vec<Class> = Vec::new();
    for candidate in (0..).map(of) {
        let group = |class: &Class| super::super::fair::Fair::group(class.key);
        if found.len() == count {
            break;
        }
        if found.iter().all(|other| group(other) != group(&candidate)) {
            found.push(candidate);
        }
    }
    found
}

#[test]
fn the_most_important_goes_first_and_in_order() {
    let mut trial = Trial::new(9);
    trial.enter_all([Bulk, Normal, Critical, Normal].map(class));
    assert_eq!(trial.order(), [2, 1, 3, 0]);
}

#[test]
fn inside_a_priority_the_rank_counts_and_then_the_cost() {
    let mut trial = Trial::new(9);
    trial.enter_all([
        class(Normal).rank(1),
        class(Normal).cost(9.0),
        class(Normal).cost(8.0),
        class(Normal),
        class(Normal).cost(1.9),
        class(Bulk),
        class(Critical).rank(255).cost(600.0),
    ]);
    assert_eq!(trial.order(), [6, 3, 4, 1, 2, 0, 5]);
}

#[test]
fn the_newest_of_the_least_important_has_to_go() {
    let mut trial = Trial::new(3);
    trial.enter_all([Sheddable, Sheddable, Normal].map(class));
    assert_eq!(trial.evicted_for(class(Critical)), 1);
    assert!(matches!(trial.enter(class(Sheddable)), Entered::Full));
    assert_eq!(trial.queue.len(), 3);
}

#[test]
fn the_dearest_of_the_last_rank_has_to_go_also_for_an_equal() {
    let mut trial = Trial::new(4);
    let normal = class(Normal);
    trial.enter_all([normal.rank(1).cost(8.0), normal.rank(1), normal.cost(8.0), normal]);
    assert_eq!(trial.evicted_for(normal), 0);
    assert_eq!(trial.evicted_for(normal), 1);
    assert_eq!(trial.evicted_for(normal), 2);
    assert!(matches!(trial.enter(normal), Entered::Full));
}

#[test]
fn who_has_the_most_waiting_gives_way_to_an_equal() {
    let [heavy, light] = clients(2)[..] else { panic!("there are two") };
    let mut trial = Trial::new(3);
    trial.enter_all([heavy, heavy, heavy]);
    assert_eq!(trial.evicted_for(light), 2);
    assert!(matches!(trial.enter(light), Entered::Full), "two each would be no better");
    assert_eq!(trial.order(), [0, 3, 1]);
}

#[test]
fn clients_take_turns_and_the_dear_take_fewer() {
    let [dear, cheap] = clients(2)[..] else { panic!("there are two") };
    let mut trial = Trial::new(9);
    trial.enter_all([dear.cost(1.9); 3].into_iter().chain([cheap; 6]));
    assert_eq!(trial.order(), [0, 3, 4, 1, 5, 6, 2, 7, 8]);
}

#[test]
fn a_burst_goes_oldest_first() {
    let mut trial = Trial::new(3);
    trial.enter_all([class(Normal); 3]);
    trial.now += 2 * WAIT;
    assert_eq!(trial.order(), [0, 1, 2]);
}

#[test]
fn a_queue_that_stands_goes_newest_first_until_it_was_empty() {
    let mut trial = Trial::new(9);
    trial.enter_all([class(Normal); 3]);
    trial.stand();
    trial.enter_all([class(Normal)]);
    let order: Vec<_> = std::iter::from_fn(|| trial.first()).map(|(_, name)| name).collect();
    assert_eq!(order, [3, 2, 1, 0]);
    trial.enter_all([class(Normal); 2]);
    assert_eq!(trial.order(), [4, 5]);
}

#[test]
fn in_a_full_queue_that_stands_the_oldest_has_to_go_also_for_an_equal() {
    let mut trial = Trial::new(3);
    trial.enter_all([class(Normal); 3]);
    trial.stand();
    assert_eq!(trial.evicted_for(class(Normal)), 0);
    assert_eq!(trial.evicted_for(class(Critical)), 1);
    assert!(matches!(trial.enter(class(Bulk)), Entered::Full), "it is the lowest itself");
    assert_eq!(trial.order(), [4, 3, 2]);
}

#[test]
fn each_priority_stands_by_itself() {
    let mut trial = Trial::new(9);
    trial.enter_all([class(Bulk); 2]);
    trial.stand();
    trial.enter_all([class(Critical); 2]);
    assert_eq!(trial.order(), [2, 3, 1, 0]);
}

#[test]
fn a_place_is_given_back_once() {
    let mut trial = Trial::new(2);
    let tickets = [(), ()].map(|()| match trial.enter(class(Normal)) {
        Entered::Waiting(ticket) => ticket,
        other => panic!("{other:?}"),
    });
    assert_eq!(trial.queue.leave(tickets[0]).map(|(_, name)| name), Some(0));
    assert_eq!(trial.queue.leave(tickets[0]), None);
    assert_eq!(trial.first().map(|(_, name)| name), Some(1));
    assert_eq!(trial.queue.leave(tickets[1]), None);
}

#[test]
fn who_has_no_room_is_passed_over() {
    let mut trial = Trial::new(9);
    trial.enter_all([class(Critical).cost(8.0), class(Normal), class(Bulk)]);
    let important = |priority| priority >= Normal;
    let critical = class(Critical);
    assert!(trial.queue.is_ahead_of(&critical, 3) && !trial.queue.is_ahead_of(&critical, 2));
    let mut next = || trial.queue.leave_first(important, 2, trial.now).map(|(_, (_, name))| name);
    assert_eq!((next(), next()), (Some(1), None));
}

#[test]
fn a_first_try_goes_before_a_retry_of_any_rank_and_takes_its_place() {
    let mut trial = Trial::new(3);
    let retry = class(Normal).retry(true);
    trial.enter_all([retry, class(Normal).rank(9), class(Sheddable)]);
    assert_eq!(trial.evicted_for(class(Normal)), 2, "the less important first");
    assert_eq!(trial.evicted_for(class(Normal)), 0, "then the retry");
    assert_eq!(trial.enter(retry), Entered::Full, "which takes nobody's place");
    assert_eq!(trial.order(), [3, 4, 1]);
}

#[test]
fn a_retry_is_ahead_of_what_is_less_important_and_of_no_first_try_like_it() {
    let mut trial = Trial::new(3);
    trial.enter_all([class(Normal).retry(true)]);
    let is_ahead_of = |class| trial.queue.is_ahead_of(&class, 0);
    assert!(is_ahead_of(class(Normal).retry(true)) && is_ahead_of(class(Sheddable)));
    assert!(!is_ahead_of(class(Normal)) && !is_ahead_of(class(Critical).retry(true)));
}

#[test]
fn where_only_their_own_priority_has_room_retries_are_passed_over() {
    let mut trial = Trial::new(3);
    trial.enter_all([class(Normal).retry(true), class(Normal), class(Sheddable)]);
    let important = |priority| priority >= Normal;
    let mut next = || trial.queue.leave_first(important, 0, trial.now).map(|(_, (_, name))| name);
    assert_eq!((next(), next()), (Some(1), None));
    assert_eq!(trial.first().map(|(_, name)| name), Some(0));
}

mod any_order;
