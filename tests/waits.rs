//! No request waits longer than it may.

#![cfg(feature = "tower")]

use std::time::Duration;

use brownout::{Admission, Class, ConcurrencyLimit, Database, Priority, Reason, limit::Fixed};
use rand::{Rng, SeedableRng, rngs::StdRng};
use tokio::{
    task::JoinSet,
    time::{Instant, sleep},
};

const MS: Duration = Duration::from_millis(1);
/// Of the queue, and what a timer may be late.
const MAX_WAIT: Duration = Duration::from_millis(250);
const LATE: Duration = MS;

fn admission(databases: &[&Database]) -> Admission {
    let limit = ConcurrencyLimit::new().algorithm(Fixed::new(2)).queue(30).max_wait(MAX_WAIT);
    let builder = Admission::builder().concurrency(limit);
    let builder = databases.iter().fold(builder, |builder, db| builder.protect(db));
    builder.build().expect("it is valid")
}

/// Comes at some time, with some priority and some patience; tells how long it waited, how long
/// it may, and whether it was let in.
async fn visit(admission: Admission, mut random: StdRng) -> (Duration, Duration, bool) {
    sleep(random.random_range(0..3_000) * MS).await;
    let now = Instant::now();
    let time = random.random_bool(0.5).then(|| random.random_range(0..3_000) * MS);
    let class = Class::new(Priority::ALL[random.random_range(0..4)]);
    let class = time.map_or(class, |time| class.deadline((now + time).into_std()));
    let may = time.map_or(MAX_WAIT, |time| MAX_WAIT.min(time / 3));
    let permit = admission.acquire(&class).await;
    let waited = now.elapsed();
    if permit.is_ok() {
        sleep(random.random_range(0..60) * MS).await;
    }
    (waited, may, permit.is_ok())
}

#[tokio::test(start_paused = true)]
async fn no_request_waits_longer_than_the_queue_and_its_deadline_allow() {
    for seed in 0..5 {
        let (db, mut crowd) = (Database::new("shop"), JoinSet::new());
        let admission = admission(&[&db]);
        for number in 0..600 {
            crowd.spawn(visit(admission.clone(), StdRng::seed_from_u64(600 * seed + number)));
        }
        let (mut in_vain, mut after_a_wait) = (0, 0);
        for (waited, may, served) in crowd.join_all().await {
            assert!(waited <= may + LATE, "seed {seed}: {waited:?} instead of {may:?}");
            in_vain += usize::from(!served && !waited.is_zero());
            after_a_wait += usize::from(served && !waited.is_zero());
        }
        assert!(in_vain > 20 && after_a_wait > 20, "seed {seed}: it proves nothing");
        assert_eq!((admission.snapshot().in_flight, admission.snapshot().waiting), (0, 0));
    }
}

#[tokio::test(start_paused = true)]
async fn who_needs_two_databases_waits_at_each_for_no_longer() {
    let (first, second) = (Database::new("first"), Database::new("second"));
    let admission = admission(&[&first, &second]);
    let mut held = Vec::new();
    for db in [&first, &second] {
        for _ in 0..2 {
            let class = Class::default().needs(db);
            held.push(admission.acquire(&class).await.expect("there is room"));
        }
    }
    let since = Instant::now();
    let waiting = {
        let (admission, both) = (admission.clone(), Class::default().needs(&first).needs(&second));
        tokio::spawn(async move { admission.acquire(&both).await.map(|_| ()) })
    };
    sleep(200 * MS).await;
    drop(held.remove(0));
    let rejection = waiting.await.expect("it ends well").expect_err("the second stays full");
    assert_eq!(rejection.reason(), Reason::QueueTimeout);
    assert_eq!(since.elapsed().as_millis(), 450, "200 ms for the first, 250 ms for the second");
    drop(held);
    assert_eq!((admission.snapshot().in_flight, admission.snapshot().waiting), (0, 0));
}
