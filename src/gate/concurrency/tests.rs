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
    control::limit::{Fixed, Limit, Usage},
    gate::{Entry, Gate},
    rejection::Reason,
    signal::{OnSignal, Signal},
};

const MS: Duration = Duration::from_millis(1);
const NORMAL: Class = class(Priority::Normal);
const CRITICAL: Class = class(Priority::Critical);
const BULK: Class = class(Priority::Bulk);

const fn class(priority: Priority) -> Class {
    Class { priority, key: None, deadline: None, exempt: false }
}

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
    advance(99 * MS).await;
    assert_pending!(wait.poll());
    advance(2 * MS).await;
    assert_eq!(assert_ready!(wait.poll()).unwrap_err().reason(), Reason::QueueTimeout);
    assert_eq!(gate.waiting(), 0);
}

#[tokio::test(start_paused = true)]
async fn a_deadline_ends_the_wait_sooner_and_a_past_one_at_once() {
    let gate = gate(1, 9);
    let _permit = admitted(&gate, NORMAL);
    let mut wait = waiting(&gate, NORMAL.deadline(clock::now() + 10 * MS));
    advance(11 * MS).await;
    assert_eq!(assert_ready!(wait.poll()).unwrap_err().reason(), Reason::Deadline);
    assert_eq!(refused(&gate, NORMAL.deadline(clock::now())), Reason::Deadline);
}

#[tokio::test(start_paused = true)]
async fn a_permit_granted_at_the_last_moment_is_taken() {
    let gate = gate(1, 9);
    let permit = admitted(&gate, NORMAL);
    let mut wait = waiting(&gate, NORMAL);
    advance(150 * MS).await;
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

/// A limit that the test sets.
#[derive(Debug)]
struct Set(Arc<AtomicUsize>);

impl Limit for Set {
    fn limit(&self) -> f64 {
        self.0.load(Ordering::Relaxed) as f64
    }

    fn update(&mut self, _signal: &Signal, _usage: &Usage) {}
}

fn signal() -> Signal {
    crate::control::meter::Meter::new(MS, clock::now()).take(clock::now(), Duration::ZERO)
}

#[tokio::test(start_paused = true)]
async fn the_limit_may_fall_below_what_is_in_flight_and_rise_again() {
    let limit = Arc::new(AtomicUsize::new(3));
    let settings = ConcurrencyLimit::new().algorithm(Set(limit.clone()));
    let gate = settings.gate().expect("it is valid");
    let listener = gate.listener();
    let permits: Vec<_> = (0..3).map(|_| admitted(&gate, NORMAL)).collect();
    let mut wait = waiting(&gate, NORMAL);

    limit.store(1, Ordering::Relaxed);
    let _ = listener.on_signal(&signal());
    assert_eq!((gate.limit(), gate.in_flight()), (1, 3));
    let mut permits = permits.into_iter();
    drop((permits.next(), permits.next()));
    assert_pending!(wait.poll());
    assert_eq!(gate.in_flight(), 1);

    limit.store(2, Ordering::Relaxed);
    let _ = listener.on_signal(&signal());
    assert!(assert_ready!(wait.poll()).is_ok(), "a risen limit admits who waits");
}

#[tokio::test(start_paused = true)]
async fn bounds_hold_whatever_the_algorithm_says() {
    let limit = Arc::new(AtomicUsize::new(1_000_000));
    let settings = ConcurrencyLimit::new().algorithm(Set(limit.clone())).min(3).max(7);
    let gate = settings.gate().expect("it is valid");
    assert_eq!(gate.limit(), 7);
    limit.store(0, Ordering::Relaxed);
    let _ = gate.listener().on_signal(&signal());
    assert_eq!(gate.limit(), 3);
}

#[tokio::test(start_paused = true)]
async fn a_listener_keeps_no_gate_alive() {
    let gate = gate(1, 0);
    let listener = gate.listener();
    assert!(listener.on_signal(&signal()).is_continue());
    drop(gate);
    assert!(listener.on_signal(&signal()).is_break());
}

#[test]
fn contradicting_settings_are_found_when_built() {
    let error = |settings: ConcurrencyLimit| settings.gate().unwrap_err().to_string();
    assert_eq!(
        error(ConcurrencyLimit::new().min(9).max(3)),
        "`min` is 9, but must be at most `max`, which is 3"
    );
    assert_eq!(
        error(ConcurrencyLimit::new().headroom(1.5)),
        "`headroom` is 1.5, but must be from 0 to 1"
    );
    assert!(error(ConcurrencyLimit::new().min(0)).starts_with("`min` is 0"));
    assert!(error(ConcurrencyLimit::new().max_wait(61_000 * MS)).contains("from 0ns to 60s"));
}
