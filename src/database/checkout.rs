//! Connections of any pool, taken through the door.

use std::{
    error::Error,
    fmt,
    future::Future,
    ops::{Deref, DerefMut},
};

use super::{Database, ToTheEnd, deadline::Time, door::Pass};
use crate::rejection::Rejection;

/// A connection, or whatever a pool lends, with leave to hold it. Derefs to it, so it is
/// used as it would be without this crate. Dropped, the connection goes back to its pool.
///
/// # Cancel safety
///
/// If a query's future is dropped, it depends on the driver what becomes of the query.
/// `tokio-postgres` has sent it: the server goes on with it, the connection goes back to
/// the pool as if it were idle, and whoever gets it next waits for the end of that query.
/// Here it counts as cancelled from the moment of the drop, so what the server still does
/// is not counted as in flight. [`to_the_end`](Self::to_the_end) keeps the connection, and
/// the count, until the query is over.
#[derive(Debug)]
pub struct Lent<T> {
    // First, so that it is back before the leave is.
    connection: T,
    pass: Pass,
    database: Database,
}

impl<T> Lent<T> {
    /// Works with the connection in a task of its own, which goes on if the caller leaves:
    /// for queries that the server finishes anyway, and for what must not stop halfway.
    /// Until it is over, the connection is not back in its pool, and what it does counts
    /// as in flight, in front of the pool, too.
    ///
    /// ```
    /// # async fn f(db: brownout::Database) -> Result<(), Box<dyn std::error::Error>> {
    /// # struct Client; impl Client {
    /// #     async fn execute(&self, _: &str) -> Result<u64, std::io::Error> { Ok(1) }
    /// # }
    /// # struct Pool; impl Pool {
    /// #     async fn get(&self) -> Result<Client, std::io::Error> { Ok(Client) }
    /// # }
    /// # let pool = Pool;
    /// let client = db.checkout(pool.get()).await?;
    /// let order = db.statement("order");
    /// let rows = client
    ///     .to_the_end(async move |client| order.observe(client.execute("INSERT …")).await)
    ///     .await?;
    /// # Ok(()) }
    /// ```
    ///
    /// The connection has to own its way back to the pool, as `deadpool`'s does; of `bb8`,
    /// take it with `get_owned`.
    ///
    /// It starts at once, also if what it gives back is not awaited. To stop it, give it a
    /// timeout; a timeout of the server's is better, since that stops the server, too.
    ///
    /// # Panics
    ///
    /// Outside a tokio runtime. Awaited, it panics if the work does.
    ///
    /// # Cancel safety
    ///
    /// Dropping what it gives back stops nothing.
    pub fn to_the_end<W, F>(self, work: W) -> ToTheEnd<F::Output>
    where
        W: FnOnce(Self) -> F,
        F: Future + Send + 'static,
        F::Output: Send + 'static,
    {
        let (database, has_a_place) = (self.database.clone(), self.pass.is_held());
        ToTheEnd::start(work(self), database, has_a_place)
    }
}

impl<T> Deref for Lent<T> {
    type Target = T;

    fn deref(&self) -> &T {
        &self.connection
    }
}

impl<T> DerefMut for Lent<T> {
    fn deref_mut(&mut self) -> &mut T {
        &mut self.connection
    }
}

/// Why there is no connection.
///
/// It is an [`Error`] like any other to `?`; its [`source`](Error::source) is the
/// refusal or the pool's error. A service that answers by itself tells the two apart, such
/// as with a 503 and the refusal's `retry_after`:
///
/// ```
/// use brownout::CheckoutError;
///
/// struct Page { status: u16, retry_after: Option<u64> }
///
/// impl<E> From<CheckoutError<E>> for Page {
///     fn from(error: CheckoutError<E>) -> Self {
///         match error {
///             CheckoutError::Refused(rejection) => {
///                 Self { status: 503, retry_after: Some(rejection.retry_after().as_secs() + 1) }
///             }
///             CheckoutError::Pool(_) => Self { status: 500, retry_after: None },
///         }
///     }
/// }
/// ```
#[derive(Debug)]
pub enum CheckoutError<E> {
    /// The gate in front of the pool refused, or the request has no time left.
    Refused(Rejection),
    /// The pool has none.
    Pool(E),
}

impl<E> fmt::Display for CheckoutError<E> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Refused(_) => "no leave to take a connection",
            Self::Pool(_) => "no connection from the pool",
        })
    }
}

impl<E: Error + 'static> Error for CheckoutError<E> {
    fn source(&self) -> Option<&(dyn Error + 'static)> {
        match self {
            Self::Refused(rejection) => Some(rejection),
            Self::Pool(error) => Some(error),
        }
    }
}

impl Database {
    /// Takes a connection from any pool: `connect` is its `get` or `acquire`. The request
    /// waits in front of the pool, in order of importance, if it holds no permit for this
    /// database yet; the wait for the pool itself is timed apart from the queries, as the
    /// statement `(connection)`. Time those with [`statement`](Self::statement). With
    /// `deadpool-postgres`:
    ///
    /// ```no_run
    /// use brownout::Database;
    /// use deadpool_postgres::Pool;
    ///
    /// async fn name(db: &Database, pool: &Pool) -> Result<String, Box<dyn std::error::Error>> {
    ///     let client = db.checkout(pool.get()).await?;
    ///     let query = client.query_one("SELECT name FROM products WHERE id = $1", &[&1]);
    ///     let row = db.statement("product").observe(query).await?;
    ///     Ok(row.get(0))
    /// }
    /// ```
    ///
    /// With `bb8` it reads the same. Give the pool a longest wait: that of `bb8` is 30 s,
    /// and `deadpool` waits for ever if its `timeouts` are not set, which shows as a stall
    /// but never as a failure. A request with a [deadline](crate::GateLayer::deadline) waits no
    /// longer than to that. Its queries are yours to end: see [`time_left`](crate::time_left).
    ///
    /// # Errors
    ///
    /// [`CheckoutError`]: a refusal, or what the pool says. The latter is judged as a
    /// query's error is: a pool that has none to give in time, and a server that refuses
    /// connections, are overload.
    ///
    /// # Panics
    ///
    /// For a request with a deadline, outside a tokio runtime with time enabled.
    ///
    /// # Cancel safety
    ///
    /// As cancel safe as the pool. Dropped, it gives up its place in front of the pool.
    pub async fn checkout<F, T, E>(&self, connect: F) -> Result<Lent<T>, CheckoutError<E>>
    where
        F: Future<Output = Result<T, E>>,
        E: Error + 'static,
    {
        let pass = self.enter().await.map_err(CheckoutError::Refused)?;
        let time = Time::of_present().map_err(CheckoutError::Refused)?;
        let waiting = time.limit(self.statement(CONNECTION).observe(connect));
        let connection = waiting.await.map_err(CheckoutError::Refused)?;
        let connection = connection.map_err(CheckoutError::Pool)?;
        Ok(Lent { connection, pass, database: self.clone() })
    }
}

/// The statement that stands for the wait for a connection.
pub(crate) const CONNECTION: &str = "(connection)";

#[cfg(test)]
mod tests;
