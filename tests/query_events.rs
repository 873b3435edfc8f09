//! A database that is fed on what sqlx logs, with SQLite in the process.

#![cfg(all(feature = "http", feature = "tracing"))]

mod support;

use std::{
    collections::BTreeMap,
    ops::ControlFlow,
    sync::{
        Arc, Mutex,
        atomic::{AtomicU64, Ordering},
    },
};

use brownout::{Database, Signal};
use sqlx::{ConnectOptions, SqlitePool, sqlite::SqlitePoolOptions};
use support::{MS, within_a_minute};
use tracing::log::LevelFilter;
use tracing_subscriber::{Layer, filter, fmt, prelude::*};

type Calls = Arc<Mutex<BTreeMap<String, u64>>>;

/// SQLite logs in a thread of its own, after the result is there.
async fn finished(db: &Database, least: u64) {
    within_a_minute(async {
        while db.snapshot().finished < least {
            tokio::time::sleep(MS).await;
        }
    })
    .await;
}

/// Counts the queries by name, and logs as it does so, as an application may.
fn listen(db: &Database) -> (Calls, Arc<AtomicU64>) {
    let (calls, signals) = (Calls::default(), Arc::new(AtomicU64::new(0)));
    let (counted, told) = (calls.clone(), signals.clone());
    db.subscribe(move |signal: &Signal| {
        for statement in &signal.calls {
            let mut calls = counted.lock().expect("nobody panics");
            *calls.entry(statement.name.to_string()).or_default() += statement.all;
        }
        told.fetch_add(1, Ordering::Relaxed);
        tracing::info!(queries = signal.finished, "heard");
        tracing::debug!(target: "sqlx::query", summary = "FROM A SUBSCRIBER", elapsed_secs = 0.001);
        ControlFlow::Continue(())
    });
    (calls, signals)
}

async fn pool() -> SqlitePool {
    let options = SqlitePoolOptions::new().max_connections(1);
    let options = options.acquire_time_level(LevelFilter::Debug);
    options.connect("sqlite::memory:").await.expect("it is in memory")
}

/// The only test of this file, since SQLite's thread hears only the subscriber of the
/// whole process.
#[tokio::test]
async fn sqlx_feeds_a_database_by_what_it_logs() {
    let db = Database::new("shop");
    let (calls, signals) = listen(&db);
    let quiet = fmt::layer().with_test_writer().with_filter(filter::LevelFilter::WARN);
    tracing_subscriber::registry().with(quiet).with(db.query_events()).init();

    let pool = pool().await;
    let before = db.snapshot().finished;
    for _ in 0..3 {
        sqlx::query("SELECT 1").execute(&pool).await.expect("it is valid");
    }
    // A query and the wait for its connection each.
    finished(&db, before + 6).await;

    let long = "SELECT 1, 2, 3, 4, 5, 6, 7, 8, 9";
    sqlx::query(long).execute(&pool).await.expect("it is valid");
    sqlx::query("SELECT absent").execute(&pool).await.expect_err("there is no such column");
    finished(&db, before + 8).await;
    assert_eq!(db.snapshot().overloads, 0);

    let heard = || calls.lock().expect("nobody panics").clone();
    within_a_minute(async {
        while !heard().contains_key("FROM A SUBSCRIBER") {
            sqlx::query("SELECT 2").execute(&pool).await.expect("it is valid");
            tokio::time::sleep(10 * MS).await;
        }
    })
    .await;
    let heard = heard();
    assert!(heard.get("SELECT ?").is_some_and(|queries| *queries >= 3), "{heard:?}");
    assert_eq!(heard.get("SELECT ?, ?, ?, ?, ?, ?, ?, ?, ?"), Some(&1), "{heard:?}");
    assert_eq!(heard.get("SELECT absent"), Some(&1), "failures are told like successes");
    let waits = db.statements().into_iter().find(|own| &*own.name == "(connection)");
    assert!(waits.expect("it waited").ever.finished >= 5);
    assert!(signals.load(Ordering::Relaxed) > 0);

    without_logging_nothing_is_heard(&db, &pool).await;
}

async fn without_logging_nothing_is_heard(db: &Database, pool: &SqlitePool) {
    let options = pool.connect_options().as_ref().clone().disable_statement_logging();
    let silent = SqlitePoolOptions::new().max_connections(1).connect_with(options).await;
    let silent = silent.expect("it is in memory");
    tokio::time::sleep(50 * MS).await;
    let before = db.snapshot().finished;
    for _ in 0..100 {
        sqlx::query("SELECT 3").execute(&silent).await.expect("it is valid");
    }
    // What was asked before may still be told.
    assert!(db.snapshot().finished < before + 10);
}
