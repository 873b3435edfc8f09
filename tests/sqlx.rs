//! The wrapped pool of sqlx, on SQLite.

#![cfg(all(feature = "sqlx", feature = "http"))]

mod support;

use brownout::{Database, sqlx::Pool};
use futures_util::{FutureExt, StreamExt, TryStreamExt};
use sqlx::{
    AnyPool, Either, Error, Executor, Row, Sqlite, Statement,
    any::{AnyPoolOptions, install_default_drivers},
    sqlite::SqlitePoolOptions,
};
use tempfile::TempDir;
use tokio::task::JoinSet;

use crate::support::{MS, within_a_minute};

/// A database in a file of its own, with a table.
struct Shop {
    db: Database,
    pool: Pool<Sqlite>,
    folder: TempDir,
}

impl Shop {
    async fn open() -> Self {
        Self::with(SqlitePoolOptions::new().max_connections(2)).await
    }

    async fn with(options: SqlitePoolOptions) -> Self {
        let folder = TempDir::new().expect("there is room");
        let pool = options.connect(&url(&folder)).await.expect("it is a file");
        pool.execute(TABLE).await.expect("it is valid");
        let db = Database::new("shop");
        Self { pool: db.sqlx(pool), db, folder }
    }

    async fn count(&self) -> i64 {
        sqlx::query_scalar(COUNT).fetch_one(self.pool.inner()).await.expect("it is valid")
    }
}

fn url(folder: &TempDir) -> String {
    format!("sqlite://{}?mode=rwc", folder.path().join("shop").display())
}

const TABLE: &str = "CREATE TABLE t (id INTEGER PRIMARY KEY, name TEXT UNIQUE)";
const COUNT: &str = "SELECT count(*) FROM t";
const INSERT: &str = "INSERT INTO t (name) VALUES ($1)";
const NAMES: &str = "SELECT name FROM t ORDER BY id";
/// Some tenths of a second.
const LONG: &str = "WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n LIMIT 1000000) \
    SELECT max(i) FROM n";

/// Every method of an executor once: eleven queries, and one that is described.
macro_rules! run_everything {
    ($on:expr) => {{
        let on = sqlx::query(INSERT).bind("tea").execute($on).await.expect("it is new");
        assert_eq!(on.rows_affected(), 1);
        let results: Vec<_> = $on.execute_many(TWO).try_collect().await.expect("they are new");
        assert_eq!(results.iter().map(|done| done.rows_affected()).sum::<u64>(), 2);
        let rows: Vec<_> = sqlx::query(NAMES).fetch($on).try_collect().await.expect("it is valid");
        assert_eq!(rows.len(), 3);
        let both: Vec<_> = $on.fetch_many("SELECT 1; SELECT 2").try_collect().await.expect("valid");
        assert_eq!(both.iter().filter(|either| matches!(either, Either::Right(_))).count(), 2);
        let rows = sqlx::query(NAMES).fetch_all($on).await.expect("it is valid");
        assert_eq!(rows[2].get::<String, _>(0), "rice");
        let row = sqlx::query(NAMES).fetch_one($on).await.expect("there is one");
        assert_eq!(row.get::<&str, _>(0), "tea");
        let none = sqlx::query("SELECT 1 WHERE 1 = 0").fetch_optional($on).await.expect("valid");
        assert!(none.is_none());
        let error = sqlx::query("SELECT 1 WHERE 1 = 0").fetch_one($on).await.expect_err("none");
        assert!(matches!(error, Error::RowNotFound));
        let (id, name): (i64, String) = sqlx::query_as("SELECT id, name FROM t WHERE name = $1")
            .bind("tea")
            .fetch_one($on)
            .await
            .expect("there is one");
        assert_eq!((id, &name[..]), (1, "tea"));
        let prepared = $on.prepare(sqlx::SqlStr::from_static(COUNT)).await.expect("it is valid");
        let count: i64 = prepared.query_scalar().fetch_one($on).await.expect("it is valid");
        assert_eq!(count, 3);
        let described = $on.describe(sqlx::SqlStr::from_static(COUNT)).await.expect("it is valid");
        assert_eq!(described.columns.len(), 1);
    }};
}

const TWO: &str = "INSERT INTO t (name) VALUES ('milk'); INSERT INTO t (name) VALUES ('rice')";

/// All in flight is over, and so many came back.
fn finished(db: &Database) -> u64 {
    let snapshot = db.snapshot();
    assert_eq!((snapshot.in_flight, snapshot.cancelled, snapshot.overloads), (0, 0, 0));
    snapshot.finished
}

#[tokio::test]
async fn everything_runs_on_the_pool() {
    let shop = Shop::open().await;
    run_everything!(&shop.pool);
    assert_eq!(finished(&shop.db), 2 * 12, "each waits for a connection");
}

#[tokio::test]
async fn everything_runs_on_a_connection() {
    let shop = Shop::open().await;
    let mut connection = shop.pool.acquire().await.expect("one is free");
    run_everything!(&mut *connection);
    assert_eq!(finished(&shop.db), 1 + 12);
}

#[tokio::test]
async fn everything_runs_in_a_transaction() {
    let shop = Shop::open().await;
    let mut tx = shop.pool.begin().await.expect("one is free");
    run_everything!(&mut *tx);
    tx.commit().await.expect("it is open");
    assert_eq!(finished(&shop.db), 1 + 12 + 2);
    assert_eq!(shop.count().await, 3);
}

#[tokio::test]
async fn everything_runs_where_the_driver_is_any() {
    install_default_drivers();
    let (db, folder) = (Database::new("shop"), TempDir::new().expect("there is room"));
    let pool: AnyPool = AnyPoolOptions::new().connect(&url(&folder)).await.expect("it is a file");
    let pool = db.sqlx(pool);
    sqlx::query(TABLE).execute(&pool).await.expect("it is valid");
    let mut tx = pool.begin().await.expect("one is free");
    sqlx::query(INSERT).bind("tea").execute(&mut *tx).await.expect("it is new");
    let mut inner = tx.begin().await.expect("it is open");
    sqlx::query(INSERT).bind("milk").execute(&mut *inner).await.expect("it is new");
    drop(inner);
    tx.commit().await.expect("it is open");
    let names: Vec<(String,)> = sqlx::query_as(NAMES).fetch_all(&pool).await.expect("valid");
    assert_eq!(names, [("tea".to_owned(),)]);
    assert_eq!(finished(&db), 2 + 6 + 2, "the implied rollback goes with the commit");
}

#[tokio::test]
async fn statements_have_names_apart_from_the_wait_and_so_has_what_ends_them() {
    let shop = Shop::open().await;
    let purchase = async || -> Result<(), Error> {
        let mut tx = shop.pool.begin().await?;
        sqlx::query(COUNT).fetch_one(&mut *tx).await?;
        let mut inner = tx.begin().await?;
        sqlx::query(NAMES).fetch_all(&mut *inner).await?;
        inner.commit().await?;
        tx.begin().await?.rollback().await?;
        tx.commit().await?;
        shop.pool.begin().await?.rollback().await
    };
    purchase().await.expect("it is valid");
    let mut names: Vec<_> = shop.db.statements().iter().map(|own| own.name.to_string()).collect();
    names.sort();
    let begins = ["(connection)", "BEGIN", "COMMIT", "RELEASE SAVEPOINT", "ROLLBACK"];
    assert_eq!(names[..5], begins);
    assert_eq!(names[5..], ["ROLLBACK TO SAVEPOINT", "SAVEPOINT", COUNT, NAMES]);
}

#[tokio::test]
async fn an_exhausted_pool_is_an_overload_of_the_wait() {
    let options = SqlitePoolOptions::new().max_connections(1).acquire_timeout(20 * MS);
    let shop = Shop::with(options).await;
    let _taken = shop.pool.acquire().await.expect("one is free");
    let error = sqlx::query(COUNT).fetch_one(&shop.pool).await.expect_err("none is free");
    assert!(matches!(error, Error::PoolTimedOut), "{error}");
    assert!(shop.pool.try_acquire().is_none());
    let snapshot = shop.db.snapshot();
    assert_eq!((snapshot.overloads, snapshot.errors, snapshot.finished), (1, 0, 2));
}

#[tokio::test]
async fn a_database_that_cannot_be_reached_is_an_overload_and_a_closed_pool_is_none() {
    let db = Database::new("shop");
    let nowhere =
        sqlx::PgPool::connect_lazy("postgres://nobody@127.0.0.1:1/nowhere?sslmode=disable");
    let options = nowhere.expect("it is valid").connect_options();
    let pool = sqlx::postgres::PgPoolOptions::new().acquire_timeout(50 * MS);
    let pool = db.sqlx(pool.connect_lazy_with((*options).clone()));
    pool.acquire().await.expect_err("nobody listens");
    assert_eq!((db.snapshot().overloads, db.snapshot().errors), (1, 0));
    pool.close().await;
    assert!(pool.is_closed());
    assert!(matches!(pool.acquire().await, Err(Error::PoolClosed)));
    assert_eq!((db.snapshot().overloads, db.snapshot().errors), (1, 1));
}

#[tokio::test]
async fn a_unique_violation_is_an_error_and_no_overload() {
    let shop = Shop::open().await;
    let insert = || sqlx::query(INSERT).bind("tea").execute(&shop.pool);
    insert().await.expect("it is new");
    insert().await.expect_err("it is there already");
    let snapshot = shop.db.snapshot();
    assert_eq!((snapshot.errors, snapshot.overloads, snapshot.in_flight), (1, 0, 0));
}

#[tokio::test]
async fn snapshots_show_the_pool_until_it_is_gone() {
    let Shop { db, pool, folder: _folder } = Shop::open().await;
    let held = pool.acquire().await.expect("one is free");
    let shown = db.snapshot().pool.expect("there is one");
    assert_eq!((shown.max, shown.size, shown.idle as usize), (2, pool.size(), pool.num_idle()));
    assert_eq!(shown, pool.snapshot());
    drop(held);
    drop(pool);
    assert_eq!(db.snapshot().pool, None);
}

#[tokio::test]
async fn a_transaction_lasts_only_if_it_is_committed() {
    let shop = Shop::open().await;
    let insert = async |name: &'static str| -> Result<_, Error> {
        let mut tx = shop.pool.begin().await?;
        sqlx::query(INSERT).bind(name).execute(&mut *tx).await?;
        Ok(tx)
    };
    insert("committed").await.unwrap().commit().await.unwrap();
    insert("rolled back").await.unwrap().rollback().await.unwrap();
    drop(insert("dropped").await.unwrap());
    insert("committed").await.expect_err("it is there already");
    assert_eq!(shop.count().await, 1);
    let mut connection = shop.pool.acquire().await.unwrap();
    assert!(!connection.is_in_transaction());
    let mut tx = connection.begin_with("BEGIN IMMEDIATE").await.unwrap();
    assert!(tx.is_in_transaction());
    sqlx::query(INSERT).bind("on a connection").execute(&mut *tx).await.unwrap();
    tx.commit().await.unwrap();
    let tx = shop.pool.begin_with("BEGIN IMMEDIATE").await.unwrap();
    tx.commit().await.unwrap();
    assert_eq!(shop.count().await, 2);
}

#[tokio::test]
async fn a_savepoint_goes_alone() {
    let shop = Shop::open().await;
    let mut tx = shop.pool.begin().await.unwrap();
    for (name, keep) in [("kept", true), ("lost", false), ("kept too", true)] {
        let mut inner = tx.begin().await.unwrap();
        sqlx::query(INSERT).bind(name).execute(&mut *inner).await.unwrap();
        if keep {
            inner.commit().await.unwrap();
        }
    }
    tx.commit().await.unwrap();
    let names: Vec<(String,)> = sqlx::query_as(NAMES).fetch_all(&shop.pool).await.unwrap();
    assert_eq!(names, [("kept".to_owned(),), ("kept too".to_owned(),)]);
}

#[tokio::test]
async fn an_implied_rollback_is_timed_too() {
    let shop = Shop::open().await;
    let tx = shop.pool.begin().await.unwrap();
    drop(tx);
    assert_eq!(shop.db.snapshot().in_flight, 1);
    within_a_minute(until(|| shop.db.snapshot().in_flight == 0)).await;
    assert_eq!(finished(&shop.db), 3);
}

#[tokio::test]
async fn rows_that_nobody_wants_any_more_give_their_connection_back() {
    let shop = Shop::with(SqlitePoolOptions::new().max_connections(1)).await;
    run_everything!(&shop.pool);
    for _ in 0..3 {
        let mut rows = sqlx::query("SELECT 1 FROM t, t, t, t, t, t, t").fetch(&shop.pool);
        rows.next().await.expect("there are many").expect("it is valid");
        assert_eq!(shop.db.snapshot().in_flight, 1);
        drop(rows);
    }
    within_a_minute(until(|| shop.db.snapshot().in_flight == 0)).await;
    assert_eq!(shop.db.snapshot().cancelled, 3);
    assert_eq!(shop.pool.size(), 1);
}

#[tokio::test]
async fn a_query_that_is_left_ends_before_the_next_on_its_connection() {
    let shop = Shop::open().await;
    let mut tx = shop.pool.begin().await.unwrap();
    assert!(sqlx::query(LONG).execute(&mut *tx).now_or_never().is_none(), "it takes longer");
    assert_eq!((shop.db.snapshot().in_flight, shop.db.snapshot().cancelled), (1, 0));
    sqlx::query(INSERT).bind("tea").execute(&mut *tx).await.unwrap();
    assert_eq!((shop.db.snapshot().in_flight, shop.db.snapshot().cancelled), (0, 1));
    tx.commit().await.unwrap();
    assert_eq!(shop.count().await, 1);
}

#[tokio::test]
async fn a_transaction_that_is_left_in_the_middle_rolls_back() {
    let shop = Shop::with(SqlitePoolOptions::new().max_connections(1)).await;
    let mut tx = shop.pool.begin().await.unwrap();
    sqlx::query(INSERT).bind("tea").execute(&mut *tx).await.unwrap();
    assert!(sqlx::query(LONG).execute(&mut *tx).now_or_never().is_none(), "it takes longer");
    drop(tx);
    assert_eq!(shop.db.snapshot().in_flight, 1);
    assert_eq!(shop.count().await, 0);
    let mut connection = shop.pool.acquire().await.unwrap();
    assert!(!connection.is_in_transaction());
    sqlx::query(INSERT).bind("milk").execute(&mut *connection).await.unwrap();
    assert_eq!(shop.count_beside().await, 1);
}

#[tokio::test]
async fn a_begin_that_is_left_opens_nothing() {
    let shop = Shop::with(SqlitePoolOptions::new().max_connections(1)).await;
    let mut held = shop.pool.acquire().await.unwrap();
    // The database may be as fast as this thread: then it is a transaction that is left.
    drop(held.begin().now_or_never());
    drop(held);
    assert!(!shop.pool.acquire().await.unwrap().is_in_transaction());
    sqlx::query(INSERT).bind("tea").execute(&shop.pool).await.unwrap();
    assert_eq!(shop.count_beside().await, 1);
}

#[tokio::test]
async fn what_is_raw_is_sqlx_s_own() {
    let shop = Shop::open().await;
    let mut connection = shop.pool.acquire().await.unwrap();
    sqlx::query(COUNT).fetch_one(connection.raw()).await.unwrap();
    assert_eq!(finished(&shop.db), 1, "it is not timed");
}

/// As in a handler: it may be on any thread.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn many_at_once_each_have_their_own() {
    let shop = Shop::with(SqlitePoolOptions::new().max_connections(4)).await;
    let mut tasks = JoinSet::new();
    for number in 0..40 {
        let pool = shop.pool.clone();
        tasks.spawn(async move {
            let mut tx = pool.begin_with("BEGIN IMMEDIATE").await?;
            sqlx::query(INSERT).bind(format!("{number}")).execute(&mut *tx).await?;
            let mut inner = tx.begin().await?;
            name_of(&mut *inner, number).await?;
            inner.commit().await?;
            tx.commit().await?;
            let mut connection = pool.acquire().await?;
            name_of(&mut *connection, number).await?;
            drop(connection);
            sqlx::query(NAMES).fetch(&pool).try_for_each(|_| async { Ok(()) }).await?;
            name_of(&pool, number).await
        });
    }
    let names = within_a_minute(tasks.join_all()).await;
    for (number, name) in names.into_iter().enumerate() {
        assert!(name.is_ok(), "{number}: {name:?}");
    }
    assert_eq!(shop.count().await, 40);
    within_a_minute(until(|| shop.db.snapshot().in_flight == 0)).await;
}

/// As a function that does not care where it runs.
async fn name_of<'c>(
    on: impl Executor<'c, Database = Sqlite>,
    number: u32,
) -> Result<String, Error> {
    let sql = "SELECT name FROM t WHERE name = $1";
    sqlx::query_scalar(sql).bind(number.to_string()).fetch_one(on).await
}

impl Shop {
    /// As another process would count.
    async fn count_beside(&self) -> i64 {
        let beside = SqlitePoolOptions::new().connect(&url(&self.folder)).await.unwrap();
        sqlx::query_scalar(COUNT).fetch_one(&beside).await.unwrap()
    }
}

async fn until(what: impl Fn() -> bool) {
    while !what() {
        tokio::time::sleep(MS).await;
    }
}
