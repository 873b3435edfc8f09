//! Against a real PostgreSQL, at the address in `DATABASE_URL`.

#![cfg(feature = "http")]

mod server;
mod support;

use server::Server;

fn server() -> Server {
    Server::at("DATABASE_URL", "SELECT 1 FROM pg_sleep(0.05)")
}

#[tokio::test]
#[ignore = "needs PostgreSQL"]
async fn observed_queries_are_timed() {
    server().observed_queries_are_timed().await;
}

#[tokio::test]
#[ignore = "needs PostgreSQL"]
async fn a_unique_violation_says_nothing_about_the_load() {
    server().a_unique_violation_says_nothing_about_the_load().await;
}

#[tokio::test]
#[ignore = "needs PostgreSQL"]
async fn an_exhausted_pool_is_an_overload_to_a_judge_that_says_so() {
    server().an_exhausted_pool_is_an_overload_to_a_judge_that_says_so().await;
}

#[tokio::test]
#[ignore = "needs PostgreSQL"]
async fn a_refused_connection_is_an_overload() {
    server().a_refused_connection_is_an_overload("postgres://nobody@127.0.0.1:1/nowhere").await;
}

#[tokio::test]
#[ignore = "needs PostgreSQL"]
async fn a_locked_row_opens_the_circuit_until_it_is_released() {
    server().a_locked_row_opens_the_circuit_until_it_is_released().await;
}

#[tokio::test]
#[ignore = "needs PostgreSQL"]
async fn far_over_the_limit_every_request_is_answered_or_refused() {
    server().far_over_the_limit_every_request_is_answered_or_refused().await;
}

#[cfg(feature = "sqlx")]
mod wrapped {
    use std::convert::Infallible;

    use brownout::{Admission, Database, Reason, Rejection};
    use bytes::Bytes;
    use futures_util::FutureExt;
    use http::{Request, Response, StatusCode};
    use http_body_util::Empty;
    use sqlx::{
        Executor, Postgres, SqlStr,
        postgres::{PgConnectOptions, PgPoolOptions},
    };
    use tower::{Layer, ServiceExt, service_fn};

    use super::{
        server,
        server::{
            proxy::{Proxy, Way},
            wrapped::until_over,
        },
        support::{SECOND, tcp::listen, within_a_minute},
    };

    #[tokio::test]
    #[ignore = "needs PostgreSQL"]
    async fn a_query_that_is_left_is_in_flight_until_the_connection_is_back() {
        server().a_query_that_is_left_is_in_flight_until_the_connection_is_back().await;
    }

    #[tokio::test]
    #[ignore = "needs PostgreSQL"]
    async fn a_query_that_is_left_for_too_long_is_given_up() {
        server().a_query_that_is_left_for_too_long_is_given_up().await;
    }

    #[tokio::test]
    #[ignore = "needs PostgreSQL"]
    async fn a_transaction_that_is_left_in_a_query_rolls_back() {
        server().a_transaction_that_is_left_in_a_query_rolls_back().await;
    }

    #[tokio::test]
    #[ignore = "needs PostgreSQL"]
    async fn a_begin_that_is_left_opens_nothing() {
        server().a_begin_that_is_left_opens_nothing().await;
    }

    #[tokio::test]
    #[ignore = "needs PostgreSQL"]
    async fn a_savepoint_that_is_left_loses_nothing_that_was_acknowledged() {
        server().a_savepoint_that_is_left_loses_nothing_that_was_acknowledged().await;
    }

    #[tokio::test]
    #[ignore = "needs PostgreSQL"]
    async fn a_query_that_nobody_waits_for_is_cancelled_at_the_server() {
        let db = Database::new("server");
        let options = PgPoolOptions::new().max_connections(1);
        let pool = options.connect(&server().url).await.expect("the server is there");
        let pool = db.sqlx(pool).cancel_abandoned().give_up_after(600 * SECOND);
        let backend = async || -> i32 {
            let asked = sqlx::query_scalar("SELECT pg_backend_pid()").fetch_one(&pool).await;
            asked.expect("it is valid")
        };
        let before = backend().await;
        for _ in 0..3 {
            let nap = sqlx::query::<Postgres>("SELECT 1 FROM pg_sleep(300)").execute(&pool);
            tokio::time::timeout(SECOND / 5, nap).await.expect_err("it takes longer");
            assert_eq!(db.snapshot().in_flight, 1);
            within_a_minute(until_over(&db)).await;
            assert_eq!(backend().await, before, "it is the same connection, and well");
        }
        assert_eq!((db.snapshot().cancelled, db.snapshot().errors), (3, 0));
    }

    #[tokio::test]
    #[ignore = "needs PostgreSQL"]
    async fn a_query_of_a_late_request_is_cancelled_at_the_server() {
        let db = Database::new("server");
        let options = PgPoolOptions::new().max_connections(1);
        let pool = options.connect(&server().url).await.expect("the server is there");
        let pool = db.sqlx(pool).cancel_abandoned().give_up_after(600 * SECOND);
        let nap = service_fn(async |_: Request<()>| {
            let nap = sqlx::query::<Postgres>("SELECT 1 FROM pg_sleep(300)").execute(&pool);
            let status = nap.await.map_or(StatusCode::INTERNAL_SERVER_ERROR, |_| StatusCode::OK);
            let mut response = Response::new(Empty::<Bytes>::new());
            *response.status_mut() = status;
            Ok::<_, Infallible>(response)
        });
        let admission = Admission::builder().build().expect("it is valid");
        let service = admission.layer().deadline(SECOND / 5).layer(nap);
        let response = within_a_minute(service.oneshot(Request::new(()))).await;
        let response = response.expect("it is infallible");
        assert_eq!(response.extensions().get().map(Rejection::reason), Some(Reason::Deadline));
        assert_eq!(db.snapshot().in_flight, 1);
        within_a_minute(until_over(&db)).await;
        sqlx::query("SELECT 1").execute(&pool).await.expect("it is well");
        assert_eq!((pool.size(), db.snapshot().cancelled, db.snapshot().errors), (1, 1, 0));
    }

    /// As on `Any`, but this driver is known to count what is outstanding.
    #[tokio::test]
    #[ignore = "needs PostgreSQL"]
    async fn a_prepare_that_is_left_costs_no_connection() {
        let proxy = Proxy::before(&server().url).await.expect("it is a number");
        let db = Database::new("server");
        let options = PgPoolOptions::new().max_connections(1);
        let pool = db.sqlx(options.connect(&proxy.url).await.expect("the server is there"));
        let mut held = pool.acquire().await.expect("one is free");
        proxy.set(Way::Mute);
        assert!(held.prepare(SqlStr::from_static("SELECT 1")).now_or_never().is_none());
        drop(held);
        assert_eq!((pool.size(), db.snapshot().in_flight), (1, 1));
        proxy.set(Way::Clear);
        let answer: i32 =
            sqlx::query_scalar("SELECT 2").fetch_one(&pool).await.expect("it is well");
        assert_eq!((answer, pool.size(), db.snapshot().in_flight), (2, 1, 0));
    }

    #[tokio::test]
    #[ignore = "needs PostgreSQL"]
    async fn where_the_server_cannot_be_told_a_query_runs_to_its_end() {
        let db = Database::new("server");
        let options = PgPoolOptions::new().max_connections(1);
        let pool = options.connect(&server().url).await.expect("the server is there");
        let pool = db.sqlx(pool).cancel_abandoned().give_up_after(600 * SECOND);
        let (silent, address) = listen().await;
        let mut held = pool.acquire().await.expect("one is free");
        let silence = PgConnectOptions::new().host("127.0.0.1").port(address.port());
        pool.inner().set_connect_options(silence);
        let nap = sqlx::query("SELECT 1 FROM pg_sleep(0.5)").execute(&mut *held);
        tokio::time::timeout(SECOND / 5, nap).await.expect_err("it takes longer");
        drop(held);
        within_a_minute(until_over(&db)).await;
        drop(silent);
        let answer = sqlx::query("SELECT 1").execute(&pool).await;
        assert!(answer.is_ok_and(|_| pool.size() == 1), "it is the same connection, and well");
    }

    /// The lock must not stay until the query has run to its end.
    #[tokio::test]
    #[ignore = "needs PostgreSQL"]
    async fn a_cancelled_transaction_is_rolled_back() {
        let db = Database::new("server");
        let options = PgPoolOptions::new().max_connections(1);
        let pool = options.connect(&server().url).await.expect("the server is there");
        let pool = db.sqlx(pool).cancel_abandoned().give_up_after(600 * SECOND);
        let mut tx = pool.begin().await.expect("it may be opened");
        let nap = sqlx::query("SELECT 1 FROM pg_sleep(300)").execute(&mut *tx);
        tokio::time::timeout(SECOND / 5, nap).await.expect_err("it takes longer");
        drop(tx);
        let mut connection = within_a_minute(pool.acquire()).await.expect("it is back");
        assert!(!connection.is_in_transaction());
        sqlx::query("SELECT 1").execute(&mut *connection).await.expect("and well");
        assert_eq!((pool.size(), db.snapshot().cancelled), (1, 1));
    }
}
