//! Queries that are cancelled at the server when nobody waits for them.

use std::{future::Future, pin::Pin, sync::Arc};

use ::sqlx::{
    AssertSqlSafe, ColumnIndex, ConnectOptions, Connection as _, Decode, Executor, Row as _, Type,
};
use tokio::sync::{Mutex, MutexGuard};

use super::{connection::Connection, pool::Pool};

/// Tells the server to stop what one of its connections does.
pub(super) trait Cancel<DB: ::sqlx::Database>: Send + Sync {
    /// What the server calls this connection.
    fn identify<'c>(&self, connection: &'c mut Connection<DB>) -> Eventually<'c, Option<i64>>;

    /// A connection to say it on, if there can be one. All share it: cancelling must not be
    /// a burden.
    fn side(&self) -> Eventually<'_, Side<'_, DB>>;

    /// Returns when the server has been told, or could not be.
    fn cancel<'c>(&self, side: &'c mut Side<'_, DB>, backend: i64) -> Eventually<'c, ()>;
}

pub(super) type Side<'s, DB> = MutexGuard<'s, Option<<DB as ::sqlx::Database>::Connection>>;
pub(super) type Eventually<'c, T> = Pin<Box<dyn Future<Output = T> + Send + 'c>>;

impl<DB: ::sqlx::Database> Pool<DB>
where
    for<'c> &'c mut DB::Connection: Executor<'c, Database = DB>,
    for<'r> i64: Decode<'r, DB> + Type<DB>,
    usize: ColumnIndex<DB::Row>,
{
    /// Has the server stop queries that nobody waits for any longer, as when a client
    /// went away. Default: they run to their end, and count in flight until then.
    ///
    /// On PostgreSQL it is `pg_cancel_backend`, on MySQL and MariaDB `KILL QUERY`, on a
    /// connection beside the pool that is opened when it is first needed. Each connection
    /// that is taken from the pool is asked for its number first, which costs one more
    /// round trip: set `test_before_acquire(false)` on the pool to have the time back. On
    /// other databases, and where the driver is `Any`, it changes nothing. A COMMIT or
    /// ROLLBACK always runs to its end.
    #[must_use]
    pub fn cancel_abandoned(self) -> Self {
        let pool = self.inner().clone();
        let Some(tongue) = Tongue::of(DB::NAME) else { return self };
        self.cancelling(Arc::new(Canceller { pool, tongue, side: Mutex::default() }))
    }
}

struct Canceller<DB: ::sqlx::Database> {
    pool: ::sqlx::Pool<DB>,
    tongue: Tongue,
    side: Mutex<Option<DB::Connection>>,
}

/// How to say it.
struct Tongue {
    identify: &'static str,
    cancel: fn(i64) -> String,
}

impl Tongue {
    fn of(driver: &str) -> Option<Self> {
        match driver {
            "PostgreSQL" => Some(Self {
                identify: "SELECT pg_backend_pid()::int8",
                cancel: |backend| format!("SELECT pg_cancel_backend({backend})"),
            }),
            "MySQL" => Some(Self {
                identify: "SELECT CAST(CONNECTION_ID() AS SIGNED)",
                cancel: |backend| format!("KILL QUERY {backend}"),
            }),
            _ => None,
        }
    }
}

impl<DB: ::sqlx::Database> Cancel<DB> for Canceller<DB>
where
    for<'c> &'c mut DB::Connection: Executor<'c, Database = DB>,
    for<'r> i64: Decode<'r, DB> + Type<DB>,
    usize: ColumnIndex<DB::Row>,
{
    fn identify<'c>(&self, connection: &'c mut Connection<DB>) -> Eventually<'c, Option<i64>> {
        let sql = self.tongue.identify;
        Box::pin(async move { connection.fetch_one(sql).await.ok()?.try_get(0).ok() })
    }

    fn side(&self) -> Eventually<'_, Side<'_, DB>> {
        Box::pin(async move {
            let mut side = self.side.lock().await;
            // Taken, so that it is not used again if this is left half way.
            if let Some(mut used) = side.take() {
                *side = used.ping().await.is_ok().then_some(used);
            }
            if side.is_none() {
                *side = self.pool.connect_options().connect().await.ok();
            }
            side
        })
    }

    fn cancel<'c>(&self, side: &'c mut Side<'_, DB>, backend: i64) -> Eventually<'c, ()> {
        let sql = (self.tongue.cancel)(backend);
        Box::pin(async move {
            let Some(mut used) = side.take() else { return };
            // An error may say that there is nothing to cancel any more.
            let _ = used.execute(AssertSqlSafe(sql)).await;
            **side = Some(used);
        })
    }
}
