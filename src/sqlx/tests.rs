//! Promises that need a door of our own, on SQLite.

use std::{
    sync::{
        Arc,
        atomic::{AtomicBool, AtomicUsize, Ordering},
    },
    time::Duration,
};

use ::sqlx::{Sqlite, SqlitePool, sqlite::SqlitePoolOptions};
use futures_util::FutureExt;

use super::*;
use crate::{
    database::{Door, Entering, Pass},
    outcome::Outcome,
    rejection::{Reason, Rejection, rejection_of},
};

/// Counts who asks, who is inside and who occupies.
#[derive(Default)]
struct Counting {
    shut: AtomicBool,
    asked: AtomicUsize,
    inside: Arc<AtomicUsize>,
    occupied: Arc<AtomicUsize>,
}

/// One more of them until it drops.
struct One(Arc<AtomicUsize>);

impl One {
    fn of(count: &Arc<AtomicUsize>) -> Pass {
        count.fetch_add(1, Ordering::SeqCst);
        Pass::holding(Self(count.clone()))
    }
}

impl Drop for One {
    fn drop(&mut self) {
        self.0.fetch_sub(1, Ordering::SeqCst);
    }
}

impl Door for Counting {
    fn enter(&self) -> Entering {
        self.asked.fetch_add(1, Ordering::SeqCst);
        let answer = match self.shut.load(Ordering::SeqCst) {
            true => Err(Rejection::new(Reason::QueueFull, Duration::from_secs(1))),
            false => Ok(One::of(&self.inside)),
        };
        Box::pin(async { answer })
    }

    fn occupy(&self) -> Pass {
        One::of(&self.occupied)
    }
}

impl Counting {
    fn counts(&self) -> (usize, usize) {
        (self.inside.load(Ordering::SeqCst), self.occupied.load(Ordering::SeqCst))
    }
}

async fn guarded() -> (Database, Arc<Counting>, Pool<Sqlite>) {
    let (db, door) = (Database::new("shop"), Arc::new(Counting::default()));
    db.set_door(door.clone());
    let options = SqlitePoolOptions::new().max_connections(1);
    let pool: SqlitePool = options.connect("sqlite::memory:").await.expect("it is in memory");
    let pool = db.sqlx(pool);
    ::sqlx::query("CREATE TABLE t (id INTEGER PRIMARY KEY)").execute(&pool).await.expect("valid");
    (db, door, pool)
}

const INSERT: &str = "INSERT INTO t DEFAULT VALUES";
/// Some tenths of a second.
const LONG: &str = "WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n LIMIT 1000000) \
    SELECT max(i) FROM n";

async fn until(what: impl Fn() -> bool) {
    let came = async {
        while !what() {
            tokio::time::sleep(Duration::from_millis(1)).await;
        }
    };
    tokio::time::timeout(Duration::from_secs(60), came).await.expect("it never came");
}

#[tokio::test]
async fn a_refusal_is_found_in_the_error_and_is_no_query() {
    let (db, door, pool) = guarded().await;
    door.shut.store(true, Ordering::SeqCst);
    let before = db.snapshot().finished;
    let errors = [
        ::sqlx::query(INSERT).execute(&pool).await.map(drop).expect_err("it is shut"),
        ::sqlx::query(INSERT).fetch_all(&pool).await.map(drop).expect_err("it is shut"),
        pool.acquire().await.map(drop).expect_err("it is shut"),
        pool.begin().await.map(drop).expect_err("it is shut"),
    ];
    for error in errors {
        let refused = rejection_of(&error).expect("it is a refusal");
        assert_eq!(refused.reason(), Reason::QueueFull);
        assert_eq!(db.judge(&error), Outcome::Ignore);
    }
    assert!(pool.try_acquire().is_none());
    let snapshot = db.snapshot();
    assert_eq!((snapshot.finished, snapshot.cancelled, snapshot.errors), (before, 0, 0));
    assert_eq!(door.counts(), (0, 0));
}

#[tokio::test]
async fn a_judge_of_your_own_does_not_blame_the_database_for_a_refusal() {
    let strict = Database::builder("shop").judge(|_| Outcome::Overload).build().expect("valid");
    let refused = Rejection::new(Reason::Evicted, Duration::from_secs(1));
    assert_eq!(strict.judge(&refused), Outcome::Ignore);
    assert_eq!(strict.judge(&std::io::Error::other("no")), Outcome::Overload);
}

#[tokio::test]
async fn what_is_held_is_never_asked_again() {
    let (_db, door, pool) = guarded().await;
    let mut tx = pool.begin().await.expect("it is open");
    door.shut.store(true, Ordering::SeqCst);
    let asked = door.asked.load(Ordering::SeqCst);
    ::sqlx::query(INSERT).execute(&mut *tx).await.expect("never refused");
    let mut inner = tx.begin().await.expect("never refused");
    ::sqlx::query(INSERT).execute(&mut *inner).await.expect("never refused");
    inner.rollback().await.expect("never refused");
    tx.commit().await.expect("never refused");
    assert_eq!(door.asked.load(Ordering::SeqCst), asked);
    door.shut.store(false, Ordering::SeqCst);
    let count: i64 = ::sqlx::query_scalar("SELECT count(*) FROM t").fetch_one(&pool).await.unwrap();
    assert_eq!(count, 1);
}

#[tokio::test]
async fn the_leave_lasts_as_long_as_the_connection() {
    let (_db, door, pool) = guarded().await;
    assert_eq!(door.counts(), (0, 0));
    let held = pool.acquire().await.expect("it is open");
    assert_eq!(door.counts(), (1, 0));
    drop(held);
    assert_eq!(door.counts(), (0, 0));
    let tx = pool.begin().await.expect("it is open");
    assert_eq!(door.counts(), (1, 0));
    drop(tx);
    assert_eq!(door.counts().0, 0);
}

#[tokio::test]
async fn what_nobody_waits_for_occupies_a_place_until_it_is_answered() {
    let (db, door, pool) = guarded().await;
    let mut held = pool.acquire().await.expect("it is open");
    assert!(::sqlx::query(LONG).execute(&mut *held).now_or_never().is_none(), "it takes longer");
    drop(held);
    assert_eq!(door.counts(), (0, 1));
    assert_eq!((db.snapshot().in_flight, db.snapshot().cancelled), (1, 0));
    until(|| door.counts() == (0, 0)).await;
    assert_eq!((db.snapshot().in_flight, db.snapshot().cancelled), (0, 1));
    ::sqlx::query(INSERT).execute(&pool).await.expect("the same database, in memory, is there");
    assert_eq!(pool.size(), 1);
}

#[tokio::test]
async fn a_query_that_takes_too_long_for_nobody_costs_its_connection() {
    let (db, door, pool) = guarded().await;
    let pool = pool.give_up_after(Duration::ZERO);
    let mut held = pool.acquire().await.expect("it is open");
    assert!(::sqlx::query(LONG).execute(&mut *held).now_or_never().is_none(), "it takes longer");
    drop(held);
    until(|| door.counts() == (0, 0)).await;
    assert_eq!((db.snapshot().in_flight, db.snapshot().cancelled, pool.size()), (0, 1, 0));
    drop(pool.acquire().await.expect("there is room for a new one"));
    assert_eq!(pool.size(), 1);
}

#[test]
fn a_connection_may_outlive_its_runtime() {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
    let (db, door, pool) = runtime.block_on(guarded());
    let mut held = runtime.block_on(pool.acquire()).expect("it is open");
    let left = runtime.block_on(async { ::sqlx::query(LONG).execute(&mut *held).now_or_never() });
    assert!(left.is_none(), "it takes longer");
    drop(runtime);
    drop(held);
    assert_eq!((door.counts(), db.snapshot().in_flight), ((0, 0), 0));
    drop(pool);
}

#[test]
fn a_runtime_that_ends_lets_go() {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
    let (db, door, pool) = runtime.block_on(guarded());
    let mut held = runtime.block_on(pool.acquire()).expect("it is open");
    let left = runtime.block_on(async { ::sqlx::query(LONG).execute(&mut *held).now_or_never() });
    assert!(left.is_none(), "it takes longer");
    drop(held);
    assert_eq!((door.counts(), db.snapshot().in_flight), ((0, 1), 1));
    drop(runtime);
    assert_eq!((door.counts(), db.snapshot().in_flight), ((0, 0), 0));
}
