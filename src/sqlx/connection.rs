//! Connections that are held.

use std::{
    fmt,
    ops::{Deref, DerefMut},
    sync::Arc,
};

use ::sqlx::{Error, SqlSafeStr};
use sqlx_core::transaction::TransactionManager;
use tokio::runtime::Handle;

use super::{
    letting_go::Leftover,
    pool::Settings,
    statement_of,
    transaction::{Held, Transaction},
    work::{Driver, Kind, Work},
};
use crate::database::{Pass, Statement, Time};

pub(super) type Raw<DB> = ::sqlx::pool::PoolConnection<DB>;

/// A connection on loan from a [`Pool`](super::Pool). Dereferences to [`Connection`], of
/// which `&mut` runs queries: `query.execute(&mut *connection)`.
///
/// Goes back to the pool when it is dropped; with a query on it that nobody waited for,
/// only after the database has answered.
pub struct PoolConnection<DB: ::sqlx::Database>(Connection<DB>);

/// A connection that times what runs on it. `&mut Connection` is an
/// [`Executor`](::sqlx::Executor).
///
/// Nothing that runs on it is ever refused but what would begin after the deadline of its
/// request.
pub struct Connection<DB: ::sqlx::Database> {
    /// Nothing only while it drops.
    raw: Option<Raw<DB>>,
    work: Work,
    /// How deep in transactions its owner believes to be.
    pub(super) level: usize,
    /// Its number at the server, if it may have to be told there.
    pub(super) backend: Option<i64>,
    settings: Arc<Settings<DB>>,
    _pass: Pass,
    /// Where it was made. It can be dropped anywhere.
    runtime: Option<Handle>,
}

impl<DB: ::sqlx::Database> PoolConnection<DB> {
    pub(super) fn new(raw: Raw<DB>, pass: Pass, settings: Arc<Settings<DB>>) -> Self {
        let database = settings.database.clone();
        let work = Work::new(database, Driver::of::<DB>(), settings.without_deadline);
        let runtime = Handle::try_current().ok();
        let (raw, level, backend) = (Some(raw), 0, None);
        Self(Connection { raw, work, level, backend, settings, _pass: pass, runtime })
    }
}

impl<DB: ::sqlx::Database> Connection<DB> {
    /// sqlx's own connection, for what needs that. What runs on it is not timed, and if
    /// it is left before its end, nobody here knows.
    pub fn raw(&mut self) -> &mut DB::Connection {
        self.parts().0
    }

    /// Opens a transaction, or a savepoint inside of one.
    ///
    /// # Errors
    ///
    /// What the database says.
    ///
    /// # Cancel safety
    ///
    /// If dropped before the answer, a transaction may be open of which the driver does not
    /// know. So nothing runs on the connection any more, but on SQLite; when it is back in
    /// the pool, nothing is open. A savepoint that is left takes the whole transaction with
    /// it on PostgreSQL.
    pub async fn begin(&mut self) -> Result<Transaction<'_, DB>, Error> {
        Transaction::open(Held::Lent(self), None).await
    }

    /// Opens a transaction with a statement of your own, such as
    /// `BEGIN ISOLATION LEVEL SERIALIZABLE`.
    ///
    /// # Errors
    ///
    /// As [`begin`](Self::begin); also if a transaction is open, or the statement opens
    /// none.
    ///
    /// # Cancel safety
    ///
    /// As [`begin`](Self::begin).
    pub async fn begin_with(
        &mut self,
        statement: impl SqlSafeStr,
    ) -> Result<Transaction<'_, DB>, Error> {
        Transaction::open(Held::Lent(self), Some(statement.into_sql_str())).await
    }

    /// Whether a transaction is open.
    #[must_use]
    pub fn is_in_transaction(&self) -> bool {
        self.depth() > 0
    }

    /// How deep in transactions the driver believes to be.
    pub(super) fn depth(&self) -> usize {
        let raw = self.raw.as_ref().expect(HELD);
        DB::TransactionManager::get_transaction_depth(raw)
    }

    pub(super) fn statement_of(&self, sql: &str) -> Statement {
        statement_of(&self.work.database, sql)
    }

    /// The driver may have rolled back on its own, when a `begin` inside of a transaction
    /// was left. What would now run outside of any must not run.
    pub(super) fn check_level(&self) -> Result<(), Error> {
        if self.depth() < self.level {
            return Err(Error::Protocol(ROLLED_BACK.into()));
        }
        Ok(())
    }

    /// Counts in flight what is about to be sent, and tells how long that may last.
    pub(super) fn start(&mut self, sql: &str, kind: Kind) -> Result<Time, Error> {
        self.check_level()?;
        let statement = self.statement_of(sql);
        self.work.start(&statement, kind)
    }

    /// A rollback was queued for which nobody will wait.
    pub(super) fn rolling_back(&mut self) {
        if self.work.is_idle() {
            // Where it may not start, the connection is closed, which rolls back too.
            let _ = self.start("ROLLBACK", Kind::Rollback);
        }
    }

    /// It came back.
    pub(super) fn finish<T>(&mut self, result: &Result<T, Error>) {
        self.work.finish(result);
    }

    pub(super) fn parts(&mut self) -> (&mut DB::Connection, &mut Work) {
        (self.raw.as_mut().expect(HELD), &mut self.work)
    }
}

impl<DB: ::sqlx::Database> Drop for Connection<DB> {
    fn drop(&mut self) {
        let Some(raw) = self.raw.take() else { return };
        // sqlx needs it to give a connection back.
        let _runtime = self.runtime.as_ref().map(Handle::enter);
        let lost = self.work.is_lost();
        match (self.work.take(), &self.runtime) {
            _ if lost => drop(raw.detach()),
            (None, _) | (_, None) => drop(raw),
            (Some(running), Some(runtime)) => {
                let place = self.work.database.occupy();
                let left = Leftover::new(raw, running, self.backend, place);
                runtime.spawn(left.let_go(self.settings.clone()));
            }
        }
    }
}

impl<DB: ::sqlx::Database> AsMut<DB::Connection> for Connection<DB> {
    fn as_mut(&mut self) -> &mut DB::Connection {
        self.raw()
    }
}

impl<DB: ::sqlx::Database> fmt::Debug for Connection<DB> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Connection").field("idle", &self.work.is_idle()).finish_non_exhaustive()
    }
}

impl<DB: ::sqlx::Database> Deref for PoolConnection<DB> {
    type Target = Connection<DB>;

    fn deref(&self) -> &Connection<DB> {
        &self.0
    }
}

impl<DB: ::sqlx::Database> DerefMut for PoolConnection<DB> {
    fn deref_mut(&mut self) -> &mut Connection<DB> {
        &mut self.0
    }
}

impl<DB: ::sqlx::Database> fmt::Debug for PoolConnection<DB> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("PoolConnection").field(&self.0).finish()
    }
}

const HELD: &str = "it is there until it drops";
const ROLLED_BACK: &str = "the transaction was rolled back when a savepoint in it was left";
