//! The shop: a small axum service as one would write it without a thought of faults. What
//! guards it in a run comes from [`Protection`].

use std::collections::HashMap;
use std::time::Duration;

use axum::Router;
use axum::extract::{Path, Query, State};
use axum::http::{HeaderMap, StatusCode};
use axum::response::{Html, IntoResponse, Response};
use axum::routing::{get, post};
use tokio::time::sleep;

use super::protection::Protection;
use super::seed::ITEMS;
use super::store::{Placed, Store};

/// Header with the client-made order id: the same for every retry.
pub(crate) const ORDER_ID: &str = "idempotency-key";

/// What the handlers share.
#[derive(Clone, Debug)]
pub(crate) struct Shop {
    pub(crate) store: Store,
    pub(crate) protection: Protection,
}

impl Shop {
    /// The shop behind its guard.
    pub(crate) fn router(&self) -> Router {
        self.protection.guard(self.pages())
    }

    /// The shop with nothing in front of it.
    pub(crate) fn pages(&self) -> Router {
        Router::new()
            .route("/health", get(|| async { "fine" }))
            .route("/", get(|| async { Html(HOME) }))
            .route("/product/{id}", get(product))
            .route("/search", get(search))
            .route("/checkout", post(check_out))
            .route("/order/{id}", get(order))
            .route("/leak", get(leak))
            .with_state(self.clone())
    }
}

async fn product(State(shop): State<Shop>, Path(id): Path<i64>) -> Result<Response, Unavailable> {
    let product = shop.store.product(id).await?;
    Ok(match product {
        Some((name, cents)) => {
            format!("{name}: {}.{:02}\n", cents / 100, cents % 100).into_response()
        }
        None => StatusCode::NOT_FOUND.into_response(),
    })
}

/// `q` is a word, `slow` a search that takes so many seconds: what no index helps.
async fn search(
    State(shop): State<Shop>,
    Query(asked): Query<HashMap<String, String>>,
) -> Result<Response, Unavailable> {
    let slow = asked.get("slow").and_then(|seconds| seconds.parse().ok());
    let (hits, cheapest) = match (asked.get("q"), slow) {
        (_, Some(seconds)) => shop.store.slow_search(seconds).await?,
        (Some(word), None) => shop.store.search(word).await?,
        (None, None) => return Ok(StatusCode::BAD_REQUEST.into_response()),
    };
    Ok(format!("{hits} products, from {cheapest} cents\n").into_response())
}

async fn check_out(State(shop): State<Shop>, headers: HeaderMap) -> Result<Response, Unavailable> {
    let Some(order) = headers.get(ORDER_ID).and_then(|id| id.to_str().ok()) else {
        return Ok((StatusCode::BAD_REQUEST, "an order needs an id").into_response());
    };
    let item = order.bytes().map(i64::from).sum::<i64>() % ITEMS;
    let placed = shop.store.check_out(order, item).await?;
    Ok(match placed {
        Placed::Now => (StatusCode::CREATED, "placed\n").into_response(),
        Placed::Before => "already placed\n".into_response(),
    })
}

async fn order(State(shop): State<Shop>, Path(id): Path<String>) -> Result<Response, Unavailable> {
    let found = shop.store.has_order(&id).await?;
    Ok(match found {
        true => "placed\n".into_response(),
        false => StatusCode::NOT_FOUND.into_response(),
    })
}

/// A mistake: who has long had the answer keeps a connection, for so many `millis`.
async fn leak(
    State(shop): State<Shop>,
    Query(asked): Query<HashMap<String, u64>>,
) -> Result<Response, Unavailable> {
    let Some(millis) = asked.get("millis").copied() else {
        return Ok(StatusCode::BAD_REQUEST.into_response());
    };
    let connection = shop.store.idle_connection().await?;
    tokio::spawn(async move {
        sleep(Duration::from_millis(millis)).await;
        drop(connection);
    });
    Ok("kept\n".into_response())
}

/// The database gave no answer.
struct Unavailable(sqlx::Error);

impl From<sqlx::Error> for Unavailable {
    fn from(error: sqlx::Error) -> Self {
        Self(error)
    }
}

impl IntoResponse for Unavailable {
    fn into_response(self) -> Response {
        (StatusCode::INTERNAL_SERVER_ERROR, self.0.to_string()).into_response()
    }
}

const HOME: &str = "<!doctype html><title>The shop</title><h1>Everything must go</h1>";
