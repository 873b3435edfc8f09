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
