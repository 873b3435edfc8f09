//! Transactions and savepoints.

use std::{
    fmt,
    ops::{Deref, DerefMut},
};

use ::sqlx::{Error, SqlStr};
use sqlx_core::transaction::TransactionManager;

use super::{
    connection::{Connection, PoolConnection},
    pool::refused,
    work::Kind,
};

/// An open transaction or savepoint. Dereferences to [`Connection`], of which `&mut` runs
/// queries: `query.execute(&mut *transaction)`; its [`begin`](Connection::begin) sets a
/// savepoint.
///
/// Dropped without a [`commit`](Self::commit), it rolls back: so does an error that is
/// passed on with `?`, a client that goes away, and the deadline of its request. Nothing in it
/// is ever refused but what would begin after that; a COMMIT and a ROLLBACK run to their end.
#[must_use = "it rolls back when dropped"]
pub struct Transaction<'c, DB: ::sqlx::Database> {
    connection: Held<'c, DB>,
    /// 1 for a transaction, more for a savepoint.
    depth: usize,
    open: bool,
}

#[allow(clippy::large_enum_variant, reason = "mostly it is the large one")]
pub(super) enum Held<'c, DB: ::sqlx::Database> {
    Own(PoolConnection<DB>),
    Lent(&'c mut Connection<DB>),
}

impl<'c, DB: ::sqlx::Database> Transaction<'c, DB> {
    pub(super) async fn open(
        connection: Held<'c, DB>,
        statement: Option<SqlStr>,
    ) -> Result<Self, Error> {
        let mut new = Self { connection, depth: 0, open: false };
        // By the driver it may still be deeper, where a rollback is on its way.
        new.depth = new.level + 1;
        // Without its answer, a savepoint changes nothing that the driver has to know.
        let (name, kind) =
            if new.depth == 1 { ("BEGIN", Kind::Begin) } else { ("SAVEPOINT", Kind::Control) };
        let time = new.start(name, kind)?;
        let begin = DB::TransactionManager::begin(new.raw(), statement);
        let result = time.limit(begin).await.map_err(refused)?;
        new.finish(&result);
        result?;
        new.open = true;
        new.level = new.depth;
        Ok(new)
    }

    /// Commits the transaction, or releases the savepoint.
    ///
    /// # Errors
    ///
    /// What the database says. Then it is rolled back.
    ///
    /// # Cancel safety
    ///
    /// If dropped before the answer, it may have been committed or not.
    pub async fn commit(mut self) -> Result<(), Error> {
        let name = if self.depth == 1 { "COMMIT" } else { "RELEASE SAVEPOINT" };
        self.start(name, Kind::Control)?;
        let result = DB::TransactionManager::commit(self.raw()).await;
        self.end(result)
    }

    /// Rolls the transaction back, or back to the savepoint.
    ///
    /// # Errors
    ///
    /// What the database says.
    ///
    /// # Cancel safety
    ///
    /// It is rolled back in any case.
    pub async fn rollback(mut self) -> Result<(), Error> {
        let name = if self.depth == 1 { "ROLLBACK" } else { "ROLLBACK TO SAVEPOINT" };
        self.start(name, Kind::Control)?;
        let result = DB::TransactionManager::rollback(self.raw()).await;
        self.end(result)
    }

    fn end(&mut self, result: Result<(), Error>) -> Result<(), Error> {
        self.finish(&result);
        result?;
        self.open = false;
        self.level = self.depth - 1;
        Ok(())
    }
}

impl<DB: ::sqlx::Database> Drop for Transaction<'_, DB> {
    fn drop(&mut self) {
        if !self.open {
            return;
        }
        self.level = self.depth - 1;
        // It goes out with whatever comes next on the connection.
        DB::TransactionManager::start_rollback(self.raw());
        if let Held::Own(connection) = &mut self.connection {
            connection.rolling_back();
        }
    }
}

impl<DB: ::sqlx::Database> Deref for Transaction<'_, DB> {
    type Target = Connection<DB>;

    fn deref(&self) -> &Connection<DB> {
        match &self.connection {
            Held::Own(connection) => connection,
            Held::Lent(connection) => connection,
        }
    }
}

impl<DB: ::sqlx::Database> DerefMut for Transaction<'_, DB> {
    fn deref_mut(&mut self) -> &mut Connection<DB> {
        match &mut self.connection {
            Held::Own(connection) => connection,
            Held::Lent(connection) => connection,
        }
    }
}

impl<DB: ::sqlx::Database> fmt::Debug for Transaction<'_, DB> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Transaction").field("depth", &self.depth).finish_non_exhaustive()
    }
}
