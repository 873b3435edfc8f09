//! Pools of other makes against a real PostgreSQL, at the address in `DATABASE_URL`.

#![cfg(feature = "http")]

mod support;

use std::{
    collections::BTreeMap,
    sync::atomic::{AtomicU32, Ordering},
    time::Duration,
};

use brownout::{CheckoutError, Database, Outcome};
use support::{MS, SECOND, within_a_minute};
use tokio_postgres::{Client, Error, NoTls, SimpleQueryMessage};

/// What a pool has to be told.
struct Pool {
    address: String,
    size: u32,
    longest_wait: Duration,
}

impl Pool {
    fn of(size: u32) -> Self {
        let address = std::env::var("DATABASE_URL").expect("set DATABASE_URL to a database");
        Self { address, size, longest_wait: 100 * MS }
    }

    fn nowhere() -> Self {
        Self { address: "postgres://nobody@127.0.0.1:1/nowhere".to_owned(), ..Self::of(1) }
    }

    async fn deadpool(self) -> deadpool_postgres::Pool {
        use deadpool_postgres::{Manager, Pool, Runtime};
        let config = self.address.parse().expect("it is an address");
        let builder = Pool::builder(Manager::new(config, NoTls)).max_size(self.size as usize);
        let builder = builder.wait_timeout(Some(self.longest_wait)).runtime(Runtime::Tokio1);
        builder.build().expect("it is valid")
    }

    async fn bb8(self) -> bb8::Pool<Connect> {
        let builder = bb8::Pool::builder().max_size(self.size);
        let builder = builder.connection_timeout(self.longest_wait).test_on_check_out(false);
        builder.build_unchecked(Connect(self.address))
    }
}

/// How `bb8` connects. There is a crate for it, too.
struct Connect(String);

impl bb8::ManageConnection for Connect {
    type Connection = Client;
    type Error = Error;

    async fn connect(&self) -> Result<Client, Error> {
        let (client, connection) = tokio_postgres::connect(&self.0, NoTls).await?;
        tokio::spawn(connection);
        Ok(client)
    }

    async fn is_valid(&self, client: &mut Client) -> Result<(), Error> {
        client.simple_query("").await.map(drop)
    }

    fn has_broken(&self, client: &mut Client) -> bool {
        client.is_closed()
    }
}

/// The seconds that queries took, by the name of their statement.
fn seconds(db: &Database) -> BTreeMap<String, f64> {
    let statements = db.statements().into_iter();
    statements.map(|own| (own.name.to_string(), own.ever.seconds)).collect()
}

/// A table of one row, gone when the connection is.
async fn with_a_row(client: &Client) -> &'static str {
    let table = "CREATE TEMP TABLE IF NOT EXISTS pools (id int PRIMARY KEY)";
    client.batch_execute(table).await.expect("it is valid");
    let insert = "INSERT INTO pools VALUES (1) ON CONFLICT DO NOTHING";
    client.batch_execute(insert).await.expect("it is valid");
    "INSERT INTO pools VALUES (1)"
}

/// Seen from outside: how many sleep there by this name.
async fn asleep(name: &str) -> usize {
    let address = Pool::of(1).address;
    let (client, connection) = tokio_postgres::connect(&address, NoTls).await.expect("it is there");
    let connection = tokio::spawn(connection);
    let asked = format!(
        "SELECT 1 FROM pg_stat_activity WHERE state = 'active' AND query LIKE '% -- {name}'"
    );
    let answer = client.simple_query(&asked).await.expect("it is valid");
    connection.abort();
    answer.iter().filter(|message| matches!(message, SimpleQueryMessage::Row(_))).count()
}

/// A name that no other test uses.
fn unique_name() -> String {
    static NUMBER: AtomicU32 = AtomicU32::new(0);
    format!("pools_{}_{}", std::process::id(), NUMBER.fetch_add(1, Ordering::Relaxed))
}

/// The promises, for each pool: the code of a user is the same with all of them.
macro_rules! promises {
    ($name:ident, $pool:ident, $get_owned:ident) => {
        mod $name {
            use super::*;

            #[tokio::test]
            #[ignore = "needs PostgreSQL"]
            async fn the_wait_and_the_queries_are_timed_apart() {
                let db = Database::new("shop");
                let pool = Pool { longest_wait: 60 * SECOND, ..Pool::of(1) }.$pool().await;
                let first = db.checkout(pool.get()).await.expect("it is there");
                let second = async {
                    let client = db.checkout(pool.get()).await.expect("it comes back");
                    let query = client.query_one("SELECT 7 FROM pg_sleep(0.05)", &[]);
                    let row = db.statement("sleep").observe(query).await.expect("it is valid");
                    assert_eq!(row.get::<_, i32>(0), 7);
                };
                let back = async {
                    tokio::time::sleep(500 * MS).await;
                    drop(first);
                };
                within_a_minute(async { tokio::join!(second, back) }).await;
                let seconds = seconds(&db);
                assert!(seconds["(connection)"] >= 0.5, "{seconds:?}");
                assert!((0.05..0.5).contains(&seconds["sleep"]), "{seconds:?}");
            }

            #[tokio::test]
            #[ignore = "needs PostgreSQL"]
            async fn an_exhausted_pool_is_an_overload() {
                let (db, pool) = (Database::new("shop"), Pool::of(1).$pool().await);
                let held = db.checkout(pool.get()).await.expect("it is there");
                let error = db.checkout(pool.get()).await.map(drop).expect_err("it has one");
                assert!(matches!(error, CheckoutError::Pool(_)), "{error}");
                assert_eq!(db.judge(&error), Outcome::Overload);
                drop(held);
                let snapshot = db.snapshot();
                assert_eq!((snapshot.finished, snapshot.overloads), (2, 1));
                db.checkout(pool.get()).await.expect("it is back");
            }

            #[tokio::test]
            #[ignore = "needs PostgreSQL"]
            async fn a_server_that_refuses_connections_is_an_overload() {
                let (db, pool) = (Database::new("shop"), Pool::nowhere().$pool().await);
                db.checkout(pool.get()).await.map(drop).expect_err("nobody is there");
                assert_eq!(db.snapshot().overloads, 1);
            }

            #[tokio::test]
            #[ignore = "needs PostgreSQL"]
            async fn a_unique_violation_says_nothing_about_the_load() {
                let (db, pool) = (Database::new("shop"), Pool::of(1).$pool().await);
                let client = db.checkout(pool.get()).await.expect("it is there");
                let again = with_a_row(&client).await;
                let error = db.observe(client.execute(again, &[])).await.expect_err("it is there");
                assert_eq!(error.code(), Some(&tokio_postgres::error::SqlState::UNIQUE_VIOLATION));
                let snapshot = db.snapshot();
                assert_eq!((snapshot.errors, snapshot.overloads), (1, 0));
            }

            #[tokio::test]
            #[ignore = "needs PostgreSQL"]
            async fn a_statement_timeout_is_an_overload() {
                let (db, pool) = (Database::new("shop"), Pool::of(1).$pool().await);
                let client = db.checkout(pool.get()).await.expect("it is there");
                client.batch_execute("SET statement_timeout = 50").await.expect("it is valid");
                let query = client.execute("SELECT pg_sleep(9)", &[]);
                db.observe(query).await.expect_err("it takes too long");
                assert_eq!(db.snapshot().overloads, 1);
            }

            #[tokio::test]
            #[ignore = "needs PostgreSQL"]
            async fn transactions_are_those_of_the_driver() {
                let (db, pool) = (Database::new("shop"), Pool::of(1).$pool().await);
                let mut client = db.checkout(pool.get()).await.expect("it is there");
                let transaction = client.transaction().await.expect("it is idle");
                let query = transaction.query_one("SELECT 7", &[]);
                let row = db.statement("seven").observe(query).await.expect("it is valid");
                assert_eq!(row.get::<_, i32>(0), 7);
                transaction.commit().await.expect("it is valid");
                assert_eq!(db.snapshot().finished, 2, "the wait and the query");
            }

            #[tokio::test]
            #[ignore = "needs PostgreSQL"]
            async fn a_query_that_is_dropped_goes_on_and_is_not_counted() {
                let (db, pool) = (Database::new("shop"), Pool::of(1).$pool().await);
                let (client, name) = (db.checkout(pool.get()).await, unique_name());
                let client = client.expect("it is there");
                let sql = format!("SELECT pg_sleep(1) -- {name}");
                let query = db.statement("sleep").observe(client.batch_execute(&sql));
                tokio::time::timeout(100 * MS, query).await.expect_err("it takes longer");
                drop(client);
                let snapshot = db.snapshot();
                assert_eq!((snapshot.in_flight, snapshot.cancelled), (0, 1));
                assert_eq!(asleep(&name).await, 1);
                let next = db.checkout(pool.get()).await.expect("it is back too early");
                next.batch_execute("SELECT 1").await.expect("it is valid");
                assert_eq!(asleep(&name).await, 0, "the next one waited for its end");
            }

            #[tokio::test]
            #[ignore = "needs PostgreSQL"]
            async fn work_to_the_end_is_counted_until_the_server_is_done() {
                let (db, pool) = (Database::new("shop"), Pool::of(1).$pool().await);
                let (client, name) = (db.checkout(pool.$get_owned()).await, unique_name());
                let (sleep, named) = (db.statement("sleep"), name.clone());
                let work = client.expect("it is there").to_the_end(async move |client| {
                    let sql = format!("SELECT pg_sleep(1) -- {named}");
                    sleep.observe(client.batch_execute(&sql)).await
                });
                tokio::time::timeout(100 * MS, work).await.expect_err("it takes longer");
                assert_eq!((asleep(&name).await, db.snapshot().in_flight), (1, 1));
                db.checkout(pool.get()).await.map(drop).expect_err("it is not back");
                within_a_minute(async {
                    while db.snapshot().in_flight > 0 {
                        tokio::time::sleep(MS).await;
                    }
                })
                .await;
                assert_eq!((asleep(&name).await, db.snapshot().cancelled), (0, 0));
                db.checkout(pool.get()).await.expect("it is back");
            }
        }
    };
}

promises!(of_deadpool, deadpool, get);
promises!(of_bb8, bb8, get_owned);
