//! Queries of requests that have only so much time, on SQLite.
//!
//! SQLite works on a thread of its own. While time is paused and all wait for it, time goes on
//! to the deadline at once; so what has to be answered runs while time is not.

#![cfg(all(feature = "sqlx", feature = "http"))]

mod support;

use std::convert::Infallible;

use brownout::{Admission, Database, Reason, Rejection, rejection_of, sqlx::Pool};
use bytes::Bytes;
use futures_util::StreamExt;
use http::{Request, Response, StatusCode};
use http_body_util::Empty;
use sqlx::{Error, Executor, Sqlite, sqlite::SqlitePoolOptions};
use support::{MS, SECOND, within_a_minute};
use tempfile::TempDir;
use tokio::time::{advance, pause, resume};
use tower::{Layer, ServiceExt, service_fn};

/// A database in a file of its own, with a table.
struct Shop {
    db: Database,
    pool: Pool<Sqlite>,
    _folder: TempDir,
}

impl Shop {
    async fn open(connections: u32) -> Self {
        let folder = TempDir::new().expect("there is room");
        let url = format!("sqlite://{}?mode=rwc", folder.path().join("shop").display());
        let options = SqlitePoolOptions::new().max_connections(connections);
        let pool = options.connect(&url).await.expect("it is a file");
        pool.execute("CREATE TABLE t (id INTEGER PRIMARY KEY)").await.expect("it is valid");
        let db = Database::new("shop");
        Self { pool: db.sqlx(pool), db, _folder: folder }
    }

    /// Runs this as a request with an hour's time, which is late.
    async fn is_late(&self, handler: impl AsyncFn() -> Result<(), Error>) {
        let handler = &handler;
        let service = service_fn(move |_: Request<()>| async move {
            let error = handler().await.expect_err("it is late");
            assert!(matches!(error, Error::Io(_)), "{error}");
            assert_eq!(rejection_of(&error).expect("it is one").reason(), Reason::Deadline);
            let mut response = Response::new(Empty::<Bytes>::new());
            *response.status_mut() = StatusCode::INTERNAL_SERVER_ERROR;
            Ok::<_, Infallible>(response)
        });
        let admission = Admission::builder().build().expect("it is valid");
        let service = admission.layer().deadline(HOUR).layer(service);
        let response = service.oneshot(Request::new(())).await.expect("it is infallible");
        assert_eq!(response.status(), StatusCode::SERVICE_UNAVAILABLE);
        assert_eq!(response.extensions().get().map(Rejection::reason), Some(Reason::Deadline));
    }

    /// All that was left is over; so many were, of late.
    async fn is_idle_after(&self, left: u64) {
        let in_flight = || self.db.snapshot().in_flight;
        within_a_minute(async {
            while in_flight() > 0 {
                tokio::time::sleep(MS).await;
            }
        })
        .await;
        let snapshot = self.db.snapshot();
        assert_eq!((snapshot.cancelled, snapshot.overloads, snapshot.errors), (left, 0, 0));
        sqlx::query(INSERT).execute(&self.pool).await.expect("the connection is well");
    }

    async fn count(&self) -> i64 {
        sqlx::query_scalar("SELECT count(*) FROM t").fetch_one(&self.pool).await.expect("valid")
    }
}

/// As if all this time had gone by.
async fn pass(time: std::time::Duration) {
    pause();
    advance(time).await;
    resume();
}

/// Time goes on as soon as all wait.
async fn to_the_deadline<T>(query: impl Future<Output = T>) -> T {
    pause();
    let result = query.await;
    resume();
    result
}

const HOUR: std::time::Duration = std::time::Duration::from_secs(3600);
const INSERT: &str = "INSERT INTO t DEFAULT VALUES";
/// Some tenths of a second.
const LONG: &str = "WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n LIMIT 1000000) \
    SELECT max(i) FROM n";

#[tokio::test]
async fn a_query_ends_at_the_deadline_and_counts_until_the_database_has_let_go_of_it() {
    let shop = Shop::open(1).await;
    let pool = &shop.pool;
    shop.is_late(async || {
        let mut held = pool.acquire().await?;
        to_the_deadline(sqlx::query(LONG).execute(&mut *held)).await.map(drop)
    })
    .await;
    assert_eq!((shop.db.snapshot().in_flight, shop.db.snapshot().cancelled), (1, 0));
    shop.is_idle_after(1).await;
    shop.is_late(async || {
        let mut held = pool.acquire().await?;
        to_the_deadline(sqlx::query(LONG).fetch_one(&mut *held)).await.map(drop)
    })
    .await;
    assert_eq!(shop.db.snapshot().in_flight, 1);
    shop.is_idle_after(1).await;
    assert_eq!(pool.size(), 1, "the connection is kept");
}

#[tokio::test]
async fn a_transaction_whose_query_is_late_rolls_back() {
    let shop = Shop::open(1).await;
    shop.is_late(async || {
        let mut tx = shop.pool.begin().await?;
        sqlx::query(INSERT).execute(&mut *tx).await?;
        to_the_deadline(sqlx::query(LONG).execute(&mut *tx)).await?;
        tx.commit().await
    })
    .await;
    assert_eq!(shop.count().await, 0);
    shop.is_idle_after(1).await;
}

#[tokio::test]
async fn the_wait_for_a_connection_ends_at_the_deadline() {
    let shop = Shop::open(1).await;
    let held = shop.pool.acquire().await.expect("one is free");
    shop.is_late(async || {
        // Beyond that of the pool, which has its own.
        pass(HOUR - SECOND).await;
        to_the_deadline(shop.pool.acquire()).await.map(drop)
    })
    .await;
    drop(held);
    shop.is_idle_after(1).await;
}

#[tokio::test]
async fn a_begin_that_waits_for_a_lock_ends_at_the_deadline() {
    let shop = Shop::open(2).await;
    let held = shop.pool.begin_with("BEGIN IMMEDIATE").await.expect("nobody else writes");
    shop.is_late(async || {
        let mut second = shop.pool.acquire().await?;
        to_the_deadline(second.begin_with("BEGIN IMMEDIATE")).await.map(drop)
    })
    .await;
    held.commit().await.expect("it is open");
    shop.is_idle_after(1).await;
}

#[tokio::test]
async fn past_the_deadline_nothing_begins_and_what_was_done_is_committed() {
    let shop = Shop::open(2).await;
    shop.is_late(async || {
        let mut tx = shop.pool.begin().await?;
        let mut inner = tx.begin().await?;
        sqlx::query(INSERT).execute(&mut *inner).await?;
        pass(2 * HOUR).await;
        for _ in 0..2 {
            let error = sqlx::query(INSERT).execute(&mut *inner).await.expect_err("it is late");
            assert_eq!(rejection_of(&error).expect("it is one").reason(), Reason::Deadline);
        }
        assert!(inner.prepare(sqlx::SqlStr::from_static(LONG)).await.is_err());
        assert_eq!(shop.db.snapshot().in_flight, 0);
        inner.commit().await.expect("the end is never refused");
        tx.commit().await.expect("the end is never refused");
        shop.pool.begin().await.map(drop)
    })
    .await;
    assert_eq!(shop.count().await, 1);
    shop.is_idle_after(0).await;
}

#[tokio::test]
async fn rows_that_are_still_to_come_do_not_after_the_deadline() {
    let shop = Shop::open(1).await;
    for _ in 0..9 {
        sqlx::query(INSERT).execute(&shop.pool).await.expect("it is valid");
    }
    shop.is_late(async || {
        let mut rows = sqlx::query("SELECT 1 FROM t, t, t, t, t, t, t").fetch(&shop.pool);
        rows.next().await.expect("there are many")?;
        pass(2 * HOUR).await;
        while let Some(row) = rows.next().await {
            row?;
        }
        Ok(())
    })
    .await;
    shop.is_idle_after(1).await;
}

#[tokio::test]
async fn a_handle_without_deadline_goes_on() {
    let shop = Shop::open(1).await;
    let patient = shop.pool.clone().without_deadline();
    shop.is_late(async || {
        pass(2 * HOUR).await;
        sqlx::query(INSERT).execute(&patient).await?;
        let mut tx = patient.begin().await?;
        sqlx::query(INSERT).execute(&mut *tx).await?;
        tx.commit().await?;
        sqlx::query(INSERT).execute(&shop.pool).await.map(drop)
    })
    .await;
    assert_eq!(shop.count().await, 2);
    shop.is_idle_after(0).await;
}
