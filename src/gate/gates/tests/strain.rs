//! What the level hears of a database.

use super::*;
use crate::control::level::Strain;

const SHEDDABLE: Class = Class::new(Priority::Sheddable);
const BULK: Class = Class::new(Priority::Bulk);

impl Two {
    fn strain(&self, index: usize) -> Strain {
        let signal =
            Meter::new(Slow::default(), clock::stamp()).take(clock::stamp(), Duration::ZERO);
        self.gates.guards()[index].hear(&signal, &self.gates.0.learned, index, false)
    }

    fn refusals(&self) -> [u64; 2] {
        [0, 1].map(|index| self.strain(index).refused)
    }
}

#[tokio::test(start_paused = true)]
async fn each_database_hears_of_those_who_were_refused_at_it() {
    let two = two(&fixed(1).queue(0));
    let _full = two.place(1);
    assert_eq!(two.refused(NORMAL), Reason::QueueFull);
    assert_eq!(two.refusals(), [0, 1]);
    assert_eq!(two.refusals(), [0, 0], "since the last time");
    two.breaker(0).force_open();
    assert_eq!(two.refused(NORMAL), Reason::CircuitOpen);
    assert_eq!(two.refusals(), [1, 0]);
}

#[tokio::test(start_paused = true)]
async fn what_may_be_put_off_and_what_is_late_by_itself_says_nothing_of_the_load() {
    let two = two(&fixed(1).queue(0));
    let _full = two.place(1);
    let reasons = [SHEDDABLE, BULK].map(|class| two.refused(class));
    assert_eq!(reasons, [Reason::QueueFull; 2]);
    assert_eq!(two.refused(NORMAL.deadline(clock::now())), Reason::Deadline);
    assert_eq!(two.refusals(), [0, 0]);
    two.refused(Class::new(Priority::Critical));
    assert_eq!(two.refusals(), [0, 1]);
}

#[tokio::test(start_paused = true)]
async fn who_waits_in_vain_was_refused_where_the_wait_was() {
    let two = two(&fixed(1).max_wait(100 * MS));
    let _full = two.place(1);
    let mut wait = two.waiting(NORMAL);
    let mut short = two.waiting(NORMAL.deadline(clock::now() + 30 * MS));
    assert_eq!(two.strain(1).wanted, 3.0);
    advance(101 * MS).await;
    assert!(assert_ready!(wait.poll()).is_err() && assert_ready!(short.poll()).is_err());
    assert_eq!(two.refusals(), [0, 2]);
}

#[tokio::test(start_paused = true)]
async fn a_circuit_that_opens_while_one_waits_refuses_at_its_own_database() {
    let two = two(&fixed(1));
    let full = two.place(1);
    let mut wait = two.waiting(NORMAL);
    two.breaker(0).force_open();
    drop(full);
    assert!(assert_ready!(wait.poll()).is_err());
    assert_eq!(two.refusals(), [1, 0]);
}

#[tokio::test(start_paused = true)]
async fn who_is_refused_at_the_checkout_counts_as_at_the_edge() {
    let two = two(&fixed(1).max_wait(100 * MS).queue(1));
    let _full = two.place(1);
    let (waiting, beyond) =
        tokio::join!(two.gates.check_out(1, &NORMAL), two.gates.check_out(1, &NORMAL));
    let reasons = [waiting, beyond].map(|entered| entered.expect_err("it is full").reason());
    assert_eq!(reasons, [Reason::QueueTimeout, Reason::QueueFull]);
    assert_eq!(two.refusals(), [0, 2]);
}

#[tokio::test(start_paused = true)]
async fn the_bulk_is_not_wanted_in_flight_or_waiting_and_what_it_has_is_given_back() {
    let two = two(&fixed(4));
    let figures = |index| {
        let strain = two.strain(index);
        (strain.wanted, strain.admitted)
    };
    let bulk: Vec<_> = (0..3).map(|_| two.admitted(BULK)).collect();
    let checked_out = two.gates.check_out(1, &NORMAL).await;
    let mut waits = [two.waiting(BULK), two.waiting(BULK)];
    assert_eq!([0, 1].map(figures), [(0.0, 0), (1.0, 1)]);
    let page = two.admitted(NORMAL.needs(two.numbers[0]));
    assert_eq!([0, 1].map(figures), [(1.0, 1), (1.0, 0)]);
    drop(bulk);
    let bulk = waits.each_mut().map(|wait| assert_ready!(wait.poll()).expect("there is room"));
    assert_eq!([0, 1].map(figures), [(1.0, 0), (1.0, 0)]);
    drop((page, checked_out));
    assert_eq!([0, 1].map(figures), [(0.0, 0), (0.0, 0)]);
    drop(bulk);
    let all = [two.admitted(NORMAL), two.admitted(NORMAL)];
    assert_eq!([0, 1].map(figures), [(2.0, 2), (2.0, 2)], "no bulk is left to be taken off");
    drop(all);
}

#[tokio::test(start_paused = true)]
async fn bulk_that_still_waits_elsewhere_takes_nothing_off_those_who_were_admitted() {
    let two = two(&fixed(2));
    let admitted = || [0, 1].map(|index| two.strain(index).admitted);
    let [mut first, mut second] = [0, 1].map(|index| vec![two.place(index), two.place(index)]);
    let mut wait = two.waiting(BULK);
    first.clear();
    assert_pending!(wait.poll());
    let page = two.admitted(NORMAL.needs(two.numbers[0]));
    assert_eq!(admitted(), [1, 0]);
    second.clear();
    let bulk = assert_ready!(wait.poll()).expect("there is room");
    assert_eq!(admitted(), [0, 0]);
    drop((page, bulk));
}
