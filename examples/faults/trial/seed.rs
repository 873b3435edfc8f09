//! Fills the shop: as many products as make one search dear enough.

use std::time::Duration;

use rand::rngs::StdRng;
use rand::{Rng, SeedableRng};
use sqlx::{AnyConnection, AssertSqlSafe, Connection, query, query_scalar, raw_sql};
use tokio::time::Instant;

use super::dialect::Dialect;
use super::failure::Result;

/// Rows of the stock. Checkouts of different items do not wait for each other.
pub(crate) const ITEMS: i64 = 16;
/// Products that every shop has.
pub(crate) const FIRST_ROWS: i64 = 2_000;

/// Words of the descriptions and of the searches.
pub(crate) const WORDS: [&str; 16] = [
    "amber", "basalt", "cedar", "denim", "ember", "flint", "gravel", "hazel", "indigo", "jasper",
    "kelp", "linen", "maple", "nickel", "ochre", "pewter",
];

/// Creates and fills the tables.
pub(crate) async fn fill(dialect: Dialect, url: &str) -> Result<()> {
    let mut connection = AnyConnection::connect(url).await?;
    for sql in [
        "CREATE TABLE products (id BIGINT PRIMARY KEY, name VARCHAR(80) NOT NULL, \
         description VARCHAR(250) NOT NULL, price_cents BIGINT NOT NULL)",
        "CREATE TABLE stock (item BIGINT PRIMARY KEY, sold BIGINT NOT NULL)",
        "CREATE TABLE orders (id VARCHAR(64) PRIMARY KEY, item BIGINT NOT NULL)",
    ] {
        raw_sql(sql).execute(&mut connection).await?;
    }
    insert_random(&mut connection).await?;
    make_dear(dialect, &mut connection).await?;
    Ok(connection.close().await?)
}

/// Sells nothing yet: forgets the orders of an earlier run.
pub(crate) async fn open_books(url: &str) -> Result<()> {
    let mut connection = AnyConnection::connect(url).await?;
    let items: Vec<_> = (0..ITEMS).map(|item| format!("({item}, 0)")).collect();
    for sql in [
        "DELETE FROM orders".to_owned(),
        "DELETE FROM stock".to_owned(),
        format!("INSERT INTO stock (item, sold) VALUES {}", items.join(", ")),
    ] {
        raw_sql(AssertSqlSafe(sql)).execute(&mut connection).await?;
    }
    Ok(connection.close().await?)
}

/// The ids of all orders and the number of pieces sold.
pub(crate) async fn audit(url: &str) -> Result<(Vec<String>, i64)> {
    let mut connection = AnyConnection::connect(url).await?;
    let orders = query_scalar("SELECT id FROM orders").fetch_all(&mut connection).await?;
    // Their sums are of other types in other databases.
    let sold: Vec<i64> = query_scalar("SELECT sold FROM stock").fetch_all(&mut connection).await?;
    connection.close().await?;
    Ok((orders, sold.into_iter().sum()))
}

async fn insert_random(connection: &mut AnyConnection) -> Result<()> {
    let mut rng = StdRng::seed_from_u64(1);
    for first in (1..=FIRST_ROWS).step_by(ROWS_PER_INSERT as usize) {
        let rows: Vec<_> =
            (first..first + ROWS_PER_INSERT).map(|id| product(id, &mut rng)).collect();
        let columns = "id, name, description, price_cents";
        let sql = format!("INSERT INTO products ({columns}) VALUES {}", rows.join(", "));
        raw_sql(AssertSqlSafe(sql)).execute(&mut *connection).await?;
    }
    Ok(())
}

fn product(id: i64, rng: &mut StdRng) -> String {
    let words = [(); 16].map(|()| WORDS[rng.random_range(0..WORDS.len())]);
    let price = rng.random_range(100..100_000);
    format!("({id}, '{} {}', '{}', {price})", words[0], words[1], words.join(" "))
}

/// Doubles the table until a search takes about half of the wanted time, then adds the
/// rest in proportion.
async fn make_dear(dialect: Dialect, connection: &mut AnyConnection) -> Result<()> {
    let mut rows = FIRST_ROWS;
    loop {
        let cost = search_cost(dialect, connection).await?;
        let wanted = (rows as f64 * SEARCH_COST.as_secs_f64() / cost.as_secs_f64()) as i64;
        let target = wanted.clamp(rows, MOST_ROWS).min(rows * 2);
        let sql = "INSERT INTO products (id, name, description, price_cents) \
                   SELECT id + $1, name, description, price_cents FROM products WHERE id <= $2";
        let more = query(dialect.sql(sql)).bind(rows).bind(target - rows);
        more.execute(&mut *connection).await?;
        let close_enough = target < rows * 2 || target == MOST_ROWS;
        rows = target;
        if close_enough {
            return Ok(());
        }
    }
}

/// The quickest of a few searches: others may be using the cores, too.
async fn search_cost(dialect: Dialect, connection: &mut AnyConnection) -> Result<Duration> {
    let mut quickest = Duration::MAX;
    for word in &WORDS[..5] {
        let started = Instant::now();
        let sql = dialect.sql("SELECT COUNT(*) FROM products WHERE description LIKE $1");
        query(sql).bind(format!("%{word}%")).execute(&mut *connection).await?;
        quickest = quickest.min(started.elapsed());
    }
    Ok(quickest)
}

/// What one search shall cost on an idle core.
const SEARCH_COST: Duration = Duration::from_millis(20);
const MOST_ROWS: i64 = 256_000;
const ROWS_PER_INSERT: i64 = 100;
