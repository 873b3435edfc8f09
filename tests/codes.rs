//! What the errors of real databases say about the load, and what PostgreSQL says of itself.

#![cfg(feature = "sqlx")]

use brownout::{
    Database, Outcome, outcome_of_error as outcome_of_any, outcome_of_sqlstate,
    sqlx::outcome_of_error, sqlx::sample_postgres,
};
use sqlx::{
    AnyConnection, AssertSqlSafe, Connection, Error, Executor, any::install_default_drivers,
};

async fn connect(url: &str) -> AnyConnection {
    install_default_drivers();
    AnyConnection::connect(url).await.expect("the server is there")
}

fn address(variable: &str) -> String {
    std::env::var(variable)
        .unwrap_or_else(|_| panic!("set {variable} to the address of a database for tests"))
}

async fn run(connection: &mut AnyConnection, text: &str) -> Result<(), Error> {
    connection.execute(AssertSqlSafe(text.to_owned())).await.map(drop)
}

async fn outcome(connection: &mut AnyConnection, text: &str) -> Outcome {
    let error = run(connection, text).await.expect_err(text);
    outcome_of_error(&error)
}

/// A table of one row with id 1, that is dropped in the end.
async fn table(
    connection: &mut AnyConnection,
    name: &str,
    test: impl AsyncFnOnce(&mut AnyConnection),
) {
    run(connection, &format!("DROP TABLE IF EXISTS {name}")).await.expect("it may be there");
    let create = format!("CREATE TABLE {name} (id INTEGER PRIMARY KEY, a INTEGER)");
    run(connection, &create).await.expect("it is not there");
    run(connection, &format!("INSERT INTO {name} VALUES (1, 1)")).await.expect("it is empty");
    test(connection).await;
    run(connection, &format!("DROP TABLE {name}")).await.expect("nobody holds it");
}

#[tokio::test]
#[ignore = "needs PostgreSQL"]
async fn postgres_says_when_it_has_too_much_to_do_in_any_language() {
    let url = address("DATABASE_URL");
    let mut other = connect(&url).await;
    table(&mut connect(&url).await, "brownout_codes", async |own| {
        let insert = "INSERT INTO brownout_codes VALUES (1, 2)";
        assert_eq!(outcome(own, insert).await, Outcome::Ignore, "a duplicate");
        assert_eq!(outcome(own, "SELEKT 1").await, Outcome::Ignore, "no SQL");
        let raise =
            "DO $$ BEGIN RAISE EXCEPTION USING ERRCODE = '40001', MESSAGE = 'noch einmal'; END $$";
        assert_eq!(outcome(own, raise).await, Outcome::Overload, "not serializable");
        let raise = "DO $$ BEGIN RAISE EXCEPTION 'too many connections, timeout'; END $$";
        assert_eq!(outcome(own, raise).await, Outcome::Ignore, "whatever it says");
        let raise = "DO $$ BEGIN RAISE EXCEPTION USING ERRCODE = 'disk_full'; END $$";
        assert_eq!(outcome(own, raise).await, Outcome::Ignore, "no disk");
        run(own, "SET statement_timeout = 20").await.expect("it is valid");
        assert_eq!(outcome(own, "SELECT pg_sleep(10)").await, Outcome::Overload, "over its time");
        run(own, "SET statement_timeout = 0; SET lock_timeout = 20").await.expect("it is valid");
        run(&mut other, "BEGIN; UPDATE brownout_codes SET a = 3").await.expect("it is free");
        let update = "UPDATE brownout_codes SET a = 4";
        assert_eq!(outcome(own, update).await, Outcome::Overload, "locked");
        run(&mut other, "ROLLBACK").await.expect("it is open");
    })
    .await;
}

#[tokio::test]
#[ignore = "needs PostgreSQL"]
async fn the_codes_of_another_driver_are_told_by_who_knows_it() {
    let config: tokio_postgres::Config = address("DATABASE_URL").parse().expect("it is valid");
    let (client, connection) = config.connect(tokio_postgres::NoTls).await.expect("it is there");
    let connection = tokio::spawn(connection);
    let known = |error: &(dyn std::error::Error + 'static)| {
        let error = error.downcast_ref::<tokio_postgres::Error>()?;
        outcome_of_sqlstate(error.code()?.code())
    };
    let db = Database::builder("server").recognise(known).build().expect("it is valid");
    for (code, outcome) in [("53300", Outcome::Overload), ("23505", Outcome::Ignore)] {
        let raise = format!("DO $$ BEGIN RAISE EXCEPTION USING ERRCODE = '{code}'; END $$");
        let error = client.batch_execute(&raise).await.expect_err("it is raised");
        assert_eq!(db.judge(&error), outcome, "{code}");
    }
    let timeout = "SET statement_timeout = 20; SELECT pg_sleep(10)";
    let error = client.batch_execute(timeout).await.expect_err("it takes longer");
    assert_eq!(db.judge(&error), Outcome::Overload);
    assert_eq!(outcome_of_any(&error), Outcome::Overload, "by its words, without who knows it");
    drop(client);
    connection.await.expect("it ends").expect("it is closed");
}

#[tokio::test]
#[ignore = "needs MariaDB"]
async fn mariadb_says_when_it_has_too_much_to_do() {
    let url = address("MYSQL_URL");
    let mut other = connect(&url).await;
    table(&mut connect(&url).await, "brownout_codes", async |own| {
        let insert = "INSERT INTO brownout_codes VALUES (1, 2)";
        assert_eq!(outcome(own, insert).await, Outcome::Ignore, "a duplicate");
        assert_eq!(outcome(own, "SELEKT 1").await, Outcome::Ignore, "no SQL");
        let sleep = "SET STATEMENT max_statement_time = 0.02 FOR SELECT a FROM brownout_codes \
            WHERE sleep(10) = 0";
        assert_eq!(outcome(own, sleep).await, Outcome::Overload, "over its time");
        let full = "SIGNAL SQLSTATE 'HY000' SET MYSQL_ERRNO = 1021";
        assert_eq!(outcome(own, full).await, Outcome::Ignore, "no disk");
        run(own, "SET innodb_lock_wait_timeout = 1").await.expect("it is valid");
        run(&mut other, "BEGIN").await.expect("none is open");
        run(&mut other, "UPDATE brownout_codes SET a = 3").await.expect("it is free");
        let update = "UPDATE brownout_codes SET a = 4";
        assert_eq!(outcome(own, update).await, Outcome::Overload, "locked");
        run(&mut other, "ROLLBACK").await.expect("it is open");
    })
    .await;
}

#[tokio::test]
async fn sqlite_says_when_it_is_busy() {
    let folder = tempfile::tempdir().expect("there is room");
    let url = format!("sqlite://{}?mode=rwc", folder.path().join("codes.db").display());
    let mut other = connect(&url).await;
    table(&mut connect(&url).await, "codes", async |own| {
        assert_eq!(outcome(own, "INSERT INTO codes VALUES (1, 2)").await, Outcome::Ignore);
        assert_eq!(outcome(own, "SELEKT 1").await, Outcome::Ignore);
        run(own, "PRAGMA busy_timeout = 20").await.expect("it is valid");
        run(&mut other, "BEGIN IMMEDIATE").await.expect("it is free");
        assert_eq!(outcome(own, "UPDATE codes SET a = 4").await, Outcome::Overload);
        run(&mut other, "ROLLBACK").await.expect("it is open");
        run(own, "PRAGMA max_page_count = 2").await.expect("it is valid");
        let much = "WITH RECURSIVE n(i) AS (SELECT 2 UNION ALL SELECT i + 1 FROM n WHERE i < 9999) \
            INSERT INTO codes SELECT i, i FROM n";
        assert_eq!(outcome(own, much).await, Outcome::Ignore, "it is full");
    })
    .await;
}

#[tokio::test]
#[ignore = "needs PostgreSQL"]
async fn postgres_says_what_it_is_doing() {
    let url = address("DATABASE_URL");
    let (mut own, mut idle) = (connect(&url).await, connect(&url).await);
    run(&mut idle, "BEGIN; SELECT 1").await.expect("none is open");
    let sample = sample_postgres(&mut own).await.expect("it answers");
    assert!(sample.connections >= 2 && sample.max_connections >= sample.connections, "{sample}");
    assert!(sample.idle_in_transaction >= 1, "{sample}");
    assert!(sample.longest_transaction > std::time::Duration::ZERO, "{sample}");
    let db = Database::new("server");
    db.feed_sample(sample);
    assert!(db.report().to_string().contains(&sample.to_string()));
    run(&mut idle, "ROLLBACK").await.expect("it is open");
}

#[tokio::test]
async fn what_is_no_postgres_says_nothing_of_itself() {
    let mut own = connect("sqlite::memory:").await;
    let error = sample_postgres(&mut own).await.expect_err("it has no such tables");
    assert_eq!(outcome_of_error(&error), Outcome::Ignore, "{error}");
}
