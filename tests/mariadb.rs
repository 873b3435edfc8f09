//! Against a real MariaDB, at the address in `MYSQL_URL`.

#![cfg(feature = "http")]

mod server;
mod support;

use server::Server;

fn server() -> Server {
    Server::at("MYSQL_URL", "SELECT SLEEP(0.05)")
}

#[tokio::test]
#[ignore = "needs MariaDB"]
async fn observed_queries_are_timed() {
    server().observed_queries_are_timed().await;
}

#[tokio::test]
#[ignore = "needs MariaDB"]
async fn a_unique_violation_says_nothing_about_the_load() {
    server().a_unique_violation_says_nothing_about_the_load().await;
}

#[tokio::test]
#[ignore = "needs MariaDB"]
async fn an_exhausted_pool_is_an_overload_to_a_judge_that_says_so() {
    server().an_exhausted_pool_is_an_overload_to_a_judge_that_says_so().await;
}

#[tokio::test]
#[ignore = "needs MariaDB"]
async fn a_refused_connection_is_an_overload() {
    server().a_refused_connection_is_an_overload("mysql://nobody@127.0.0.1:1/nowhere").await;
}

#[tokio::test]
#[ignore = "needs MariaDB"]
async fn a_locked_row_opens_the_circuit_until_it_is_released() {
    server().a_locked_row_opens_the_circuit_until_it_is_released().await;
}

#[tokio::test]
#[ignore = "needs MariaDB"]
async fn far_over_the_limit_every_request_is_answered_or_refused() {
    server().far_over_the_limit_every_request_is_answered_or_refused().await;
}

#[cfg(feature = "sqlx")]
mod wrapped {
    use brownout::{Database, sqlx::Pool};
    use futures_util::FutureExt;
    use sqlx::{AssertSqlSafe, Error, Executor, MySql, SqlStr, mysql::MySqlPoolOptions};

    use super::{
        server,
        server::{
            proxy::{Proxy, Way},
            wrapped::until_over,
        },
        support::{SECOND, within_a_minute},
    };

    #[tokio::test]
    #[ignore = "needs MariaDB"]
    async fn a_query_that_is_left_is_in_flight_until_the_connection_is_back() {
        server().a_query_that_is_left_is_in_flight_until_the_connection_is_back().await;
    }

    #[tokio::test]
    #[ignore = "needs MariaDB"]
    async fn a_query_that_is_left_for_too_long_is_given_up() {
        server().a_query_that_is_left_for_too_long_is_given_up().await;
    }

    #[tokio::test]
    #[ignore = "needs MariaDB"]
    async fn a_transaction_that_is_left_in_a_query_rolls_back() {
        server().a_transaction_that_is_left_in_a_query_rolls_back().await;
    }

    #[tokio::test]
    #[ignore = "needs MariaDB"]
    async fn a_begin_that_is_left_opens_nothing() {
        server().a_begin_that_is_left_opens_nothing().await;
    }

    #[tokio::test]
    #[ignore = "needs MariaDB"]
    async fn a_savepoint_that_is_left_loses_nothing_that_was_acknowledged() {
        server().a_savepoint_that_is_left_loses_nothing_that_was_acknowledged().await;
    }

    async fn pool(db: &Database, url: &str) -> Pool<MySql> {
        let options = MySqlPoolOptions::new().max_connections(1);
        db.sqlx(options.connect(url).await.expect("the server is there"))
    }

    #[tokio::test]
    #[ignore = "needs MariaDB"]
    async fn a_query_that_nobody_waits_for_is_cancelled_at_the_server() {
        let db = Database::new("server");
        let pool = pool(&db, &server().url).await.cancel_abandoned().give_up_after(600 * SECOND);
        let backend = async || -> i64 {
            let sql = "SELECT CAST(CONNECTION_ID() AS SIGNED)";
            sqlx::query_scalar(sql).fetch_one(&pool).await.expect("it is valid")
        };
        let before = backend().await;
        for _ in 0..3 {
            let nap = sqlx::query::<MySql>("SELECT SLEEP(300)").execute(&pool);
            tokio::time::timeout(SECOND / 5, nap).await.expect_err("it takes longer");
            assert_eq!(db.snapshot().in_flight, 1);
            within_a_minute(until_over(&db)).await;
            assert_eq!(backend().await, before, "it is the same connection, and well");
        }
        assert_eq!((db.snapshot().cancelled, db.snapshot().errors), (3, 0));
    }

    /// The driver takes the answer to a PREPARE that was left for that of the query, and
    /// then waits for more that never comes.
    #[tokio::test]
    #[ignore = "needs MariaDB"]
    async fn a_prepare_that_is_left_costs_no_place_and_gives_no_wrong_answer() {
        let proxy = Proxy::before(&server().url).await.expect("it is a number");
        let db = Database::new("server");
        let pool = pool(&db, &proxy.url).await.give_up_after(SECOND / 5);
        for number in 0..3_i64 {
            let mut held = pool.acquire().await.expect("one is free");
            let sql = AssertSqlSafe(format!("SELECT ? + {number}, 1, 2, 3, 4, 5"));
            proxy.set(Way::Mute);
            let left = sqlx::query(sql).bind(number).execute(&mut *held).now_or_never();
            assert!(left.is_none(), "it has no answer");
            drop(held);
            assert_eq!(db.snapshot().in_flight, 1);
            proxy.set(Way::Clear);
            let echo = sqlx::query_scalar("SELECT CAST(? AS SIGNED)").bind(number);
            let echo: i64 = within_a_minute(echo.fetch_one(&pool)).await.expect("it is valid");
            assert_eq!(echo, number);
        }
        within_a_minute(until_over(&db)).await;
        assert_eq!((db.snapshot().cancelled, db.snapshot().overloads), (3, 0));
    }

    #[tokio::test]
    #[ignore = "needs MariaDB"]
    async fn a_connection_that_lost_its_place_says_so_and_is_closed() {
        let proxy = Proxy::before(&server().url).await.expect("it is a number");
        let db = Database::new("server");
        let pool = pool(&db, &proxy.url).await;
        let mut held = pool.acquire().await.expect("one is free");
        proxy.set(Way::Mute);
        assert!(held.prepare(SqlStr::from_static("SELECT 1")).now_or_never().is_none());
        proxy.set(Way::Clear);
        let error = sqlx::query("SELECT 1").execute(&mut *held).await.map(drop);
        assert!(matches!(error, Err(Error::Protocol(_))), "{error:?}");
        assert_eq!((pool.size(), db.snapshot().in_flight), (1, 1));
        drop(held);
        assert_eq!((pool.size(), db.snapshot().in_flight), (0, 0));
        sqlx::query("SELECT 1").execute(&pool).await.expect("it is another one");
    }
}
