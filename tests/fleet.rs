//! One quota for the processes of a fleet, on paused time.

#![cfg(feature = "http")]

mod support;

use std::{task::Poll, time::Duration};

use brownout::{
    Class, Entry, Finish, Fleet, Gate, Key, Outage, Plan, Quota, RateGate, RateLimit, RatePermit,
    RateWait, Reason, Rejection, Unkeyed,
};
use http::{StatusCode, header};
use support::{
    MS, SECOND,
    controlled::{behind, get, launch, page},
    fleet::{Buckets, Mood},
    on_paused_time,
};
use tokio::time::{Instant, advance};
use tokio_test::{assert_pending, assert_ready, task};

const NANOSECOND: Duration = Duration::from_nanos(1);

/// A process of a fleet over these buckets. Each test file is a process, so the seed is the
/// same for all of it.
fn fleet(buckets: &Buckets) -> Fleet {
    Key::seed_with("tests of the fleet").expect("no key was made before");
    Fleet::new("quotas", buckets.clone())
}

fn gate(limit: RateLimit) -> RateGate {
    limit.gate().expect("it is valid")
}

fn per_client(quota: Quota) -> RateLimit {
    RateLimit::new(quota).per_key()
}

fn client() -> Class {
    Class::default().key("client")
}

fn enter(gate: &RateGate, class: &Class) -> Entry<RatePermit, RateWait> {
    gate.enter(class, Instant::now().into_std())
}

/// One who has to wait for an answer.
fn waiting(gate: &RateGate, class: &Class) -> task::Spawn<RateWait> {
    let Entry::Waiting(wait) = enter(gate, class) else { panic!("it does not wait") };
    let mut wait = task::spawn(wait);
    assert_pending!(wait.poll());
    wait
}

async fn passes(gate: &RateGate, class: &Class) -> RatePermit {
    gate.acquire(class).await.expect("there are cells")
}

/// One who is refused without anybody being asked.
fn refused(gate: &RateGate, class: &Class) -> Rejection {
    let Entry::Refused(rejection) = enter(gate, class) else { panic!("it is not refused") };
    rejection
}

#[tokio::test(start_paused = true)]
async fn a_strict_fleet_admits_exactly_what_one_gate_alone_would() {
    for quota in [Quota::per_second(50), Quota::per_second(100).burst(3)] {
        let buckets = Buckets::new();
        let alone = gate(RateLimit::new(quota));
        let fleet: Vec<_> =
            (0..4).map(|_| gate(per_client(quota).shared(fleet(&buckets)))).collect();
        let (mut by_fleet, mut by_one) = (Vec::new(), Vec::new());
        for request in 0..5_000 {
            // Five times the quota and more, at one process after the other.
            let class = client();
            by_fleet.push(fleet[request % 4].acquire(&class).await.is_ok());
            by_one.push(alone.acquire(&Class::default()).await.is_ok());
            advance(2 * MS).await;
        }
        assert_eq!(by_fleet, by_one);
        let admitted = by_one.iter().filter(|admitted| **admitted).count() as u64;
        // Each process asks once for each cell that comes back.
        assert!(buckets.trips() <= 4 * admitted, "{} for {admitted}", buckets.trips());
    }
}

#[tokio::test(start_paused = true)]
async fn a_leased_fleet_admits_no_more_than_a_lease_per_process_beyond_the_quota() {
    const LEASE: u32 = 10;
    let buckets = Buckets::new();
    let quota = Quota::per_second(200).burst(20);
    let process = || gate(per_client(quota).shared(fleet(&buckets).lease(LEASE)));
    let fleet: Vec<_> = (0..4).map(|_| process()).collect();
    let (start, mut admitted) = (Instant::now(), Vec::new());
    for request in 0..10_000 {
        if fleet[request % 4].acquire(&client()).await.is_ok() {
            admitted.push(start.elapsed());
        }
        advance(MS).await;
    }
    for (first, from) in admitted.iter().enumerate() {
        for (more, to) in admitted[first..].iter().take(400).enumerate() {
            let span = (*to - *from).as_secs_f64();
            let allowed = 20.0 + 200.0 * span + f64::from(4 * LEASE);
            assert!((more + 1) as f64 <= allowed, "{} in {span}", more + 1);
        }
    }
    assert!(buckets.trips() <= 1_000, "{} for 10000 requests", buckets.trips());
    let share = admitted.len() as f64 / 2_020.0;
    assert!((0.98..=1.0).contains(&share), "{share}");
    assert!(admitted.len() as u64 <= buckets.state().given);
}

#[tokio::test(start_paused = true)]
async fn a_hot_key_that_is_within_its_quota_asks_once_for_a_lease() {
    let buckets = Buckets::new();
    let gate = gate(per_client(Quota::per_second(1_000)).shared(fleet(&buckets).lease(10)));
    for _ in 0..1_000 {
        passes(&gate, &client()).await;
        advance(2 * MS).await;
    }
    assert!(buckets.trips() <= 105, "{}", buckets.trips());
    assert_eq!(gate.snapshot().asked, buckets.trips());
    assert_eq!(gate.snapshot().admitted, 1_000);
}

#[tokio::test(start_paused = true)]
async fn a_refused_key_is_told_the_exact_wait_without_a_round_trip() {
    let buckets = Buckets::new();
    let gate = gate(per_client(Quota::per_second(10).burst(2)).shared(fleet(&buckets)));
    passes(&gate, &client()).await;
    passes(&gate, &client()).await;
    for left in [100 * MS, 60 * MS, NANOSECOND] {
        for _ in 0..100 {
            let rejection = refused(&gate, &client());
            assert_eq!(rejection.reason(), Reason::Quota);
            assert_eq!(rejection.retry_after(), left);
            assert_eq!(refused(&gate, &client().cells(2)).retry_after(), left + 100 * MS);
        }
        advance(if left > 60 * MS { 40 * MS } else { left.saturating_sub(NANOSECOND) }).await;
    }
    assert_eq!(buckets.trips(), 2);
    advance(NANOSECOND).await;
    passes(&gate, &client()).await;
    assert_eq!(buckets.trips(), 3);
}

#[tokio::test(start_paused = true)]
async fn of_several_quotas_it_is_told_the_wait_for_all_of_them() {
    let buckets = Buckets::new();
    let quotas = per_client(Quota::per_second(10).burst(1)).and(Quota::per_hour(1));
    let gate = gate(quotas.shared(fleet(&buckets)));
    passes(&gate, &client()).await;
    let rejection = refused(&gate, &client());
    assert_eq!(rejection.retry_after(), 3_600 * SECOND);
    let standing = rejection.standing().expect("a quota refused");
    assert_eq!(&*standing.policy().name, "hour");
    advance(rejection.retry_after()).await;
    passes(&gate, &client()).await;
    assert_eq!(buckets.trips(), 2);
}

#[tokio::test(start_paused = true)]
async fn what_another_process_has_spent_is_told_once_and_then_known() {
    let buckets = Buckets::new();
    let limit = |buckets| per_client(Quota::per_second(10).burst(2)).shared(fleet(buckets));
    let (one, other) = (gate(limit(&buckets)), gate(limit(&buckets)));
    passes(&one, &client()).await;
    passes(&one, &client()).await;
    let told = other.acquire(&client()).await.expect_err("the other has spent them");
    assert_eq!(told.retry_after(), 100 * MS);
    let standing = told.standing().expect("a quota refused");
    assert_eq!((standing.remaining(), standing.full_after()), (0, 200 * MS));
    advance(99 * MS).await;
    assert_eq!(refused(&other, &client()).retry_after(), MS);
    assert_eq!(buckets.trips(), 3);
    assert_eq!(other.snapshot().refused, 2);
}

#[tokio::test(start_paused = true)]
async fn many_at_once_of_one_key_share_what_is_on_its_way() {
    let buckets = Buckets::new();
    buckets.state().delay = 2 * MS;
    let gate = gate(per_client(Quota::per_second(1_000)).shared(fleet(&buckets).lease(20)));
    let waits: Vec<_> = (0..200).map(|_| waiting(&gate, &client())).collect();
    assert!(buckets.trips() <= 16, "{}", buckets.trips());
    advance(MS).await;
    // Those who ask see their answer; the others are woken by it.
    let mut waits = waits;
    waits.iter_mut().for_each(|wait| assert_pending!(wait.poll()));
    advance(MS).await;
    let mut trips = buckets.trips();
    for _ in 0..3 {
        // More than tokio lets one task do at once.
        tokio::task::yield_now().await;
        waits.retain_mut(|wait| match wait.poll() {
            Poll::Ready(result) => {
                result.expect("there are enough");
                false
            }
            Poll::Pending => true,
        });
    }
    assert!(waits.is_empty(), "{} wait", waits.len());
    trips = buckets.trips() - trips;
    assert_eq!(trips, 0, "nobody had to ask again");
}

#[tokio::test(start_paused = true)]
async fn who_asks_strictly_asks_for_itself() {
    let buckets = Buckets::new();
    buckets.state().delay = 2 * MS;
    let gate = gate(per_client(Quota::per_second(1_000)).shared(fleet(&buckets)));
    let waits: Vec<_> = (0..50).map(|_| waiting(&gate, &client())).collect();
    assert_eq!(buckets.trips(), 50);
    drop(waits);
    assert_eq!(buckets.state().given, 0);
}

#[tokio::test(start_paused = true)]
async fn costs_plans_and_several_quotas_hold_for_the_fleet() {
    let buckets = Buckets::new();
    let pro = Plan::named("fleet pro").expect("there are few");
    let limit = || {
        per_client(Quota::per_second(10).burst(4))
            .and(Quota::per_hour(6))
            .plan(pro, [Quota::per_second(10).burst(8)])
            .by_cost()
            .shared(fleet(&buckets))
    };
    let (one, other) = (gate(limit()), gate(limit()));
    passes(&one, &client().cost(2.5)).await;
    let told = other.acquire(&client().cells(2)).await.expect_err("one and a half are left");
    assert_eq!(told.retry_after(), 50 * MS);
    advance(SECOND).await;
    passes(&other, &client().cells(3)).await;
    let told = one.acquire(&client()).await.expect_err("half a cell is left of the hour");
    assert_eq!(told.standing().map(|own| own.policy().name.to_string()), Some("hour".into()));
    let on_plan = client().plan(Some(pro));
    passes(&one, &on_plan.cells(5)).await;
    passes(&other, &Class::default().key("another").cells(99)).await;
}

#[tokio::test(start_paused = true)]
async fn those_without_a_key_share_one_bucket_pass_or_are_refused_as_they_are_to() {
    for (unkeyed, reason) in [(Unkeyed::Share, Some(Reason::Quota)), (Unkeyed::Admit, None)] {
        let buckets = Buckets::new();
        let limit = || per_client(Quota::per_hour(1)).unkeyed(unkeyed).shared(fleet(&buckets));
        let (one, other) = (gate(limit()), gate(limit()));
        passes(&one, &Class::default()).await;
        let told = other.acquire(&Class::default()).await.err();
        assert_eq!(told.map(|told| told.reason()), reason, "{unkeyed:?}");
    }
    let buckets = Buckets::new();
    let limit = per_client(Quota::per_hour(1)).unkeyed(Unkeyed::Refuse).shared(fleet(&buckets));
    assert_eq!(refused(&gate(limit), &Class::default()).reason(), Reason::Unkeyed);
    assert_eq!(buckets.trips(), 0);
}

#[tokio::test(start_paused = true)]
async fn a_quota_for_all_needs_no_key_and_exempt_requests_ask_nobody() {
    let buckets = Buckets::new();
    let limit = || RateLimit::new(Quota::per_hour(1)).shared(fleet(&buckets));
    let (one, other) = (gate(limit()), gate(limit()));
    passes(&one, &client()).await;
    assert!(other.acquire(&Class::default()).await.is_err());
    for free in [Class::exempt(), Class::default().cells(0)] {
        assert!(matches!(enter(&other, &free), Entry::Admitted(_)));
    }
    assert_eq!(buckets.trips(), 2);
}

#[tokio::test(start_paused = true)]
async fn a_quota_that_is_only_reported_refuses_nobody_in_a_fleet_either() {
    let buckets = Buckets::new();
    let gate = gate(per_client(Quota::per_hour(1)).report_only().shared(fleet(&buckets)));
    for _ in 0..10 {
        passes(&gate, &client()).await;
    }
    let snapshot = gate.snapshot();
    assert_eq!((snapshot.admitted, snapshot.would_refuse, snapshot.refused), (1, 9, 0));
    assert_eq!((snapshot.asked, snapshot.alone), (1, 0));
}

#[tokio::test(start_paused = true)]
async fn who_is_admitted_is_told_what_the_fleet_and_its_own_process_have_left() {
    let buckets = Buckets::new();
    let limit = per_client(Quota::per_second(10)).tell_all().shared(fleet(&buckets).lease(4));
    let gate = gate(limit);
    let mut told = Vec::new();
    for _ in 0..5 {
        let permit = passes(&gate, &client()).await;
        let standing = permit.standing().expect("all are told");
        told.push((standing.remaining(), standing.full_after() / 100));
    }
    assert_eq!(told, (1..=5).map(|spent| (10 - spent, MS * spent)).collect::<Vec<_>>());
    assert_eq!(buckets.trips(), 3, "for one, two and four of them");
}

#[tokio::test(start_paused = true)]
async fn other_quotas_hold_at_once_and_keep_what_was_spent() {
    let buckets = Buckets::new();
    let fleet = fleet(&buckets);
    let gate = gate(per_client(Quota::per_hour(2)).shared(&fleet));
    passes(&gate, &client()).await;
    passes(&gate, &client()).await;
    assert_eq!(refused(&gate, &client()).retry_after(), 1_800 * SECOND);
    let quicker = per_client(Quota::per_second(10).burst(2)).shared(&fleet);
    gate.reload(quicker).expect("it is valid");
    let told = gate.acquire(&client()).await.expect_err("a burst is owed");
    assert_eq!(told.retry_after(), 100 * MS);
    assert_eq!(refused(&gate, &client()).retry_after(), 100 * MS);
    advance(100 * MS).await;
    passes(&gate, &client()).await;
    let error = gate.reload(per_client(Quota::per_second(1))).expect_err("nobody shares it");
    let text = "`shared` is false, but must be as it was when the gate was built";
    assert_eq!(error.to_string(), text);
}

#[tokio::test(start_paused = true)]
async fn hundredths_that_are_held_are_no_cells_where_costs_do_not_count_any_more() {
    let buckets = Buckets::new();
    let fleet = fleet(&buckets).lease(10);
    let gate = gate(per_client(Quota::per_hour(40)).by_cost().shared(&fleet));
    for _ in 0..4 {
        passes(&gate, &client()).await;
    }
    gate.reload(per_client(Quota::per_hour(40)).shared(&fleet)).expect("it is valid");
    let mut admitted = 4;
    for _ in 0..400 {
        admitted += u32::from(gate.acquire(&client()).await.is_ok());
    }
    assert_eq!(admitted, 40 - 3, "three that were held are lost");
}

#[tokio::test(start_paused = true)]
async fn who_is_waiting_while_quotas_change_is_decided_by_those_it_came_for() {
    let buckets = Buckets::new();
    buckets.state().delay = 2 * MS;
    let fleet = fleet(&buckets);
    let gate = gate(per_client(Quota::per_hour(2)).and(Quota::per_day(9)).shared(&fleet));
    let mut wait = waiting(&gate, &client());
    gate.reload(per_client(Quota::per_second(10)).shared(&fleet)).expect("it is valid");
    for _ in 0..2 {
        advance(MS).await;
        if let Poll::Ready(result) = wait.poll() {
            return drop(result.expect("there are cells"));
        }
    }
    panic!("it still waits");
}

#[tokio::test(start_paused = true)]
async fn who_leaves_while_it_asks_wakes_those_who_counted_on_it() {
    let buckets = Buckets::new();
    buckets.state().delay = 2 * MS;
    let gate = gate(per_client(Quota::per_second(100)).shared(fleet(&buckets).lease(10)));
    let first = waiting(&gate, &client());
    let asks = waiting(&gate, &client());
    let mut joins = waiting(&gate, &client());
    assert_eq!(buckets.trips(), 2);
    drop(asks);
    assert!(joins.is_woken());
    assert_pending!(joins.poll());
    assert_eq!(buckets.trips(), 3, "it asks for itself");
    drop((first, joins));
    assert_eq!(buckets.state().given, 0);
}

#[tokio::test(start_paused = true)]
async fn who_leaves_with_units_of_another_leaves_them_to_the_next() {
    let buckets = Buckets::new();
    buckets.state().delay = 2 * MS;
    let gate = gate(per_client(Quota::per_second(100)).shared(fleet(&buckets).lease(10)));
    let (mut first, mut asks) = (waiting(&gate, &client()), waiting(&gate, &client()));
    let joins = waiting(&gate, &client());
    for _ in 0..2 {
        advance(MS).await;
        let _ = (first.poll(), asks.poll());
    }
    assert!(joins.is_woken(), "it has its unit");
    drop(joins);
    assert!(matches!(enter(&gate, &client()), Entry::Admitted(_)));
    assert_eq!(buckets.trips(), 2);
    drop(waiting(&gate, &client()));
}

#[tokio::test(start_paused = true)]
async fn who_leaves_before_its_units_come_is_not_waited_for() {
    let buckets = Buckets::new();
    buckets.state().delay = 2 * MS;
    let gate = gate(per_client(Quota::per_second(100)).shared(fleet(&buckets).lease(10)));
    let (first, mut asks) = (waiting(&gate, &client()), waiting(&gate, &client()));
    drop((waiting(&gate, &client()), waiting(&gate, &client())));
    advance(MS).await;
    assert_pending!(asks.poll());
    advance(MS).await;
    assert_ready!(asks.poll()).expect("there are cells");
    assert!(matches!(enter(&gate, &client()), Entry::Admitted(_)), "the unit is held");
    drop(first);
}

/// Timing decides only how many questions there are.
#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn threads_spend_each_unit_once() {
    let buckets = Buckets::new();
    buckets.state().delay = 100 * Duration::from_micros(1);
    let fleet = fleet(&buckets).lease(30).time_bound(10 * SECOND).on_outage(Outage::Refuse);
    let gate = gate(per_client(Quota::per(366 * 24 * 3_600 * SECOND, 2_000)).shared(fleet));
    let tasks = (0..16).map(|_| {
        let gate = gate.clone();
        tokio::spawn(async move {
            let mut admitted = 0;
            for _ in 0..500 {
                admitted += u64::from(gate.acquire(&client()).await.is_ok());
                tokio::task::yield_now().await;
            }
            admitted
        })
    });
    let mut admitted = 0;
    for task in tasks.collect::<Vec<_>>() {
        admitted += task.await.expect("none panics");
    }
    let (snapshot, given) = (gate.snapshot(), buckets.state().given);
    assert!(admitted <= given && given == 2_000, "{admitted} of {given}");
    assert_eq!((snapshot.admitted, snapshot.refused), (admitted, 8_000 - admitted));
    assert_eq!(snapshot.alone, 0);
}

#[test]
fn a_flood_of_keys_keeps_within_the_bound() {
    on_paused_time(async {
        let buckets = Buckets::new();
        let limit = per_client(Quota::per_second(10)).max_keys(100).shared(fleet(&buckets));
        let gate = gate(limit);
        for client in 0..5_000 {
            passes(&gate, &Class::default().key(&client)).await;
        }
        assert!(gate.snapshot().keys <= 100, "{}", gate.snapshot().keys);
    });
}

#[tokio::test(start_paused = true)]
async fn behind_a_layer_a_request_waits_for_the_answer_and_is_told_of_it() {
    let buckets = Buckets::new();
    buckets.state().delay = 2 * MS;
    let limit = per_client(Quota::per_hour(1)).shared(fleet(&buckets).on_outage(Outage::Refuse));
    let layer = limit.layer().expect("it is valid").classify(client());
    let (service, mut inside) = behind(&layer);
    let mut flight = launch(&service, get("/"));
    let leaves = launch(&service, get("/"));
    assert!(inside.is_empty(), "it has not been let in");
    drop(leaves);
    for _ in 0..2 {
        advance(MS).await;
        assert_pending!(flight.poll());
    }
    inside.take().send_response(page(StatusCode::OK));
    let response = assert_ready!(flight.poll()).expect("it is served");
    assert_eq!(response.status(), StatusCode::OK);
    let response = support::controlled::refused(&service, get("/"));
    assert_eq!(response.status(), StatusCode::TOO_MANY_REQUESTS);
    assert_eq!(response.headers()[header::RETRY_AFTER], "3600");
    advance(3_600 * SECOND).await;
    buckets.set(Mood::Hangs);
    let mut flight = launch(&service, get("/"));
    advance(6 * MS).await;
    let response = assert_ready!(flight.poll()).expect("a refusal is no error");
    assert_eq!(response.status(), StatusCode::SERVICE_UNAVAILABLE);
    assert_eq!(response.headers()[header::RETRY_AFTER], "1");
}
