//! The shop's queries, nothing else: no cache, no retry, no queue of its own.

use std::mem;
use std::sync::{Arc, Mutex};

use brownout::Database;
use brownout::sqlx::{Pool, PoolConnection};
use sqlx::any::{Any, AnyPoolOptions};
use sqlx::{Error, Executor, SqlStr, query, query_as, query_scalar};
use tokio::time::Instant;

use super::dialect::Dialect;

/// Connections of the shop's pool: far more than two cores can serve at once. All else
/// about it is sqlx's default.
pub(crate) const POOL: u32 = 20;

/// A pool of connections and the statements in the database's language.
#[derive(Clone, Debug)]
pub(crate) struct Store {
    pool: Pool<Any>,
    statements: Arc<Statements>,
    /// When a request had its connection and began with the database.
    starts: Arc<Mutex<Vec<Instant>>>,
}

#[derive(Debug)]
struct Statements {
    product: SqlStr,
    search: SqlStr,
    slow_search: SqlStr,
    sell: SqlStr,
    record: SqlStr,
    order: SqlStr,
}

/// How a checkout that did not fail ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Placed {
    Now,
    /// By an earlier attempt with the same order id.
    Before,
}

impl Store {
    /// The shop's pool of so many connections, over tables that exist.
    ///
    /// sqlx's MySQL driver loses its place in the protocol when a query is dropped while
    /// its statement is being prepared. Customers who leave do drop queries, so there the
    /// statements are prepared before anyone can wait for them.
    pub(crate) async fn open(
        dialect: Dialect,
        url: &str,
        database: &Database,
        connections: u32,
    ) -> Result<Self, Error> {
        let statements = Statements::new(dialect);
        let early: Arc<[SqlStr]> = match dialect {
            Dialect::Postgres => Arc::default(),
            Dialect::MariaDb => statements.all().into(),
        };
        let pool = AnyPoolOptions::new()
            .max_connections(connections)
            .after_connect(move |connection, _| {
                let early = Arc::clone(&early);
                Box::pin(async move {
                    for sql in early.iter() {
                        connection.prepare(sql.clone()).await?;
                    }
                    Ok(())
                })
            })
            .connect(url)
            .await?;
        let pool = database.sqlx(pool);
        Ok(Self { pool, statements: Arc::new(statements), starts: Arc::default() })
    }

    /// Name and price of one product: a look at the primary key.
    pub(crate) async fn product(&self, id: i64) -> Result<Option<(String, i64)>, Error> {
        let sql = self.statements.product.clone();
        query_as(sql).bind(id).fetch_optional(&mut *self.connection().await?).await
    }

    /// Hits and lowest price: reads every description.
    pub(crate) async fn search(&self, word: &str) -> Result<(i64, i64), Error> {
        let sql = self.statements.search.clone();
        query_as(sql).bind(format!("%{word}%")).fetch_one(&mut *self.connection().await?).await
    }

    /// A search that takes so many seconds.
    pub(crate) async fn slow_search(&self, seconds: f64) -> Result<(i64, i64), Error> {
        let sql = self.statements.slow_search.clone();
        query_as(sql).bind(seconds).fetch_one(&mut *self.connection().await?).await
    }

    /// Takes one piece from the stock and keeps the order, both or neither.
    ///
    /// The stock row goes first: whoever has it locked can be overtaken by nobody who
    /// wants the same, so no two checkouts deadlock.
    pub(crate) async fn check_out(&self, order: &str, item: i64) -> Result<Placed, Error> {
        let mut connection = self.connection().await?;
        let mut transaction = connection.begin().await?;
        query(self.statements.sell.clone()).bind(item).execute(&mut *transaction).await?;
        let record = query(self.statements.record.clone()).bind(order).bind(item);
        match record.execute(&mut *transaction).await {
            Ok(_) => transaction.commit().await.map(|()| Placed::Now),
            Err(Error::Database(error)) if error.is_unique_violation() => {
                transaction.rollback().await.map(|()| Placed::Before)
            }
            Err(error) => Err(error),
        }
    }

    /// Whether the order exists.
    pub(crate) async fn has_order(&self, order: &str) -> Result<bool, Error> {
        let order = query_scalar::<_, i64>(self.statements.order.clone()).bind(order);
        Ok(order.fetch_optional(&mut *self.connection().await?).await?.is_some())
    }

    /// Has new connections be made to another address.
    pub(crate) fn connect_to(&self, url: &str) -> Result<(), Error> {
        self.pool.inner().set_connect_options(url.parse()?);
        Ok(())
    }

    /// A connection for somebody who does nothing with it.
    pub(crate) async fn idle_connection(&self) -> Result<PoolConnection<Any>, Error> {
        self.pool.acquire().await
    }

    /// When the requests so far began with the database; forgets it.
    pub(crate) fn take_starts(&self) -> Vec<Instant> {
        mem::take(&mut self.starts.lock().expect("nobody panics with it"))
    }

    /// Connections that serve a query or wait for its end.
    pub(crate) fn busy(&self) -> usize {
        (self.pool.size() as usize).saturating_sub(self.pool.num_idle())
    }

    async fn connection(&self) -> Result<PoolConnection<Any>, Error> {
        let connection = self.pool.acquire().await?;
        self.starts.lock().expect("nobody panics with it").push(Instant::now());
        Ok(connection)
    }
}

impl Statements {
    fn all(&self) -> Vec<SqlStr> {
        let Self { product, search, slow_search, sell, record, order } = self;
        [product, search, slow_search, sell, record, order].map(SqlStr::clone).into()
    }

    fn new(dialect: Dialect) -> Self {
        Self {
            product: dialect.sql("SELECT name, price_cents FROM products WHERE id = $1"),
            search: dialect.sql(
                "SELECT COUNT(*), COALESCE(MIN(price_cents), 0) FROM products WHERE description LIKE $1",
            ),
            slow_search: dialect.sql(dialect.sleep()),
            sell: dialect.sql("UPDATE stock SET sold = sold + 1 WHERE item = $1"),
            record: dialect.sql("INSERT INTO orders (id, item) VALUES ($1, $2)"),
            order: dialect.sql("SELECT item FROM orders WHERE id = $1"),
        }
    }
}
