//! The shop's queries, nothing else: no cache, no retry, no queue of its own.

use std::sync::Arc;
use std::time::Duration;

use brownout::Database;
use brownout::sqlx::Pool;
use sqlx::any::{Any, AnyConnectOptions, AnyPoolOptions};
use sqlx::{
    AnyConnection, AnyPool, Connection, Error, Executor, SqlStr, query, query_as, query_scalar,
    raw_sql,
};
use tokio::time::timeout;

use crate::dialect::{Dialect, Source};
use crate::terminal::failure::{Failure, Result};

/// Connections of the shop's pool. Together with sqlx's acquire timeout of 30 s
/// it is the set-up of the outage: far more than two cores can serve at once.
pub(crate) const POOL: u32 = 20;

/// How long the first connection may take.
const PATIENCE: Duration = Duration::from_secs(10);

/// A pool of connections and the statements in the database's language.
#[derive(Clone, Debug)]
pub(crate) struct Store {
    pool: Pool<Any>,
    pub(crate) dialect: Dialect,
    statements: Arc<Statements>,
}

#[derive(Debug)]
struct Statements {
    product: SqlStr,
    others: SqlStr,
    search: SqlStr,
    sell: SqlStr,
    record: SqlStr,
    order: SqlStr,
    review: SqlStr,
    view: SqlStr,
}

/// How a checkout that did not fail ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Placed {
    Now,
    /// By an earlier attempt with the same order id.
    Before,
}

impl Store {
    /// One connection for keeping house; the tables need not exist yet.
    pub(crate) async fn open(source: &Source) -> Result<Self> {
        let statements = Statements::new(source.dialect);
        let nobody = Database::new("housekeeping");
        Self::connect(source, 1, statements, Vec::new(), &nobody).await
    }

    /// The shop's pool, over tables that exist, wrapped so that `database` feels it.
    ///
    /// sqlx's MySQL driver loses its place in the protocol when a query is
    /// dropped while its statement is still being prepared: the connection then
    /// never comes back to the pool. Customers who leave do drop queries, so
    /// there the statements are prepared before anyone can wait for them.
    pub(crate) async fn open_shop(source: &Source, database: &Database) -> Result<Self> {
        let statements = Statements::new(source.dialect);
        let early = match source.dialect {
            Dialect::MariaDb => statements.all(),
            Dialect::Sqlite | Dialect::Postgres => Vec::new(),
        };
        Self::connect(source, POOL, statements, early, database).await
    }

    async fn connect(
        source: &Source,
        connections: u32,
        statements: Statements,
        early: Vec<SqlStr>,
        database: &Database,
    ) -> Result<Self> {
        let refused =
            |error: Error| Failure::new(format!("--database-url {}: {error}", source.shown()));
        let options: AnyConnectOptions = source.url.parse().map_err(refused)?;
        // A pool would try for half a minute and then only report a timeout.
        match timeout(PATIENCE, AnyConnection::connect_with(&options)).await {
            Ok(connected) => connected.map_err(refused)?.close().await.map_err(refused)?,
            Err(_) => return Err(refused(Error::PoolTimedOut)),
        }
        let dialect = source.dialect;
        let early: Arc<[SqlStr]> = early.into();
        let pool = AnyPoolOptions::new()
            .max_connections(connections)
            .after_connect(move |connection, _| {
                let early = Arc::clone(&early);
                Box::pin(async move { greet(connection, dialect, &early).await })
            })
            .connect_with(options)
            .await
            .map_err(refused)?;
        let pool = database.sqlx(pool);
        Ok(Self { pool, dialect, statements: Arc::new(statements) })
    }

    /// sqlx's own pool, for what is no customer's.
    pub(crate) fn house(&self) -> &AnyPool {
        self.pool.inner()
    }

    /// Name and price of one product: a look at the primary key.
    pub(crate) async fn product(
        &self,
        id: i64,
    ) -> std::result::Result<Option<(String, i64)>, Error> {
        query_as(self.statements.product.clone()).bind(id).fetch_optional(&self.pool).await
    }

    /// The names of what was bought with it: what a page can do without.
    pub(crate) async fn others(&self, id: i64) -> std::result::Result<Vec<String>, Error> {
        query_scalar(self.statements.others.clone()).bind(id).fetch_all(&self.pool).await
    }

    /// Hits and lowest price: reads every description.
    pub(crate) async fn search(&self, word: &str) -> std::result::Result<(i64, i64), Error> {
        query_as(self.statements.search.clone())
            .bind(format!("%{word}%"))
            .fetch_one(&self.pool)
            .await
    }

    /// Takes one piece from the stock and keeps the order, both or neither.
    ///
    /// The stock row goes first: everybody wants the same row, and whoever has
    /// it locked can be overtaken by nobody, so no two checkouts deadlock.
    pub(crate) async fn check_out(
        &self,
        order: &str,
        item: i64,
    ) -> std::result::Result<Placed, Error> {
        let mut transaction = self.pool.begin().await?;
        query(self.statements.sell.clone()).bind(item).execute(&mut *transaction).await?;
        let recorded = query(self.statements.record.clone())
            .bind(order)
            .bind(item)
            .execute(&mut *transaction)
            .await;
        match recorded {
            Ok(_) => transaction.commit().await.map(|()| Placed::Now),
            Err(Error::Database(error)) if error.is_unique_violation() => {
                transaction.rollback().await.map(|()| Placed::Before)
            }
            Err(error) => Err(error),
        }
    }

    /// Keeps that a product was reviewed.
    pub(crate) async fn review(&self, product: i64) -> std::result::Result<(), Error> {
        self.note(&self.statements.review, product).await
    }

    /// Keeps that a product was looked at.
    pub(crate) async fn view(&self, product: i64) -> std::result::Result<(), Error> {
        self.note(&self.statements.view, product).await
    }

    async fn note(&self, statement: &SqlStr, product: i64) -> std::result::Result<(), Error> {
        query(statement.clone()).bind(product).execute(&self.pool).await.map(drop)
    }

    /// Whether the order exists.
    pub(crate) async fn has_order(&self, order: &str) -> std::result::Result<bool, Error> {
        let found: Option<i64> = query_scalar(self.statements.order.clone())
            .bind(order)
            .fetch_optional(&self.pool)
            .await?;
        Ok(found.is_some())
    }

    /// Connections that serve a query or wait for its end.
    pub(crate) fn busy(&self) -> usize {
        (self.pool.size() as usize).saturating_sub(self.pool.num_idle())
    }
}

/// What a new connection is told before anyone may use it.
async fn greet(
    connection: &mut AnyConnection,
    dialect: Dialect,
    early: &[SqlStr],
) -> std::result::Result<(), Error> {
    for sql in dialect.greeting() {
        raw_sql(*sql).execute(&mut *connection).await?;
    }
    for sql in early {
        connection.prepare(sql.clone()).await?;
    }
    Ok(())
}

impl Statements {
    fn all(&self) -> Vec<SqlStr> {
        let Self { product, others, search, sell, record, order, review, view } = self;
        [product, others, search, sell, record, order, review, view].map(Clone::clone).into()
    }

    fn new(dialect: Dialect) -> Self {
        Self {
            product: dialect.sql("SELECT name, price_cents FROM meltdown_products WHERE id = $1"),
            others: dialect.sql(
                "SELECT name FROM meltdown_products WHERE id > $1 ORDER BY id LIMIT 3",
            ),
            search: dialect.sql(
                "SELECT COUNT(*), COALESCE(MIN(price_cents), 0) FROM meltdown_products WHERE description LIKE $1",
            ),
            sell: dialect.sql("UPDATE meltdown_stock SET sold = sold + 1 WHERE item = $1"),
            record: dialect.sql("INSERT INTO meltdown_orders (id, item) VALUES ($1, $2)"),
            order: dialect.sql("SELECT item FROM meltdown_orders WHERE id = $1"),
            review: dialect.sql("INSERT INTO meltdown_reviews (product) VALUES ($1)"),
            view: dialect.sql("INSERT INTO meltdown_views (product) VALUES ($1)"),
        }
    }
}

impl From<Error> for Failure {
    fn from(error: Error) -> Self {
        Self::new(format!("the database failed outside the runs: {error}"))
    }
}
