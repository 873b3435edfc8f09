//! A fleet whose store does not answer, on paused time.

#![cfg(feature = "http")]

mod support;

use std::{
    sync::{Arc, Mutex},
    time::Duration,
};

use brownout::{
    Admission, Circuit, Class, ConcurrencyLimit, Database, Entry, Event, Fleet, Gate, Gates,
    Outage, Priority, Quota, RateGate, RateLimit, Reason, limit::Fixed,
};
use proptest::prelude::*;
use support::{
    MS, SECOND,
    fleet::{Buckets, Mood},
    on_paused_time,
};
use tokio::time::{Instant, advance, sleep};
use tokio_test::{assert_pending, assert_ready, task};

const BOUND: Duration = Duration::from_millis(5);
const NORMAL: Class = Class::new(Priority::Normal);

fn fleet(buckets: &Buckets) -> Fleet {
    Fleet::new("quotas", buckets.clone())
}

fn limit(quota: Quota, fleet: &Fleet) -> RateLimit {
    RateLimit::new(quota).shared(fleet)
}

fn gate(limit: RateLimit) -> RateGate {
    limit.gate().expect("it is valid")
}

/// What comes of a request, and how long it took.
async fn ask(gate: &RateGate) -> (Result<(), Reason>, Duration) {
    let start = Instant::now();
    let result = gate.acquire(&NORMAL).await;
    (result.map(drop).map_err(|refused| refused.reason()), start.elapsed())
}

/// Of so many requests, how many pass; none may take longer than the bound.
async fn passing(gate: &RateGate, requests: u32) -> u32 {
    let mut passed = 0;
    for _ in 0..requests {
        let (result, time) = ask(gate).await;
        passed += u32::from(result.is_ok());
        assert!(time <= BOUND + MS, "{time:?}");
        tokio::task::yield_now().await;
    }
    passed
}

/// Sees what a gate tells but for refusals.
fn seen(limit: RateLimit) -> (RateGate, Arc<Mutex<Vec<Event>>>) {
    let events = Arc::<Mutex<Vec<Event>>>::default();
    let list = events.clone();
    let observer = move |event: &Event| {
        if !matches!(event, Event::Refused { .. }) {
            list.lock().expect("nobody panics").push(event.clone());
        }
    };
    (gate(limit.on_event(observer)), events)
}

fn all(events: &Arc<Mutex<Vec<Event>>>) -> Vec<String> {
    events.lock().expect("nobody panics").iter().map(ToString::to_string).collect()
}

#[tokio::test(start_paused = true)]
async fn a_store_that_does_not_answer_is_waited_for_no_longer_than_the_time_bound() {
    for bound in [BOUND, 40 * MS] {
        let buckets = Buckets::new();
        buckets.set(Mood::Hangs);
        let fleet = fleet(&buckets).time_bound(bound);
        let gate = gate(limit(Quota::per_hour(1), &fleet));
        let Entry::Waiting(wait) = gate.enter(&NORMAL, Instant::now().into_std()) else {
            panic!("it does not wait");
        };
        let mut wait = task::spawn(wait);
        assert_pending!(wait.poll());
        advance(bound - MS).await;
        assert_pending!(wait.poll());
        advance(2 * MS).await;
        assert_ready!(wait.poll()).expect("there is a cell here");
        assert_eq!(ask(&gate).await.0, Err(Reason::Quota), "it was one");
        assert_eq!((gate.snapshot().alone, gate.snapshot().asked), (2, 2));
    }
}

#[tokio::test(start_paused = true)]
async fn however_it_fails_no_request_is_lost() {
    std::panic::set_hook(Box::new(|_| {}));
    for mood in [Mood::Fails, Mood::Hangs, Mood::Panics, Mood::PanicsAtOnce, Mood::Cheats] {
        let buckets = Buckets::new();
        buckets.set(mood);
        for lease in [1, 5] {
            let gate = gate(limit(Quota::per_hour(20), &fleet(&buckets).lease(lease)));
            assert_eq!(passing(&gate, 50).await, 20, "{mood:?}");
            let snapshot = gate.snapshot();
            assert_eq!((snapshot.admitted, snapshot.refused, snapshot.alone), (20, 30, 50));
        }
    }
    let _ = std::panic::take_hook();
}

#[tokio::test(start_paused = true)]
async fn without_an_answer_each_process_has_its_share_of_the_quota() {
    let buckets = Buckets::new();
    buckets.state().members = 4;
    let fleet = fleet(&buckets);
    let gate = gate(limit(Quota::per_second(8).burst(9), &fleet).tell_all());
    assert_eq!(fleet.members(), 1);
    assert_eq!(passing(&gate, 1).await, 1);
    sleep(SECOND).await;
    assert_eq!(fleet.members(), 4);
    buckets.set(Mood::Fails);
    assert_eq!(passing(&gate, 10).await, 2, "a quarter of the burst");
    let refused = gate.acquire(&NORMAL).await.expect_err("it is used up");
    assert_eq!(refused.retry_after(), 500 * MS, "and a quarter of the rate");
    advance(500 * MS).await;
    assert_eq!(passing(&gate, 10).await, 1);
}

#[tokio::test(start_paused = true)]
async fn what_costs_more_than_the_share_of_a_burst_is_no_cheaper_without_an_answer() {
    let buckets = Buckets::new();
    buckets.state().members = 4;
    let eight = Quota::per_second(8);
    let by_cost = |fleet: &Fleet| limit(eight.burst(1), fleet).by_cost();
    let by_cells = |fleet: &Fleet| limit(eight, fleet);
    for (limit, cells) in
        [(&by_cost as &dyn Fn(&Fleet) -> RateLimit, 1), (&by_cells, 8), (&by_cells, 99)]
    {
        buckets.set(Mood::Well);
        let gate = gate(limit(&fleet(&buckets)));
        passing(&gate, 1).await;
        sleep(2 * SECOND).await;
        buckets.set(Mood::Fails);
        let mut spent = 0;
        for _ in 0..800 {
            let admitted = gate.acquire(&NORMAL.cells(cells)).await.is_ok();
            spent += if admitted { cells.min(8) } else { 0 };
            sleep(50 * MS).await;
        }
        assert!((72..=88).contains(&spent), "{spent} of 2 a second, {cells} at a time");
    }
}

#[tokio::test(start_paused = true)]
async fn a_fleet_without_an_answer_spends_what_was_left_and_no_burst_more() {
    let buckets = Buckets::new();
    buckets.state().members = 4;
    let processes = [0; 4].map(|_| gate(limit(Quota::per_hour(400), &fleet(&buckets))));
    // The last answer that each got says that some 240 of 400 are left.
    for _ in 0..40 {
        for process in &processes {
            assert_eq!(passing(process, 1).await, 1);
        }
    }
    buckets.set(Mood::Fails);
    let mut passed = 0;
    for process in &processes {
        passed += passing(process, 400).await;
    }
    assert!((235..=245).contains(&passed), "{passed}");
}

#[tokio::test(start_paused = true)]
async fn who_waited_as_told_is_served_without_an_answer_where_a_quota_was_another() {
    let buckets = Buckets::new();
    let fleet = fleet(&buckets);
    let gate = gate(limit(Quota::per_day(2), &fleet));
    assert_eq!(passing(&gate, 2).await, 2);
    buckets.set(Mood::Fails);
    gate.reload(limit(Quota::per_second(10).burst(1), &fleet)).expect("it is valid");
    let told = gate.acquire(&NORMAL).await.expect_err("that was the burst").retry_after();
    assert_eq!(told, 100 * MS);
    advance(told).await;
    assert_eq!(passing(&gate, 2).await, 1);
}

#[tokio::test(start_paused = true)]
async fn without_an_answer_all_pass_or_none_where_that_is_wanted() {
    let buckets = Buckets::new();
    buckets.set(Mood::Fails);
    let quota = Quota::per_hour(1);
    let open = gate(limit(quota, &fleet(&buckets).on_outage(Outage::Admit)));
    assert_eq!(passing(&open, 50).await, 50);
    let shut = gate(limit(quota, &fleet(&buckets).on_outage(Outage::Refuse)));
    assert_eq!(passing(&shut, 50).await, 0);
    let refused = shut.acquire(&NORMAL).await.expect_err("none is to pass");
    assert_eq!((refused.reason(), refused.retry_after()), (Reason::Fleet, SECOND));
    assert!(refused.standing().is_none(), "nobody knows it");
    let reported = limit(quota, &fleet(&buckets).on_outage(Outage::Refuse)).report_only();
    assert_eq!(passing(&gate(reported), 50).await, 50);
}

#[tokio::test(start_paused = true)]
async fn a_dead_store_is_not_asked_for_each_request_and_comes_back_by_itself() {
    let buckets = Buckets::new();
    buckets.state().members = 2;
    let fleet = fleet(&buckets);
    let (gate, events) = seen(limit(Quota::per_second(1_000), &fleet));
    assert_eq!(passing(&gate, 10).await, 10);
    sleep(SECOND).await;
    buckets.set(Mood::Hangs);
    let before = buckets.trips();
    for _ in 0..300 {
        passing(&gate, 1).await;
        sleep(5 * MS).await;
    }
    assert_eq!(fleet.breaker().circuit(), Circuit::Open);
    let Entry::Admitted(_) = gate.enter(&NORMAL, Instant::now().into_std()) else {
        panic!("it waits for nobody");
    };
    for _ in 0..1_000 {
        passing(&gate, 1).await;
        sleep(10 * MS).await;
    }
    let asked = buckets.trips() - before;
    assert!(asked < 150, "{asked} of 1301");
    assert_eq!(
        all(&events),
        ["quotas does not answer one of 2 that share a quota: no answer in time"]
    );
    buckets.set(Mood::Well);
    for _ in 0..800 {
        passing(&gate, 1).await;
        sleep(10 * MS).await;
    }
    assert_eq!(fleet.breaker().circuit(), Circuit::Closed);
    let events = all(&events);
    assert_eq!(events.len(), 2, "{events:?}");
    assert!(events[1].starts_with("quotas answers again, after 1"), "{events:?}");
    let (before, alone) = (buckets.trips(), gate.snapshot().alone);
    assert_eq!(passing(&gate, 10).await, 10);
    assert_eq!((buckets.trips() - before, gate.snapshot().alone), (10, alone));
    assert!(fleet.database().snapshot().finished > 0);
}

#[tokio::test(start_paused = true)]
async fn a_store_that_fails_now_and_then_is_told_of_once() {
    let buckets = Buckets::new();
    let (gate, events) = seen(limit(Quota::per_second(1_000), &fleet(&buckets)));
    for _ in 0..50 {
        for mood in [Mood::Well, Mood::Fails, Mood::Well, Mood::Well, Mood::Well] {
            buckets.set(mood);
            passing(&gate, 1).await;
            sleep(100 * MS).await;
        }
    }
    assert_eq!(all(&events).len(), 1);
    sleep(SECOND).await;
    passing(&gate, 1).await;
    assert_eq!(all(&events).len(), 2);
}

#[tokio::test(start_paused = true)]
async fn the_circuit_of_the_store_is_seen_by_who_watches_the_fleet() {
    let buckets = Buckets::new();
    buckets.set(Mood::Fails);
    let opened = Arc::new(Mutex::new(Vec::new()));
    let list = opened.clone();
    let fleet = fleet(&buckets).on_event(move |event: &Event| {
        if let Event::Circuit { of, to, .. } = event {
            list.lock().expect("nobody panics").push((of.to_string(), *to));
        }
    });
    let gate = gate(limit(Quota::per_second(1_000), &fleet));
    for _ in 0..50 {
        passing(&gate, 1).await;
        sleep(10 * MS).await;
    }
    let opened = opened.lock().expect("nobody panics").clone();
    assert_eq!(opened.last(), Some(&("quotas".to_string(), Circuit::Open)));
}

#[tokio::test(start_paused = true)]
async fn what_is_held_and_what_is_known_hold_without_an_answer() {
    let buckets = Buckets::new();
    let gate = gate(limit(Quota::per_hour(8), &fleet(&buckets).lease(8)));
    assert_eq!(passing(&gate, 4).await, 4);
    buckets.set(Mood::Fails);
    assert_eq!(passing(&gate, 3).await, 3, "one, two and four were asked for");
    assert_eq!(gate.snapshot().alone, 0);
    buckets.set(Mood::Well);
    assert_eq!(passing(&gate, 2).await, 1);
    buckets.set(Mood::Fails);
    assert_eq!(passing(&gate, 9).await, 0);
    assert_eq!(gate.snapshot().alone, 0);
}

#[tokio::test(start_paused = true)]
async fn members_are_asked_for_every_two_seconds_at_most_and_only_while_requests_come() {
    let buckets = Buckets::new();
    let fleet = fleet(&buckets);
    let two = [1, 2].map(|_| gate(limit(Quota::per_second(1_000), &fleet)));
    assert_eq!(buckets.state().roll_calls, 0);
    for _ in 0..100 {
        for gate in &two {
            passing(gate, 1).await;
        }
        sleep(100 * MS).await;
    }
    assert_eq!(buckets.state().roll_calls, 5);
    sleep(3_600 * SECOND).await;
    assert_eq!(buckets.state().roll_calls, 5);
    for mood in [Mood::Hangs, Mood::Panics, Mood::Fails] {
        buckets.set(mood);
        fleet.breaker().force_closed();
        passing(&two[0], 1).await;
        sleep(10 * SECOND).await;
    }
    buckets.set(Mood::Well);
    buckets.state().members = 3;
    passing(&two[0], 1).await;
    sleep(MS).await;
    assert_eq!((buckets.state().roll_calls, fleet.members()), (9, 3));
}

#[tokio::test(start_paused = true)]
async fn a_store_that_counts_anew_after_an_outage_is_believed_when_it_tells_twice() {
    let buckets = Buckets::new();
    let fleet = fleet(&buckets);
    let gate = gate(limit(Quota::per_second(1_000), &fleet));
    for (told, believed) in [(4, 4), (1, 4), (4, 4), (1, 4), (1, 1), (2, 2)] {
        buckets.state().members = told;
        passing(&gate, 1).await;
        sleep(2 * SECOND).await;
        assert_eq!(fleet.members(), believed);
    }
}

#[tokio::test(start_paused = true)]
async fn limits_with_other_quotas_cannot_have_the_same_fleet() {
    let buckets = Buckets::new();
    let fleet = fleet(&buckets);
    let [slow, quick] = [Quota::per_hour(1), Quota::per_second(1)].map(|own| limit(own, &fleet));
    let (one, same) = (gate(slow.clone()), gate(slow.clone()));
    let error = || quick.clone().gate().expect_err("they would have the same buckets").to_string();
    assert!(error().contains("each limit needs a fleet with buckets of its own"), "{}", error());
    drop(one);
    assert!(error().contains("a fleet with buckets of its own"));
    same.reload(quick.clone()).expect("it is the same limit");
    drop(gate(quick.clone()));
    slow.clone().gate().expect_err("it was changed");
    drop(same);
    drop(gate(slow));
}

/// Gates of one database with one place, behind a quota that a fleet shares.
fn gates(buckets: &Buckets, cells: u32) -> (Gates, Fleet) {
    let fleet = fleet(buckets);
    let one = ConcurrencyLimit::new().algorithm(Fixed::new(1)).queue(1);
    let admission = Admission::builder()
        .protect(&Database::new("shop"))
        .rate(limit(Quota::per_hour(cells), &fleet))
        .concurrency(one)
        .build()
        .expect("it is valid");
    (admission.layer().gate().clone(), fleet)
}

#[tokio::test(start_paused = true)]
async fn a_request_waits_for_the_quota_first_and_then_for_the_limit() {
    let buckets = Buckets::new();
    buckets.state().delay = 2 * MS;
    let (gates, _fleet) = gates(&buckets, 10);
    let first = gates.acquire(&NORMAL).await.expect("there is room");
    let mut second = task::spawn(gates.acquire(&NORMAL));
    assert_pending!(second.poll());
    assert_eq!(gates.snapshot().waiting, 0, "it waits for the quota");
    for _ in 0..2 {
        advance(MS).await;
        assert_pending!(second.poll());
    }
    assert_eq!(gates.snapshot().waiting, 1);
    drop(first);
    assert!(second.is_woken());
    let held = assert_ready!(second.poll()).expect("there is room");
    assert_eq!((gates.snapshot().in_flight, gates.snapshot().admitted), (1, 2));
    drop(held);
}

#[tokio::test(start_paused = true)]
async fn cells_of_a_request_that_something_else_refuses_are_held_for_the_next() {
    let buckets = Buckets::new();
    let (gates, _fleet) = gates(&buckets, 2);
    let held = gates.acquire(&NORMAL).await.expect("there is room");
    gates.breaker().force_open();
    for _ in 0..20 {
        let refused = gates.acquire(&NORMAL).await.expect_err("it is shut");
        assert_eq!(refused.reason(), Reason::CircuitOpen);
        tokio::task::yield_now().await;
    }
    assert_eq!(buckets.trips(), 2, "nobody was asked for what is here");
    gates.breaker().force_closed();
    drop(held);
    drop(gates.acquire(&NORMAL).await.expect("there is a cell"));
    let refused = gates.acquire(&NORMAL).await.expect_err("there is none any more");
    assert_eq!(refused.reason(), Reason::Quota);
    assert_eq!(gates.snapshot().refused(Reason::Quota), 1);
}

#[tokio::test(start_paused = true)]
async fn cells_of_the_process_alone_are_handed_back_to_it() {
    let buckets = Buckets::new();
    buckets.state().members = 2;
    let (gates, _fleet) = gates(&buckets, 4);
    drop(gates.acquire(&NORMAL).await.expect("there is room"));
    sleep(3_600 * SECOND).await;
    buckets.set(Mood::Fails);
    gates.breaker().force_open();
    for _ in 0..10 {
        let refused = gates.acquire(&NORMAL).await.expect_err("it is shut");
        assert_eq!(refused.reason(), Reason::CircuitOpen);
    }
    gates.breaker().force_closed();
    for _ in 0..2 {
        drop(gates.acquire(&NORMAL).await.expect("half of them are here"));
    }
    assert!(gates.acquire(&NORMAL).await.is_err());
}

#[tokio::test(start_paused = true)]
async fn who_leaves_while_it_waits_for_the_quota_holds_nothing() {
    let buckets = Buckets::new();
    buckets.state().delay = 2 * MS;
    let (gates, _fleet) = gates(&buckets, 10);
    let mut wait = task::spawn(gates.acquire(&NORMAL));
    assert_pending!(wait.poll());
    drop(wait);
    let snapshot = gates.snapshot();
    assert_eq!((snapshot.in_flight, snapshot.waiting, snapshot.admitted), (0, 0, 0));
    drop(gates.acquire(&NORMAL).await.expect("there is room"));
}

#[tokio::test(start_paused = true)]
async fn a_circuit_that_opens_while_the_quota_is_asked_for_refuses() {
    let buckets = Buckets::new();
    buckets.state().delay = 2 * MS;
    let (gates, _fleet) = gates(&buckets, 10);
    let mut wait = task::spawn(gates.acquire(&NORMAL));
    assert_pending!(wait.poll());
    gates.breaker().force_open();
    advance(MS).await;
    assert_pending!(wait.poll());
    advance(MS).await;
    let refused = assert_ready!(wait.poll()).expect_err("it is shut");
    assert_eq!(refused.reason(), Reason::CircuitOpen);
}

#[tokio::test(start_paused = true)]
async fn settings_of_a_fleet_out_of_range_are_found_when_built() {
    let buckets = Buckets::new();
    let error = |fleet: Fleet| limit(Quota::per_second(1), &fleet).gate().unwrap_err().to_string();
    assert_eq!(error(fleet(&buckets).lease(0)), "`lease` is 0, but must be at least 1");
    let told = error(fleet(&buckets).time_bound(Duration::ZERO));
    assert_eq!(told, "`time_bound` is 0ns, but must be from 1ms to 10s");
    // Nobody has told this process a secret.
    let limit = RateLimit::new(Quota::per_second(1)).per_key().shared(fleet(&buckets));
    let told = limit.gate().unwrap_err().to_string();
    assert!(told.contains("after `Key::seed_with`: call it when the process starts"), "{told}");
}

/// Requests of some priority and price, a pause before each; what the store does meanwhile
/// and how long it takes; and whether the client leaves after some time.
#[derive(Clone, Copy, Debug)]
struct Arrival {
    pause: u64,
    cells: u32,
    priority: Priority,
    mood: Mood,
    delay: u32,
    leaves: Option<u32>,
}

fn arrival() -> impl Strategy<Value = Arrival> {
    let mood = prop_oneof![6 => Just(Mood::Well), 1 => Just(Mood::Fails), 1 => Just(Mood::Hangs)];
    let priority = prop::sample::select(vec![Priority::Bulk, Priority::Normal, Priority::Critical]);
    let leaves = prop::option::weighted(0.2, 0..6_u32);
    (0..30_u64, 1..4_u32, priority, mood, 0..8_u32, leaves).prop_map(
        |(pause, cells, priority, mood, delay, leaves)| Arrival {
            pause,
            cells,
            priority,
            mood,
            delay,
            leaves,
        },
    )
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(128))]

    #[test]
    fn every_request_is_decided_in_time_and_none_is_admitted_twice_over(
        arrivals in prop::collection::vec(arrival(), 1..200),
        lease in 1..20_u32,
    ) {
        on_paused_time(async {
            let buckets = Buckets::new();
            let fleet = fleet(&buckets).lease(lease).on_outage(Outage::Refuse);
            let gate = gate(limit(Quota::per_second(100).burst(10), &fleet));
            let mut requests = Vec::new();
            for arrival in arrivals {
                sleep(Duration::from_millis(arrival.pause)).await;
                {
                    let mut state = buckets.state();
                    (state.mood, state.delay) = (arrival.mood, arrival.delay * MS);
                }
                let gate = gate.clone();
                requests.push(tokio::spawn(async move {
                    let class = Class::new(arrival.priority).cells(arrival.cells);
                    let start = Instant::now();
                    let leaves = arrival.leaves.map_or(SECOND, |after| after * MS);
                    let result = tokio::time::timeout(leaves, gate.acquire(&class)).await;
                    let admitted = matches!(result, Ok(Ok(_)));
                    (start.elapsed(), if admitted { u64::from(arrival.cells) } else { 0 })
                }));
            }
            let mut spent = 0;
            for request in requests {
                let (time, cells) = request.await.expect("none panics");
                prop_assert!(time <= BOUND + 2 * MS, "{time:?}");
                spent += cells;
            }
            prop_assert!(spent <= buckets.state().given, "{spent} of {}", buckets.state().given);
            Ok(())
        })?;
    }
}

#[tokio::test(start_paused = true)]
async fn an_admission_remembers_that_the_store_was_lost_also_where_its_limit_has_an_observer() {
    let buckets = Buckets::new();
    let fleet = fleet(&buckets).time_bound(BOUND);
    let (own, of_all) = (Arc::<Mutex<Vec<Event>>>::default(), Arc::<Mutex<Vec<Event>>>::default());
    let note = |list: &Arc<Mutex<Vec<Event>>>| {
        let list = list.clone();
        move |event: &Event| list.lock().expect("nobody panics").push(event.clone())
    };
    let limit = limit(Quota::per_second(10), &fleet).on_event(note(&own));
    let admission = Admission::builder().rate(limit).on_event(note(&of_all)).build();
    let admission = admission.expect("it is valid");
    buckets.set(Mood::Fails);
    drop(admission.acquire(&NORMAL).await.expect("there is a cell here"));
    buckets.set(Mood::Well);
    advance(2 * SECOND).await;
    drop(admission.acquire(&NORMAL).await.expect("it is found"));
    let told: Vec<_> = admission.transitions().into_iter().map(|own| own.event).collect();
    let [Event::FleetLost { .. }, Event::FleetFound { .. }] = &told[..] else {
        panic!("{told:?}");
    };
    assert_eq!(*own.lock().expect("nobody panics"), told, "its own observer heard of it once");
    assert_eq!(*of_all.lock().expect("nobody panics"), [], "that is in the place of the other");
}
