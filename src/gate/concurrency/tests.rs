//! Promises of the gate, on paused time.

use std::{
    sync::{
        Arc,
        atomic::{AtomicUsize, Ordering},
    },
    time::Duration,
};

use tokio::time::advance;
use tokio_test::{assert_pending, assert_ready, task};

use super::*;
use crate::{
    class::{Class, Priority},
    clock,
    control::{
        limit::{Fixed, Insight, Limit, Usage},
        meter::{Meter, Slow},
    },
    gate::{Entry, Gate},
    rejection::Reason,
    signal::{OnSignal, Signal},
};

const MS: Duration = Duration::from_millis(1);
/// Longer than anybody waits.
const LONG: Duration = Duration::from_millis(1000);
const NORMAL: Class = Class::new(Priority::Normal);
const CRITICAL: Class = Class::new(Priority::Critical);
const BULK: Class = Class::new(Priority::Bulk);

fn gate(limit: usize, queue: usize) -> ConcurrencyGate {
    let settings = ConcurrencyLimit::new().algorithm(Fixed::new(limit)).queue(queue);
    settings.gate().expect("it is valid")
}

fn admitted(gate: &ConcurrencyGate, class: Class) -> Permit {
    match gate.enter(&class, clock::now()) {
        Entry::Admitted(permit) => permit,
        other => panic!("not admitted but {other:?}"),
    }
}

fn waiting(gate: &ConcurrencyGate, class: Class) -> task::Spawn<Wait> {
    match gate.enter(&class, clock::now()) {
        Entry::Waiting(wait) => {
            let mut wait = task::spawn(wait);
            assert_pending!(wait.poll());
            wait
        }
        other => panic!("not waiting but {other:?}"),
    }
}

fn refused(gate: &ConcurrencyGate, class: Class) -> Reason {
    match gate.enter(&class, clock::now()) {
        Entry::Refused(rejection) => rejection.reason(),
        other => panic!("not refused but {other:?}"),
    }
}

#[tokio::test(start_paused = true)]
async fn over_the_limit_requests_wait_and_over_the_queue_they_are_refused() {
    let gate = gate(2, 1);
    let (_one, _two) = (admitted(&gate, NORMAL), admitted(&gate, NORMAL));
    let _three = waiting(&gate, NORMAL);
    assert_eq!(refused(&gate, NORMAL), Reason::QueueFull);
    assert_eq!((gate.in_flight(), gate.waiting()), (2, 1));
}

#[tokio::test(start_paused = true)]
async fn a_freed_place_goes_to_the_most_important_that_waits() {
    let gate = gate(1, 9);
    let permit = admitted(&gate, NORMAL);
    let (mut bulk, mut critical) = (waiting(&gate, BULK), waiting(&gate, CRITICAL));
    drop(permit);
    assert!(critical.is_woken() && !bulk.is_woken());
    let permit = assert_ready!(critical.poll()).expect("it was its turn");
    assert_pending!(bulk.poll());
    drop(permit);
    assert!(assert_ready!(bulk.poll()).is_ok());
    assert_eq!((gate.in_flight(), gate.waiting()), (0, 0));
}

#[tokio::test(start_paused = true)]
async fn a_full_queue_gives_the_place_of_the_least_important() {
    let gate = gate(1, 1);
    let _permit = admitted(&gate, NORMAL);
    let mut bulk = waiting(&gate, BULK);
    let _critical = waiting(&gate, CRITICAL);
    assert_eq!(assert_ready!(bulk.poll()).unwrap_err().reason(), Reason::Evicted);
    assert_eq!(gate.waiting(), 1);
}

#[tokio::test(start_paused = true)]
async fn nobody_waits_longer_than_the_longest_wait() {
    let gate = gate(1, 9);
    let _permit = admitted(&gate, NORMAL);
    let mut wait = waiting(&gate, NORMAL);
    advance(399 * MS).await;
    assert_pending!(wait.poll());
    advance(2 * MS).await;
    assert_eq!(assert_ready!(wait.poll()).unwrap_err().reason(), Reason::QueueTimeout);
    assert_eq!(gate.waiting(), 0);
}

#[tokio::test(start_paused = true)]
async fn a_third_of_the_time_to_a_deadline_may_be_waited() {
    let gate = gate(1, 9);
    let _permit = admitted(&gate, NORMAL);
    let mut wait = waiting(&gate, NORMAL.deadline(clock::now() + 30 * MS));
    advance(9 * MS).await;
    assert_pending!(wait.poll());
    advance(2 * MS).await;
    assert_eq!(assert_ready!(wait.poll()).unwrap_err().reason(), Reason::Deadline);
}

#[tokio::test(start_paused = true)]
async fn what_is_too_late_is_refused_even_if_there_is_room() {
    let gate = gate(1, 9);
    assert_eq!(refused(&gate, NORMAL.deadline(clock::now())), Reason::Deadline);
    let _permit = admitted(&gate, NORMAL.deadline(clock::now() + MS));
}

#[tokio::test(start_paused = true)]
async fn the_dear_leave_room_that_the_cheap_use() {
    let settings = ConcurrencyLimit::new().algorithm(Fixed::new(4)).headroom(0.25);
    let gate = settings.gate().expect("it is valid");
    let dear = CRITICAL.cost(4.0);
    let permits = [admitted(&gate, dear), admitted(&gate, dear)];
    let mut wait = waiting(&gate, dear);
    let _cheap = [admitted(&gate, NORMAL), admitted(&gate, NORMAL)];
    assert_eq!(gate.in_flight(), 4);
    drop(permits);
    assert!(assert_ready!(wait.poll()).is_ok());
}

#[tokio::test(start_paused = true)]
async fn a_permit_granted_at_the_last_moment_is_taken() {
    let gate = gate(1, 9);
    let permit = admitted(&gate, NORMAL);
    let mut wait = waiting(&gate, NORMAL);
    advance(260 * MS).await;
    drop(permit);
    assert!(assert_ready!(wait.poll()).is_ok());
}

#[tokio::test(start_paused = true)]
async fn who_leaves_the_queue_frees_the_place_at_once() {
    let gate = gate(1, 1);
    let permit = admitted(&gate, NORMAL);
    drop(waiting(&gate, NORMAL));
    assert_eq!(gate.waiting(), 0);
    let mut next = waiting(&gate, NORMAL);
    drop(permit);
    assert!(assert_ready!(next.poll()).is_ok());
}

#[tokio::test(start_paused = true)]
async fn who_leaves_after_the_grant_hands_it_on() {
    let gate = gate(1, 9);
    let permit = admitted(&gate, NORMAL);
    let (first, mut second) = (waiting(&gate, NORMAL), waiting(&gate, NORMAL));
    drop(permit);
    assert!(first.is_woken());
    drop(first);
    assert!(assert_ready!(second.poll()).is_ok());
    assert_eq!(gate.in_flight(), 0);
}

#[tokio::test(start_paused = true)]
async fn an_exempt_request_is_neither_limited_nor_counted() {
    let gate = gate(1, 0);
    let _permit = admitted(&gate, NORMAL);
    let _exempt = admitted(&gate, Class::exempt());
    assert_eq!(gate.in_flight(), 1);
}

#[tokio::test(start_paused = true)]
async fn a_newcomer_never_overtakes_an_equal() {
    let gate = gate(1, 9);
    let permit = admitted(&gate, NORMAL);
    let mut first = waiting(&gate, NORMAL);
    drop(permit);
    // The place is granted though not yet taken.
    let _second = waiting(&gate, NORMAL);
    assert!(assert_ready!(first.poll()).is_ok());
}

mod model_tests;
mod moving;
