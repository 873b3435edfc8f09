//! The pool itself.

use std::{fmt, io, sync::Arc, time::Duration};

use ::sqlx::{Connection, Error, SqlSafeStr};
use futures_util::FutureExt;

use super::{
    cancel::Cancel,
    connection::{PoolConnection, Raw},
    transaction::{Held, Transaction},
};
use crate::{
    database::{CONNECTION, Database, Pass, Pinging, PoolSnapshot, Time},
    outcome::Outcome,
    rejection::Rejection,
};

/// A pool of sqlx that feels its database, used like the pool: `&pool` runs queries. A
/// cheap handle. See the [module](super) and [`Database::sqlx`].
pub struct Pool<DB: ::sqlx::Database> {
    // Two layers, so that snapshots can ask it without keeping it alive.
    pool: Arc<::sqlx::Pool<DB>>,
    settings: Arc<Settings<DB>>,
}

pub(super) struct Settings<DB: ::sqlx::Database> {
    pub(super) database: Database,
    pub(super) give_up_after: Duration,
    pub(super) cancel: Option<Arc<dyn Cancel<DB>>>,
    /// Whether what runs here goes on after the deadline of its request.
    pub(super) without_deadline: bool,
}

impl Database {
    /// This pool, wrapped so that the database feels its queries and guards its
    /// connections, for PostgreSQL, MySQL and MariaDB, SQLite and `Any`. See
    /// [`brownout::sqlx`](crate::sqlx).
    ///
    /// From now on [`snapshot`](Self::snapshot) shows this pool's size, errors are judged by
    /// the codes of its driver, and an open circuit asks over it whether the database
    /// answers.
    #[must_use]
    pub fn sqlx<DB: ::sqlx::Database>(&self, pool: ::sqlx::Pool<DB>) -> Pool<DB> {
        let pool = Pool {
            pool: Arc::new(pool),
            settings: Arc::new(Settings {
                database: self.clone(),
                give_up_after: GIVE_UP_AFTER,
                cancel: None,
                without_deadline: false,
            }),
        };
        let (asked, pinged) = (Arc::downgrade(&pool.pool), Arc::downgrade(&pool.pool));
        let ask = move || asked.upgrade().map(|pool| snapshot(&pool));
        self.set_pool(ask, Some(Arc::new(move || ping(pinged.upgrade()))));
        self.recognise(super::outcome::known);
        pool
    }
}

impl<DB: ::sqlx::Database> Pool<DB> {
    /// For how long a query that nobody waits for may keep its connection. After that the
    /// connection is closed for good, and the query counts no longer, although the
    /// database may still be at it. Default: 30 s.
    #[must_use]
    pub fn give_up_after(self, patience: Duration) -> Self {
        self.with(|settings| settings.give_up_after = patience)
    }

    /// Has nothing on this handle end at the deadline of a request, nor be refused after it,
    /// for what has to be done even if nobody waits for it any more. Other handles of the pool
    /// stay as they are. Default: the wait for a connection and queries end there. See
    /// [the module](super#deadlines).
    ///
    /// ```no_run
    /// # async fn f(pool: brownout::sqlx::Pool<sqlx::Postgres>) -> Result<(), sqlx::Error> {
    /// let patient = pool.clone().without_deadline();
    /// sqlx::query("INSERT INTO audit DEFAULT VALUES").execute(&patient).await?;
    /// # Ok(()) }
    /// ```
    #[must_use]
    pub fn without_deadline(self) -> Self {
        self.with(|settings| settings.without_deadline = true)
    }

    pub(super) fn cancelling(self, cancel: Arc<dyn Cancel<DB>>) -> Self {
        self.with(|settings| settings.cancel = Some(cancel))
    }

    fn with(self, change: impl FnOnce(&mut Settings<DB>)) -> Self {
        let mut settings = Settings::clone(&self.settings);
        change(&mut settings);
        Self { settings: Arc::new(settings), ..self }
    }

    /// Takes a connection.
    ///
    /// # Errors
    ///
    /// What the pool says, or a refusal, also at the deadline of the request, in which
    /// [`rejection_of`](crate::rejection_of) finds the [`Rejection`].
    ///
    /// # Cancel safety
    ///
    /// Cancel safe.
    pub async fn acquire(&self) -> Result<PoolConnection<DB>, Error> {
        let database = &self.settings.database;
        let pass = database.enter().await.map_err(refused)?;
        let time =
            if self.settings.without_deadline { Ok(Time::ENDLESS) } else { Time::of_present() };
        let time = time.map_err(refused)?;
        let waiting = database.statement(CONNECTION).start();
        let raw = time.limit(self.pool.acquire()).await.map_err(refused)?;
        waiting.finish(outcome(database, &raw));
        let mut connection = self.lend(raw?, pass);
        if let Some(cancel) = &self.settings.cancel {
            connection.backend = cancel.identify(&mut connection).await;
        }
        Ok(connection)
    }

    /// Takes an idle connection, if there is one and nothing has to be waited for. Where
    /// [`cancel_abandoned`](Self::cancel_abandoned) is set, queries on it are not
    /// cancelled.
    #[must_use]
    pub fn try_acquire(&self) -> Option<PoolConnection<DB>> {
        let pass = self.settings.database.enter().now_or_never()?.ok()?;
        Some(self.lend(self.pool.try_acquire()?, pass))
    }

    /// Takes a connection and opens a transaction.
    ///
    /// # Errors
    ///
    /// As [`acquire`](Self::acquire), and what the database says.
    ///
    /// # Cancel safety
    ///
    /// Cancel safe.
    pub async fn begin(&self) -> Result<Transaction<'static, DB>, Error> {
        Transaction::open(Held::Own(self.acquire().await?), None).await
    }

    /// Takes a connection and opens a transaction with a statement of your own, such as
    /// `BEGIN ISOLATION LEVEL SERIALIZABLE`.
    ///
    /// # Errors
    ///
    /// As [`begin`](Self::begin); also if the statement opens no transaction.
    ///
    /// # Cancel safety
    ///
    /// Cancel safe.
    pub async fn begin_with(
        &self,
        statement: impl SqlSafeStr,
    ) -> Result<Transaction<'static, DB>, Error> {
        let statement = Some(statement.into_sql_str());
        Transaction::open(Held::Own(self.acquire().await?), statement).await
    }

    /// As many connections as there are, those in use and those that are idle.
    #[must_use]
    pub fn size(&self) -> u32 {
        self.pool.size()
    }

    /// As many of them as are idle.
    #[must_use]
    pub fn num_idle(&self) -> usize {
        self.pool.num_idle()
    }

    /// Its figures now, as [`Database::snapshot`] shows them.
    #[must_use]
    pub fn snapshot(&self) -> PoolSnapshot {
        snapshot(&self.pool)
    }

    /// Closes the pool: nothing can be taken from it any more, and it waits until all
    /// connections are back.
    pub async fn close(&self) {
        self.pool.close().await;
    }

    /// Whether it was closed.
    #[must_use]
    pub fn is_closed(&self) -> bool {
        self.pool.is_closed()
    }

    /// sqlx's own pool, for what needs that, such as migrations. What runs on it is
    /// neither timed nor refused.
    #[must_use]
    pub fn inner(&self) -> &::sqlx::Pool<DB> {
        &self.pool
    }

    /// The database that feels it.
    #[must_use]
    pub fn database(&self) -> &Database {
        &self.settings.database
    }

    fn lend(&self, raw: Raw<DB>, pass: Pass) -> PoolConnection<DB> {
        PoolConnection::new(raw, pass, self.settings.clone())
    }
}

/// Whether the database answers on a connection of the pool.
fn ping<DB: ::sqlx::Database>(pool: Option<Arc<::sqlx::Pool<DB>>>) -> Pinging {
    Box::pin(async move {
        let mut connection = pool.ok_or(())?.acquire().await.map_err(drop)?;
        connection.ping().await.map_err(drop)
    })
}

fn snapshot<DB: ::sqlx::Database>(pool: &::sqlx::Pool<DB>) -> PoolSnapshot {
    let idle = u32::try_from(pool.num_idle()).unwrap_or(u32::MAX);
    PoolSnapshot::new(pool.options().get_max_connections(), pool.size(), idle)
}

/// No connection means that the database has too much to do, is not there, or lets nobody in:
/// whatever it says, such as of a password, nobody gets anything from it.
pub(super) fn outcome<T>(database: &Database, connection: &Result<T, Error>) -> Outcome {
    match connection {
        Ok(_) => Outcome::Success,
        Err(
            Error::PoolTimedOut
            | Error::Io(_)
            | Error::Tls(_)
            | Error::Database(_)
            | Error::WorkerCrashed,
        ) => Outcome::Overload,
        Err(error) => database.judge(error),
    }
}

pub(super) fn refused(rejection: Rejection) -> Error {
    Error::Io(io::Error::other(rejection))
}

impl<DB: ::sqlx::Database> Clone for Pool<DB> {
    fn clone(&self) -> Self {
        Self { pool: self.pool.clone(), settings: self.settings.clone() }
    }
}

// By hand, since databases need not be `Clone`.
impl<DB: ::sqlx::Database> Clone for Settings<DB> {
    fn clone(&self) -> Self {
        Self {
            database: self.database.clone(),
            give_up_after: self.give_up_after,
            cancel: self.cancel.clone(),
            without_deadline: self.without_deadline,
        }
    }
}

impl<DB: ::sqlx::Database> fmt::Debug for Pool<DB> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Pool")
            .field("database", &self.settings.database.name())
            .field("connections", &self.snapshot())
            .finish_non_exhaustive()
    }
}

const GIVE_UP_AFTER: Duration = Duration::from_secs(30);
