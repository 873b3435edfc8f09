//! Promises of the handle, on paused time.

use std::{io, ops::ControlFlow, sync::Mutex};

use tokio::time::{advance, sleep};

use super::*;

const MS: Duration = Duration::from_millis(1);

type Heard = Arc<Mutex<Vec<Signal>>>;

fn heard(db: &Database) -> Heard {
    let heard = Heard::default();
    let listener = Arc::downgrade(&heard);
    db.subscribe(move |signal: &Signal| match listener.upgrade() {
        Some(heard) => {
            lock(&heard).push(signal.clone());
            ControlFlow::Continue(())
        }
        None => ControlFlow::Break(()),
    });
    heard
}

async fn query(latency: Duration) -> Result<u32, io::Error> {
    sleep(latency).await;
    Ok(7)
}

async fn refused() -> Result<u32, io::Error> {
    Err(io::ErrorKind::ConnectionRefused.into())
}

#[tokio::test(start_paused = true)]
async fn an_observed_query_is_timed_and_returned() {
    let db = Database::new("shop");
    assert_eq!(db.observe(query(20 * MS)).await.ok(), Some(7));
    let snapshot = db.snapshot();
    assert_eq!((snapshot.finished, snapshot.in_flight, snapshot.errors), (1, 0, 0));
    let p50 = snapshot.p50.expect("one came back");
    assert!((20 * MS..=23 * MS).contains(&p50), "{p50:?}");
}

#[tokio::test(start_paused = true)]
async fn a_query_that_is_never_polled_never_started() {
    let db = Database::new("shop");
    drop(db.observe(query(MS)));
    let snapshot = db.snapshot();
    assert_eq!((snapshot.finished, snapshot.cancelled), (0, 0));
}

#[tokio::test(start_paused = true)]
async fn a_query_whose_caller_leaves_counts_as_cancelled() {
    let db = Database::new("shop");
    let left = tokio::time::timeout(30 * MS, db.observe(query(500 * MS))).await;
    assert!(left.is_err());
    let snapshot = db.snapshot();
    assert_eq!((snapshot.cancelled, snapshot.finished, snapshot.in_flight), (1, 0, 0));
}

#[tokio::test(start_paused = true)]
async fn errors_are_told_apart() {
    let db = Database::new("shop");
    let _ = db.observe(refused()).await;
    let _ = db.observe(async { Err::<(), _>(io::Error::other("unique violation")) }).await;
    let snapshot = db.snapshot();
    assert_eq!((snapshot.overloads, snapshot.errors, snapshot.finished), (1, 1, 2));
}

#[tokio::test(start_paused = true)]
async fn subscribers_hear_a_signal_every_tenth_of_a_second() {
    let db = Database::new("shop");
    let heard = heard(&db);
    for _ in 0..100 {
        let _ = db.statement("get").observe(query(10 * MS)).await;
    }
    let signals = lock(&heard);
    assert!((9..=10).contains(&signals.len()), "{}", signals.len());
    assert!(signals.iter().all(|signal| signal.span >= 100 * MS && signal.finished >= 9));
}

#[tokio::test(start_paused = true)]
async fn a_stall_is_heard_from_whoever_comes_by() {
    let db = Database::new("shop");
    let heard = heard(&db);
    let hanging = db.statement("get").start();
    advance(3000 * MS).await;
    db.tick(clock::stamp());
    let signal = lock(&heard).pop().expect("it is due");
    assert_eq!((signal.in_flight, signal.finished, signal.age), (1, 0, 3000 * MS));
    hanging.finish(Outcome::Success);
}

#[tokio::test(start_paused = true)]
async fn a_subscriber_that_is_gone_is_forgotten() {
    let db = Database::new("shop");
    drop(heard(&db));
    let _kept = heard(&db);
    advance(100 * MS).await;
    db.tick(clock::stamp());
    assert_eq!(lock(&db.0.subscribers).len(), 1);
}

/// Listens, and disregards what started before.
struct Judging(Option<std::time::Instant>);

impl OnSignal for Judging {
    fn on_signal(&self, _signal: &Signal) -> ControlFlow<()> {
        ControlFlow::Continue(())
    }

    fn judge_since(&self) -> Option<std::time::Instant> {
        self.0
    }
}

#[tokio::test(start_paused = true)]
async fn the_latest_moment_of_all_subscribers_decides_who_has_a_say() {
    let db = Database::new("shop");
    let heard = heard(&db);
    let start = clock::now();
    for since in [Some(start + 20 * MS), Some(start + 50 * MS), None] {
        db.subscribe(Judging(since));
    }
    let old = db.statement("get").start();
    advance(40 * MS).await;
    let late = db.statement("get").start();
    advance(20 * MS).await;
    let new = db.statement("get").start();
    advance(40 * MS).await;
    db.tick(clock::stamp());
    [old, late, new].into_iter().for_each(|query| query.finish(Outcome::Overload));
    advance(100 * MS).await;
    db.tick(clock::stamp());
    let signal = lock(&heard).pop().expect("it is due");
    assert_eq!((signal.finished, signal.calls[0].all), (3, 1));
}

#[tokio::test(start_paused = true)]
async fn a_query_timed_by_its_owner_counts() {
    let db = Database::builder("shop").slow_after(50 * MS).build().expect("it is valid");
    let heard = heard(&db);
    db.record(80 * MS, Outcome::Success);
    db.statement("get").record(MS, Outcome::Success);
    advance(100 * MS).await;
    db.tick(clock::stamp());
    let signal = lock(&heard).pop().expect("it is due");
    assert_eq!((signal.finished, signal.slow, signal.busy), (2, 1, 81 * MS));
    assert_eq!(signal.statements.len(), 2);
}

#[test]
fn sql_is_one_statement_whatever_its_literals() {
    let db = Database::new("shop");
    let named = db.statement("SELECT ?");
    for id in 0..10_000 {
        assert_eq!(db.sql(&format!("select {id}")).number, named.number);
    }
    for text in ["", " ; ", "-- nothing"] {
        assert_eq!(&*db.sql(text).name(), "(other)", "of {text:?}");
    }
}

#[tokio::test(start_paused = true)]
async fn each_statement_has_an_account() {
    let db = Database::new("shop");
    let orders = db.sql("SELECT * FROM orders WHERE id = 7");
    for _ in 0..60 {
        let _ = orders.observe(query(10 * MS)).await;
    }
    let _ = db.observe(refused()).await;
    drop(db.statement("given up").start());
    db.statement(crate::database::checkout::CONNECTION).record(5000 * MS, Outcome::Success);
    let statements = db.statements();
    let names: Vec<_> = statements.iter().map(|own| &*own.name).collect();
    assert_eq!(names, ["(connection)", "SELECT * FROM orders WHERE id = ?", "(other)", "given up"]);
    let (waits, orders) = (&statements[0], &statements[1]);
    assert_eq!((orders.ever.finished, orders.alone), (60, Some(10 * MS)));
    assert!((orders.ever.share - 1.0).abs() < 1e-9 && waits.ever.share == 0.0);
    assert!((orders.lately.slowdown.expect("it is known") - 1.0).abs() < 1e-9);
    assert_eq!((statements[2].ever.overloads, statements[3].ever.cancelled), (1, 1));
}

#[test]
fn an_impossible_threshold_is_found_when_built() {
    let error = Database::builder("shop").slow_after(Duration::ZERO).build().unwrap_err();
    assert_eq!(error.to_string(), "`slow_after` is 0ns, but must be from 1ms to 3600s");
}
