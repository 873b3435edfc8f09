//! The wrapped pool of sqlx: what a real server still does for a client that has left.

use std::time::Duration;

use brownout::{Database, sqlx::Pool};
use futures_util::FutureExt;
use sqlx::{Any, AnyPool, AssertSqlSafe, Error};

use super::{
    Server, Table, pause,
    proxy::{Proxy, Way},
};
use crate::support::{MS, SECOND, within_a_minute};

impl Server {
    async fn wrapped(&self) -> (Database, Pool<Any>) {
        let (db, pool) = (Database::new("server"), self.pool(1).await);
        let pool = db.sqlx(pool);
        (db, pool)
    }

    /// A query that takes this long.
    fn nap(&self, long: Duration) -> AssertSqlSafe<String> {
        AssertSqlSafe(self.sleep.replace("0.05", &long.as_secs_f64().to_string()))
    }

    pub(crate) async fn a_query_that_is_left_is_in_flight_until_the_connection_is_back(&self) {
        let (db, pool) = self.wrapped().await;
        let mut query = Box::pin(sqlx::query(self.nap(300 * MS)).execute(&pool));
        // The connection is there, so that only the query itself is left.
        while db.snapshot().finished < 1 {
            assert!(query.as_mut().now_or_never().is_none());
            pause().await;
        }
        tokio::time::timeout(100 * MS, &mut query).await.expect_err("it takes longer");
        drop(query);
        let snapshot = db.snapshot();
        assert_eq!((snapshot.in_flight, snapshot.cancelled), (1, 0));
        assert_eq!(snapshot.pool.map(|pool| (pool.size, pool.idle)), Some((1, 0)));
        let left = tokio::time::Instant::now();
        within_a_minute(until_over(&db)).await;
        assert!(left.elapsed() >= 100 * MS, "it was in flight for as long as it took");
        assert_eq!(db.snapshot().cancelled, 1);
        assert_eq!(pool.size(), 1, "it is the same connection");
        answers(&pool).await;
    }

    pub(crate) async fn a_query_that_is_left_for_too_long_is_given_up(&self) {
        let (db, pool) = self.wrapped().await;
        let pool = pool.give_up_after(50 * MS);
        let nap = sqlx::query(self.nap(3 * SECOND)).execute(&pool);
        tokio::time::timeout(300 * MS, nap).await.expect_err("it takes longer");
        within_a_minute(until_over(&db)).await;
        assert_eq!((db.snapshot().cancelled, pool.size()), (1, 0));
        answers(&pool).await;
    }

    pub(crate) async fn a_transaction_that_is_left_in_a_query_rolls_back(&self) {
        let (db, pool) = self.wrapped().await;
        let table = Table::create(pool.inner()).await;
        let insert = format!("INSERT INTO {} VALUES (1)", table.name);
        let mut tx = pool.begin().await.expect("it may be opened");
        sqlx::query(AssertSqlSafe(insert.clone())).execute(&mut *tx).await.expect("it is new");
        let nap = sqlx::query(self.nap(200 * MS)).execute(&mut *tx);
        tokio::time::timeout(20 * MS, nap).await.expect_err("it takes longer");
        drop(tx);
        assert_eq!(db.snapshot().in_flight, 1);
        let mut tx = within_a_minute(pool.begin()).await.expect("it may be opened");
        let done = sqlx::query(AssertSqlSafe(insert)).execute(&mut *tx).await;
        assert_eq!(done.expect("it is new again").rows_affected(), 1);
        tx.commit().await.expect("it is open");
        assert_eq!(pool.size(), 1, "it is the same connection");
        table.drop(pool.inner()).await;
    }

    /// The next one on the pool is not in it.
    pub(crate) async fn a_begin_that_is_left_opens_nothing(&self) {
        let Slow { db, pool, proxy } = self.slow().await;
        let table = Table::create(pool.inner()).await;
        let mut held = pool.acquire().await.expect("one is free");
        proxy.set(Way::Mute);
        assert!(held.begin().now_or_never().is_none());
        let error = sqlx::query("SELECT 1").execute(&mut *held).now_or_never();
        assert!(matches!(error, Some(Err(Error::Protocol(_)))), "is it in a transaction?");
        drop(held);
        proxy.set(Way::Clear);
        let insert = format!("INSERT INTO {} VALUES (1)", table.name);
        within_a_minute(sqlx::query(AssertSqlSafe(insert)).execute(&pool))
            .await
            .expect("it is new");
        let beside = self.pool(1).await;
        assert_eq!(table.count(&beside).await, 1, "it was committed at once");
        assert_eq!(pool.size(), 1, "it is the same connection");
        within_a_minute(until_over(&db)).await;
        table.drop(pool.inner()).await;
    }

    /// What is acknowledged lasts: it does not run outside of the transaction, nor is the
    /// commit of one acknowledged that is gone.
    pub(crate) async fn a_savepoint_that_is_left_loses_nothing_that_was_acknowledged(&self) {
        let Slow { db, pool, proxy } = self.slow().await;
        let table = Table::create(pool.inner()).await;
        let insert =
            |id| sqlx::query(AssertSqlSafe(format!("INSERT INTO {} VALUES ({id})", table.name)));
        let mut tx = pool.begin().await.expect("it may be opened");
        insert(1).execute(&mut *tx).await.expect("it is new");
        proxy.set(Way::Mute);
        assert!(tx.begin().now_or_never().is_none());
        proxy.set(Way::Clear);
        let more = insert(2).execute(&mut *tx).await;
        let committed = tx.commit().await;
        let kept = i64::from(committed.is_ok()) * (1 + i64::from(more.is_ok()));
        let count = within_a_minute(table.count(pool.inner())).await;
        assert_eq!(count, kept, "{more:?}, {committed:?}");
        within_a_minute(until_over(&db)).await;
        table.drop(pool.inner()).await;
    }

    /// A pool behind a server whose answers can be held back.
    async fn slow(&self) -> Slow {
        let proxy = Proxy::before(&self.url).await.expect("it is a number");
        let server = Self { url: proxy.url.clone(), sleep: self.sleep };
        let (db, pool) = server.wrapped().await;
        Slow { db, pool, proxy }
    }
}

struct Slow {
    db: Database,
    pool: Pool<Any>,
    proxy: Proxy,
}

impl Table {
    async fn count(&self, pool: &AnyPool) -> i64 {
        let sql = format!("SELECT count(*) FROM {}", self.name);
        sqlx::query_scalar(AssertSqlSafe(sql)).fetch_one(pool).await.expect("it is valid")
    }
}

/// The pool has a connection, and it says what was asked for.
async fn answers(pool: &Pool<Any>) {
    let answer = within_a_minute(sqlx::query_scalar("SELECT 'here'").fetch_one(pool)).await;
    let answer: String = answer.expect("it is valid");
    assert_eq!(answer, "here");
}

pub(crate) async fn until_over(db: &Database) {
    while db.snapshot().in_flight > 0 {
        pause().await;
    }
}
