//! Promises of the gates together, on paused time.

use std::time::Duration;

use tokio::time::advance;
use tokio_test::{assert_pending, assert_ready, task};

use super::*;
use crate::{
    class::{Needs, Priority},
    control::{
        limit::Fixed,
        meter::{Meter, Slow},
        witness::{Attendance, Ended},
    },
    event::Circuit,
    gate::{CircuitBreaker, ConcurrencyLimit, Finish, Quota, RateLimit},
    outcome::{Outcome, Sample},
    rejection::Reason,
};

const MS: Duration = Duration::from_millis(1);
const SECOND: Duration = Duration::from_secs(1);
const NORMAL: Class = Class::new(Priority::Normal);

/// Gates in front of two databases, with the numbers of those.
struct Two {
    gates: Gates,
    numbers: [Downstream; 2],
}

fn two(limit: &ConcurrencyLimit) -> Two {
    with_rate(limit, None)
}

fn with_rate(limit: &ConcurrencyLimit, rate: Option<RateLimit>) -> Two {
    let numbers = [Downstream::another(), Downstream::another()];
    let guard = |database| Guard {
        database,
        name: "one of two".into(),
        breaker: CircuitBreaker::new().gate().expect("it is valid"),
        concurrency: limit.clone().gate().expect("it is valid"),
        counts: Counts::default(),
    };
    let rate = rate.map(|rate| rate.gate().expect("it is valid"));
    let routes = CircuitBreaker::new().for_routes(vec!["one".into(), "two".into()], Arc::new(()));
    let routes = Some(routes.expect("it is valid"));
    let guards = numbers.map(guard).into();
    Two { gates: Gates::new(rate, guards, Place::Edge, routes, 0.8, false, Arc::new(())), numbers }
}

fn fixed(limit: usize) -> ConcurrencyLimit {
    ConcurrencyLimit::new().algorithm(Fixed::new(limit))
}

fn one_each() -> RateLimit {
    RateLimit::new(Quota::per_second(1).burst(1))
}

impl Two {
    fn enter(&self, class: Class) -> Entry<GatesPermit, GatesWait> {
        self.gates.enter(&class, clock::now())
    }

    fn admitted(&self, class: Class) -> GatesPermit {
        match self.enter(class) {
            Entry::Admitted(permit) => permit,
            other => panic!("{other:?}"),
        }
    }

    fn waiting(&self, class: Class) -> task::Spawn<GatesWait> {
        let Entry::Waiting(wait) = self.enter(class) else { panic!("it does not wait") };
        let mut wait = task::spawn(wait);
        assert_pending!(wait.poll());
        wait
    }

    fn refused(&self, class: Class) -> Reason {
        match self.enter(class) {
            Entry::Refused(rejection) => rejection.reason(),
            other => panic!("{other:?}"),
        }
    }

    fn in_flight(&self) -> [usize; 2] {
        [0, 1].map(|index| self.gates.guards()[index].concurrency.in_flight())
    }

    /// A place at one of them.
    fn place(&self, index: usize) -> Permit {
        let guard = &self.gates.guards()[index];
        match guard.concurrency.enter(&NORMAL, clock::now()) {
            Entry::Admitted(permit) => permit,
            other => panic!("{other:?}"),
        }
    }

    fn breaker(&self, index: usize) -> &BreakerGate {
        &self.gates.guards()[index].breaker
    }

    /// Requests of a route, each with a query of this work at the first database, if any.
    fn acquaint(&self, class: Class, requests: usize, work: Option<f64>) {
        for _ in 0..requests {
            let permit = self.admitted(class);
            let mut attendance = Attendance::default();
            permit.attend(&mut attendance);
            let witness = attendance.witness.expect("it has a route");
            let call = Meter::new(Slow::default(), clock::stamp()).call(0, clock::stamp());
            if let Some(work) = work {
                witness.start(self.numbers[0], &call);
                let ended = Ended { at: clock::stamp(), outcome: Some(Outcome::Success), work };
                witness.end(self.numbers[0], &call, &ended);
            }
            witness.visited(Needs::Learned);
        }
    }
}

fn route(name: &str) -> Class {
    NORMAL.route(Route::named(name))
}

#[tokio::test(start_paused = true)]
async fn places_that_were_free_at_once_come_back_at_every_database() {
    let two = two(&fixed(9));
    let of_bulk = || [0, 1].map(|index| two.gates.guards()[index].counts.bulk());
    let permits = [two.admitted(Class::new(Priority::Bulk)), two.admitted(NORMAL)];
    assert_eq!((two.in_flight(), of_bulk()), ([2, 2], [1, 1]));
    drop(permits);
    assert_eq!((two.in_flight(), of_bulk()), ([0, 0], [0, 0]));
}

#[tokio::test(start_paused = true)]
async fn a_place_that_was_free_at_once_goes_to_who_waits_when_it_comes_back() {
    let two = two(&fixed(1));
    let permit = two.admitted(NORMAL);
    let mut wait = two.waiting(NORMAL);
    drop(permit);
    assert!(wait.is_woken());
    // For the places one after the other.
    assert!(assert_ready!(wait.poll()).is_ok());
    assert_eq!(two.in_flight(), [0, 0]);
}

#[tokio::test(start_paused = true)]
async fn who_leaves_while_waiting_for_the_second_gives_back_the_first() {
    let two = two(&fixed(1));
    let full = two.place(1);
    let wait = two.waiting(NORMAL);
    drop(wait);
    assert_eq!(two.in_flight(), [0, 1]);
    drop(full);
    let held = two.admitted(NORMAL);
    assert_eq!(two.in_flight(), [1, 1]);
    drop(held);
    assert_eq!(two.in_flight(), [0, 0]);
}

#[tokio::test(start_paused = true)]
async fn who_waited_for_both_goes_on_with_both() {
    let two = two(&fixed(1));
    let (first, second) = (two.place(0), two.place(1));
    let mut wait = two.waiting(NORMAL);
    drop(first);
    assert!(wait.is_woken());
    assert_pending!(wait.poll());
    drop(second);
    assert!(wait.is_woken());
    let permit = assert_ready!(wait.poll()).expect("there is room");
    assert_eq!(two.in_flight(), [1, 1]);
    drop(permit);
    assert_eq!(two.in_flight(), [0, 0]);
}

#[tokio::test(start_paused = true)]
async fn a_cell_is_handed_back_whichever_database_refuses() {
    let two = with_rate(&fixed(1).queue(0), Some(one_each()));
    for index in [0, 1] {
        let full = two.place(index);
        assert_eq!(two.refused(NORMAL), Reason::QueueFull);
        drop(full);
    }
    drop(two.admitted(NORMAL));
    assert_eq!(two.refused(NORMAL), Reason::Quota, "there was one cell");
    assert_eq!(two.in_flight(), [0, 0]);
}

#[tokio::test(start_paused = true)]
async fn a_wait_for_the_second_that_ends_in_vain_gives_all_back() {
    let quota = RateLimit::new(Quota::per_hour(1).burst(1));
    let two = with_rate(&fixed(1).max_wait(100 * MS), Some(quota));
    let full = two.place(1);
    let mut wait = two.waiting(NORMAL);
    advance(101 * MS).await;
    let rejection = assert_ready!(wait.poll()).expect_err("nobody left");
    assert_eq!(rejection.reason(), Reason::QueueTimeout);
    assert_eq!(two.in_flight(), [0, 1]);
    drop((wait, full));
    assert_eq!(two.gates.snapshot().refused(Reason::QueueTimeout), 1);
    drop(two.admitted(NORMAL));
}

#[tokio::test(start_paused = true)]
async fn who_is_refused_after_a_wait_gives_all_back_and_the_next_goes_on() {
    let quota = RateLimit::new(Quota::per_hour(1).burst(2));
    let two = with_rate(&fixed(1), Some(quota));
    let full = two.place(1);
    let mut wait = two.waiting(NORMAL);
    let mut next = two.waiting(NORMAL.needs(two.numbers[1]));
    two.breaker(0).force_open();
    drop(full);
    let rejection = assert_ready!(wait.poll()).expect_err("the first has shut meanwhile");
    assert_eq!(rejection.reason(), Reason::CircuitOpen);
    assert!(next.is_woken());
    let held = assert_ready!(next.poll()).expect("the second is well");
    assert_eq!(two.in_flight(), [0, 1]);
    drop(held);
    two.breaker(0).force_closed();
    drop(two.admitted(NORMAL));
}

#[tokio::test(start_paused = true)]
async fn a_dear_route_leaves_room_for_the_cheap() {
    let two = two(&fixed(10));
    let (cheap, dear) = (route("unit: cheap"), route("unit: dear"));
    two.acquaint(cheap, 300, Some(0.001));
    two.acquaint(dear, 60, Some(0.100));
    let entered = |class: Class, of: usize| -> Vec<_> {
        (0..of).map_while(|_| admitted(two.enter(class))).collect()
    };
    let held = entered(dear, 10);
    // About 20 usual requests: four doublings, each of which leaves a tenth.
    assert_eq!(held.len(), 6);
    assert_eq!(entered(cheap, 10).len(), 4);
    drop(held);
    let own = entered(dear.cost(0.5), 20);
    assert_eq!(own.len(), 10, "a cost of one's own counts more than what was learned");
}

fn admitted(entry: Entry<GatesPermit, GatesWait>) -> Option<GatesPermit> {
    if let Entry::Admitted(permit) = entry { Some(permit) } else { None }
}

#[tokio::test(start_paused = true)]
async fn places_in_the_stead_of_what_hangs_are_within_max() {
    let two = two(&fixed(10).max(12));
    let routes = [route("unit: hangs"), route("unit: waits")];
    routes.into_iter().for_each(|class| two.acquaint(class, 1, None));
    let mut meter = Meter::new(Slow::default(), clock::stamp());
    for _ in 0..10 {
        meter.start(&meter.call(0, clock::stamp()));
    }
    advance(2 * SECOND).await;
    let concurrency = &two.gates.guards()[0].concurrency;
    let mut limits = Vec::new();
    for _ in 0..4 {
        advance(100 * MS).await;
        two.gates.hear(&meter.take(clock::stamp(), Duration::ZERO), 0);
        limits.push(concurrency.limit());
    }
    assert_eq!(limits, [11, 12, 12, 12]);
    concurrency.reload(fixed(10).max(11)).expect("it is valid");
    assert_eq!(concurrency.limit(), 11);
}

#[tokio::test(start_paused = true)]
async fn who_waits_for_one_database_holds_nothing_of_another() {
    for full in [0, 1] {
        let two = two(&fixed(2));
        let taken = [two.place(full), two.place(full)];
        let waits: Vec<_> = (0..10).map(|_| two.waiting(NORMAL)).collect();
        let other = two.numbers[1 - full];
        drop([two.admitted(NORMAL.needs(other)), two.admitted(NORMAL.needs(other))]);
        drop((taken, waits));
        drop(two.admitted(NORMAL));
    }
}

mod circuits;
mod comeback;
mod panics;
mod strain;
