//! A clock that stands still, jumps, or was read long before it is used: nothing is lost by it, and
//! no limit is passed.

#![cfg(feature = "http")]

mod support;

use std::{
    io,
    time::{Duration, Instant},
};

use brownout::{
    Admission, Circuit, Class, ConcurrencyLimit, Database, Entry, Gate, Outcome, Priority, Quota,
    RateLimit, limit::Fixed,
};
use proptest::prelude::*;
use support::{MS, on_paused_time};
use tokio::time::{advance, sleep};
use tokio_test::task;

const DAY: Duration = Duration::from_secs(86_400);
const PLACES: usize = 3;

/// All gates, over a database that is used.
fn admission(db: &Database) -> Admission {
    let limit = ConcurrencyLimit::new().algorithm(Fixed::new(PLACES)).queue(4);
    let rate = RateLimit::new(Quota::per_second(50).burst(20)).per_key();
    let builder = Admission::builder().protect(db).concurrency(limit).rate(rate);
    builder.build().expect("it is valid")
}

#[derive(Clone, Debug)]
enum Step {
    /// One comes who has read the clock so many seconds from the middle of 60 days.
    Comes { seconds: u32, nanos: u32, priority: usize, client: u8 },
    /// One of those who have been let in leaves.
    Leaves { which: usize },
    /// A query is recorded, after so long.
    Query { millis: u32, fails: bool },
    /// The clock goes on, by up to days.
    Passes { millis: u64 },
}

fn step() -> impl Strategy<Value = Step> {
    let days = 60 * 86_400_u32;
    let millis = prop_oneof![0..2_000_u64, 0..86_400_000 * 9_u64];
    prop_oneof![
        4 => (0..days, 0..1_000_000_000_u32, 0..4_usize, 0..3_u8).prop_map(
            |(seconds, nanos, priority, client)| Step::Comes { seconds, nanos, priority, client }
        ),
        2 => (0..9_usize).prop_map(|which| Step::Leaves { which }),
        2 => (0..5_000_u32, any::<bool>()).prop_map(|(millis, fails)| Step::Query { millis, fails }),
        2 => millis.prop_map(|millis| Step::Passes { millis }),
    ]
}

async fn keeps_account(steps: Vec<Step>) -> Result<(), TestCaseError> {
    let start = tokio::time::Instant::now().into_std();
    advance(60 * DAY).await;
    let db = Database::new("shop");
    let admission = admission(&db);
    let gates = admission.layer().gate().clone();
    let (mut held, mut waits) = (Vec::new(), Vec::new());
    for step in steps {
        match step {
            Step::Comes { seconds, nanos, priority, client } => {
                let class = Class::new(Priority::ALL[priority]).key(&client.to_string());
                let read = start + Duration::new(seconds.into(), nanos) + 30 * DAY;
                match gates.enter(&class, read) {
                    Entry::Admitted(permit) => held.push(permit),
                    Entry::Waiting(wait) => waits.push(task::spawn(wait)),
                    Entry::Refused(rejection) => {
                        // As much as the clocks differ, twice for the spread, ten times for
                        // who is called back much later.
                        prop_assert!(rejection.retry_after() < 1_200 * DAY, "{rejection:?}");
                    }
                }
            }
            Step::Leaves { which } if which < held.len() => drop(held.swap_remove(which)),
            Step::Leaves { .. } => {}
            Step::Query { millis, fails } => {
                let outcome = if fails { Outcome::Overload } else { Outcome::Success };
                db.record(millis * MS, outcome);
            }
            Step::Passes { millis } => advance(Duration::from_millis(millis)).await,
        }
        // Who is refused may let one in that was asked before it.
        loop {
            let before = waits.len();
            waits.retain_mut(|wait| match wait.poll() {
                std::task::Poll::Ready(answer) => {
                    held.extend(answer);
                    false
                }
                std::task::Poll::Pending => true,
            });
            if waits.len() == before {
                break;
            }
        }
        let snapshot = admission.snapshot();
        prop_assert!(snapshot.in_flight <= PLACES, "{snapshot:?}");
        prop_assert_eq!(snapshot.in_flight, held.len());
        prop_assert_eq!(snapshot.waiting, waits.len());
        prop_assert!((0.0..=1.0).contains(&snapshot.level), "{snapshot:?}");
    }
    drop((held, waits));
    let snapshot = admission.snapshot();
    prop_assert_eq!((snapshot.in_flight, snapshot.waiting), (0, 0));
    Ok(())
}

proptest! {
    #[test]
    fn whenever_the_clock_was_read_no_place_is_lost_and_no_limit_passed(
        steps in prop::collection::vec(step(), 0..80),
    ) {
        on_paused_time(keeps_account(steps))?;
    }
}

#[tokio::test(start_paused = true)]
async fn while_the_clock_stands_still_quotas_and_limits_hold() {
    let db = Database::new("shop");
    let admission = admission(&db);
    let class = Class::default().key("client");
    let (mut held, mut cells) = (Vec::new(), 0);
    for round in 0..2_000 {
        db.record(Duration::ZERO, Outcome::Success);
        match task::spawn(admission.acquire(&class)).poll() {
            std::task::Poll::Ready(Ok(permit)) => (held.push(permit), cells += 1).0,
            std::task::Poll::Ready(Err(_)) => {}
            // It gives its place in the queue up, and not its cell.
            std::task::Poll::Pending => cells += 1,
        }
        assert!(admission.snapshot().in_flight <= PLACES);
        if round % 3 == 0 {
            held.pop();
        }
    }
    assert_eq!(cells, 20, "a burst, and no cell comes back");
    assert!(admission.snapshot().level.is_finite() && admission.overview().level.is_finite());
}

#[tokio::test(start_paused = true)]
async fn whenever_the_clock_was_read_nobody_is_told_to_wait_for_longer_than_a_burst_takes() {
    let gate = RateLimit::new(Quota::per_second(10).burst(3)).gate().expect("it is valid");
    let now = tokio::time::Instant::now().into_std();
    let enter = |read: Instant| gate.enter(&Class::default(), read);
    for _ in 0..3 {
        assert!(matches!(enter(now + DAY), Entry::Admitted(_)));
    }
    for (read, wait) in [(DAY, 100), (DAY - 50 * MS, 100), (DAY / 2, 100), (Duration::ZERO, 100)] {
        match enter(now + read) {
            Entry::Refused(rejection) => assert_eq!(rejection.retry_after(), wait * MS, "{read:?}"),
            other => panic!("there is no cell: {other:?}"),
        }
    }
    // Who came with an old reading may have forgiven what was owed, and never more.
    let admitted = (0..10).filter(|_| matches!(enter(now + DAY), Entry::Admitted(_))).count();
    assert!(admitted <= 3, "a burst: {admitted}");
}

#[tokio::test(start_paused = true)]
async fn after_a_jump_of_a_year_the_service_is_as_it_was() {
    let db = Database::new("shop");
    let limit = ConcurrencyLimit::new().algorithm(Fixed::new(1));
    let builder = Admission::builder().protect(&db).concurrency(limit);
    let admission = builder.build().expect("it is valid");
    let held = admission.acquire(&Class::default()).await.expect("there is room");
    let class = Class::default();
    let mut waiting = task::spawn(admission.acquire(&class));
    assert!(waiting.poll().is_pending());
    let mut query = task::spawn(db.statement("product").observe(async {
        sleep(MS).await;
        Ok::<_, io::Error>(())
    }));
    assert!(query.poll().is_pending());
    advance(365 * DAY).await;
    let answer = waiting.poll();
    assert!(matches!(answer, std::task::Poll::Ready(Err(_))), "it has waited for too long");
    assert!(query.poll().is_ready());
    drop(held);
    let mut served = Vec::new();
    for _ in 0..300 {
        sleep(100 * MS).await;
        let Ok(_permit) = admission.acquire(&Class::default()).await else {
            served.push(false);
            continue;
        };
        let query = async {
            sleep(MS).await;
            Ok::<_, io::Error>(())
        };
        db.statement("product").observe(query).await.expect("it is answered");
        served.push(true);
    }
    let again = served.iter().rposition(|served| !served).map_or(0, |last| last + 1);
    assert!(again < 150, "it is back within 15 s: {again} tenths of a second");
    assert_eq!(admission.breaker().circuit(), Circuit::Closed);
    assert_eq!((admission.snapshot().in_flight, admission.snapshot().waiting), (0, 0));
}
