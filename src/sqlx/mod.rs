//! sqlx pools that feel the database by themselves: [`Database::sqlx`].
//!
//! The wrapper is used like the pool that it wraps: `&pool` runs queries, `pool.acquire()`
//! lends a connection, `pool.begin()` opens a transaction, and `&mut *connection` and
//! `&mut *transaction` run queries. Each query is timed under its own text, apart from
//! the wait for a connection, which is the statement `(connection)`. Nothing else is to be
//! done, and no name to be given.
//!
//! ```
//! # #[tokio::main(flavor = "current_thread")]
//! # async fn main() -> Result<(), sqlx::Error> {
//! use brownout::Database;
//! use sqlx::sqlite::SqlitePoolOptions;
//!
//! let db = Database::new("shop");
//! let pool = SqlitePoolOptions::new().max_connections(1).connect("sqlite::memory:").await?;
//! let pool = db.sqlx(pool);
//!
//! sqlx::query("CREATE TABLE products (id INTEGER PRIMARY KEY, name TEXT)").execute(&pool).await?;
//! let mut tx = pool.begin().await?;
//! sqlx::query("INSERT INTO products (name) VALUES ($1)").bind("tea").execute(&mut *tx).await?;
//! tx.commit().await?;
//! let count: i64 = sqlx::query_scalar("SELECT count(*) FROM products").fetch_one(&pool).await?;
//! assert_eq!(count, 1);
//! assert_eq!(db.snapshot().in_flight, 0);
//! # Ok(()) }
//! ```
//!
//! Where a function takes an `impl Executor`, all of these go. Where it wants sqlx's own
//! connection, there is [`Connection::raw`], and sqlx's pool is [`Pool::inner`]: for
//! migrations, listeners, `COPY` and `Acquire`.
//!
//! # What is refused, and what never is
//!
//! With an [`Admission`](crate::Admission) that protects the database, whoever takes a
//! connection passes its gate, in order of importance, in front of the pool. So a pool
//! timeout is the exception. A refusal comes as an [`Error::Io`](::sqlx::Error::Io), in which
//! [`rejection_of`](crate::rejection_of) finds it. A connection that is held is never asked
//! again: what runs on it, the statements of an open transaction, COMMIT and ROLLBACK
//! included, is timed and never refused, as long as there is time.
//!
//! # Deadlines
//!
//! Where a request has a deadline ([`GateLayer::deadline`](crate::GateLayer::deadline)), the wait
//! for a connection ends there, and so does a query, PREPARE or BEGIN that is out: it fails with
//! a refusal for [`Reason::Deadline`](crate::Reason::Deadline), in the same kind of error as
//! the others. Nothing more is begun after it; a transaction that is open rolls back when it
//! is dropped. A COMMIT, a ROLLBACK, and what begins or ends a savepoint, always run to their
//! end: nobody could tell what became of them. What the database still does for a query that
//! was ended so is what it does for a client that has left, see below; also here,
//! [`cancel_abandoned`](Pool::cancel_abandoned) stops it at the server. It takes
//! [`attributed`](crate::attributed) for tasks to have the deadline of their request;
//! [`without_deadline`](Pool::without_deadline) is a handle on which nothing has one.
//!
//! The server is told of no deadline: a `statement_timeout` for each query would cost a round
//! trip for each, where this costs one for those that are late.
//!
//! # Queries that nobody waits for
//!
//! A client that goes away drops its query, but the database goes on with it. Such a
//! query stays counted in flight, and its connection is not lent again, until the
//! database has answered. That is waited for up to [30 seconds](Pool::give_up_after); then
//! the connection is closed for good. So it is with MySQL's driver when a query is left
//! before its PREPARE was answered: the driver then waits for what never comes. On
//! PostgreSQL, MySQL and MariaDB the wait can be cut short:
//!
//! ```no_run
//! # async fn f(db: brownout::Database) -> Result<(), sqlx::Error> {
//! use std::time::Duration;
//! use sqlx::PgPool;
//!
//! let pool = PgPool::connect("postgres://localhost/shop").await?;
//! let pool = db.sqlx(pool).cancel_abandoned().give_up_after(Duration::from_secs(5));
//! # Ok(()) }
//! ```

mod cancel;
mod connection;
mod executor;
mod letting_go;
mod outcome;
mod pool;
mod query;
mod rows;
mod sample;
mod transaction;
mod work;

pub use connection::{Connection, PoolConnection};
pub use outcome::outcome_of_error;
pub use pool::Pool;
pub use sample::sample_postgres;
pub use transaction::Transaction;

use crate::database::{Database, Statement};

/// The one place that says by which name a query is measured.
fn statement_of(database: &Database, sql: &str) -> Statement {
    database.sql(sql)
}

#[cfg(test)]
mod tests;
