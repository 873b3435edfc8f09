//! Connections of any pool, taken through the door.

use std::{
    error::Error,
    fmt,
    future::Future,
    ops::{Deref, DerefMut},
};

use super::{Database, door::Pass};
use crate::rejection::Rejection;

/// A connection, or whatever a pool lends, with leave to hold it. Derefs to it.
#[derive(Debug)]
pub struct Lent<T> {
    // First, so that it is back before the leave is.
    connection: T,
    #[allow(dead_code, reason = "for now")]
    pass: Pass,
}

impl<T> Lent<T> {
    #[allow(dead_code, reason = "for now")]
    pub(crate) fn into_parts(self) -> (T, Pass) {
        (self.connection, self.pass)
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
#[derive(Debug)]
pub enum CheckoutError<E> {
    /// The gate in front of the pool refused.
    Refused(Rejection),
    /// The pool has none.
    Pool(E),
}

impl<E: fmt::Display> fmt::Display for CheckoutError<E> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Refused(rejection) => rejection.fmt(f),
            Self::Pool(error) => error.fmt(f),
        }
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
    /// statement `(connection)`. Time those with [`statement`](Self::statement).
    ///
    /// ```
    /// # async fn f(db: brownout::Database) -> Result<(), Box<dyn std::error::Error>> {
    /// # struct Pool; impl Pool {
    /// #     async fn get(&self) -> Result<(), std::io::Error> { Ok(()) }
    /// # }
    /// # let pool = Pool;
    /// let client = db.checkout(pool.get()).await?;
    /// # let query = std::future::ready(Ok::<_, std::io::Error>(()));
    /// db.statement("products").observe(query).await?;
    /// drop(client);
    /// # Ok(()) }
    /// ```
    ///
    /// # Errors
    ///
    /// [`CheckoutError`]: a refusal, or what the pool says.
    ///
    /// # Cancel safety
    ///
    /// As cancel safe as the pool.
    pub async fn checkout<F, T, E>(&self, connect: F) -> Result<Lent<T>, CheckoutError<E>>
    where
        F: Future<Output = Result<T, E>>,
        E: Error + 'static,
    {
        let pass = self.enter().await.map_err(CheckoutError::Refused)?;
        let waiting = self.statement(CONNECTION).observe(connect);
        let connection = waiting.await.map_err(CheckoutError::Pool)?;
        Ok(Lent { connection, pass })
    }
}

/// The statement that stands for the wait for a connection.
pub(crate) const CONNECTION: &str = "(connection)";
