//! Fills the shop: as many products as make one search dear enough.
//!
//! The rows are counted by the clock, not by a constant, so that the database
//! is the bottleneck on a fast machine and the example bearable on a slow one.

use std::time::Duration;

use rand::Rng;
use rand::rngs::StdRng;
use sqlx::{AssertSqlSafe, query, query_scalar, raw_sql};
use tokio::time::Instant;

use crate::store::Store;
use crate::terminal::failure::Result;

/// What one search shall cost on an idle core.
const SEARCH_COST: Duration = Duration::from_millis(100);
const FIRST_ROWS: i64 = 2_000;
const MOST_ROWS: i64 = 2_000_000;
const ROWS_PER_INSERT: i64 = 100;

/// Words of the descriptions and of the searches.
pub(crate) const WORDS: [&str; 16] = [
    "amber", "basalt", "cedar", "denim", "ember", "flint", "gravel", "hazel", "indigo", "jasper",
    "kelp", "linen", "maple", "nickel", "ochre", "pewter",
];

const TABLES: [&str; 5] = [
    "meltdown_products",
    "meltdown_stock",
    "meltdown_orders",
    "meltdown_reviews",
    "meltdown_views",
];

/// Creates and fills the tables; returns the number of products.
pub(crate) async fn fill(store: &Store, items: i64, rng: &mut StdRng) -> Result<i64> {
    clear(store).await?;
    for sql in [
        "CREATE TABLE meltdown_products (id BIGINT PRIMARY KEY, name VARCHAR(80) NOT NULL, \
         description VARCHAR(250) NOT NULL, price_cents BIGINT NOT NULL)",
        "CREATE TABLE meltdown_stock (item BIGINT PRIMARY KEY, sold BIGINT NOT NULL)",
        "CREATE TABLE meltdown_orders (id VARCHAR(64) PRIMARY KEY, item BIGINT NOT NULL)",
        "CREATE TABLE meltdown_reviews (product BIGINT NOT NULL)",
        "CREATE TABLE meltdown_views (product BIGINT NOT NULL)",
    ] {
        raw_sql(sql).execute(store.house()).await?;
    }
    for item in 0..items {
        let sql = format!("INSERT INTO meltdown_stock (item, sold) VALUES ({item}, 0)");
        raw_sql(AssertSqlSafe(sql)).execute(store.house()).await?;
    }
    let rows = fill_products(store, rng).await?;
    for sql in store.dialect.housekeeping() {
        raw_sql(*sql).execute(store.house()).await?;
    }
    Ok(rows)
}

/// Drops the tables.
pub(crate) async fn clear(store: &Store) -> Result<()> {
    for table in TABLES {
        let sql = format!("DROP TABLE IF EXISTS {table}");
        raw_sql(AssertSqlSafe(sql)).execute(store.house()).await?;
    }
    Ok(())
}

/// Order ids in the table and pieces sold of one item.
pub(crate) async fn audit(store: &Store, item: i64) -> Result<(Vec<String>, i64)> {
    let dialect = store.dialect;
    let orders = query_scalar(dialect.sql("SELECT id FROM meltdown_orders WHERE item = $1"))
        .bind(item)
        .fetch_all(store.house())
        .await?;
    let sold = query_scalar(dialect.sql("SELECT sold FROM meltdown_stock WHERE item = $1"))
        .bind(item)
        .fetch_one(store.house())
        .await?;
    Ok((orders, sold))
}

/// Doubles the table until a search takes about half of the wanted time, then
/// adds the rest in proportion.
async fn fill_products(store: &Store, rng: &mut StdRng) -> Result<i64> {
    let mut rows = FIRST_ROWS;
    insert_random(store, rng).await?;
    loop {
        let cost = search_cost(store).await?;
        let wanted = (rows as f64 * SEARCH_COST.as_secs_f64() / cost.as_secs_f64()) as i64;
        let target = wanted.clamp(rows, MOST_ROWS).min(rows * 2);
        insert_copies(store, rows, target - rows).await?;
        let close_enough = target < rows * 2 || target == MOST_ROWS;
        rows = target;
        if close_enough {
            return Ok(rows);
        }
    }
}

async fn insert_random(store: &Store, rng: &mut StdRng) -> Result<()> {
    for first in (1..=FIRST_ROWS).step_by(ROWS_PER_INSERT as usize) {
        let rows: Vec<String> = (first..first + ROWS_PER_INSERT)
            .map(|id| {
                let words: Vec<&str> =
                    (0..16).map(|_| WORDS[rng.random_range(0..WORDS.len())]).collect();
                let price = rng.random_range(100..100_000);
                format!("({id}, '{} {}', '{}', {price})", words[0], words[1], words.join(" "))
            })
            .collect();
        let sql = format!(
            "INSERT INTO meltdown_products (id, name, description, price_cents) VALUES {}",
            rows.join(", ")
        );
        raw_sql(AssertSqlSafe(sql)).execute(store.house()).await?;
    }
    Ok(())
}

async fn insert_copies(store: &Store, rows: i64, more: i64) -> Result<()> {
    let sql = store.dialect.sql(
        "INSERT INTO meltdown_products (id, name, description, price_cents) \
         SELECT id + $1, name, description, price_cents FROM meltdown_products WHERE id <= $2",
    );
    query(sql).bind(rows).bind(more).execute(store.house()).await?;
    Ok(())
}

/// The median of a few searches: the first may have met a cold cache.
async fn search_cost(store: &Store) -> Result<Duration> {
    let mut costs = Vec::new();
    for word in &WORDS[..7] {
        let started = Instant::now();
        store.search(word).await?;
        costs.push(started.elapsed());
    }
    costs.sort();
    Ok(costs[costs.len() / 2])
}
