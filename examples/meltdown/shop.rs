//! The shop: a small axum service as one would write it without a thought of
//! overload. What guards it in a run comes from [`Protection`].

use axum::Router;
use axum::extract::{Path, Query, State};
use axum::http::{HeaderMap, HeaderName, StatusCode, header};
use axum::response::{Html, IntoResponse, Response};
use axum::routing::{get, post};
use brownout::{Brownout, Optional};

use crate::protection::{Guard, Protection};
use crate::store::{POOL, Placed, Store};

/// Header with the client-made order id: the same for every retry.
pub(crate) const ORDER_ID: &str = "idempotency-key";

/// How the part of a product page begins that it can do without.
pub(crate) const OTHERS: &str = "Others bought";
/// That part, the only one there is.
const OTHERS_BOUGHT: Optional = Optional::nth(1, 1);

/// For a page that is the same for everybody.
const FOR_ALL: [(HeaderName, &str); 1] = [(header::CACHE_CONTROL, "public, max-age=5")];
/// For what must be true now.
const FOR_NOW: [(HeaderName, &str); 1] = [(header::CACHE_CONTROL, "no-store")];

/// What the handlers share.
#[derive(Clone, Debug)]
pub(crate) struct Shop {
    store: Store,
    protection: Protection,
    /// The one thing on sale in this run.
    item: i64,
}

impl Shop {
    pub(crate) fn new(store: Store, protection: Protection, item: i64) -> Self {
        Self { store, protection, item }
    }

    /// The shop behind its guard.
    pub(crate) fn router(&self) -> Router {
        let shop = Router::new()
            .route("/health", get(|| async { "fine" }))
            .route("/", get(|| async { Html(HOME) }))
            .route("/products/{id}", get(product))
            .route("/search", get(search))
            .route("/checkout", post(check_out))
            .route("/orders/{id}", get(order))
            .route("/reviews/{product}", post(review))
            .route("/views/{product}", post(view))
            .with_state(self.clone());
        self.protection.guard(shop)
    }

    /// The guard's figures, or in their place the pool's: without a guard it is
    /// the pool that limits, and its queue where requests wait.
    pub(crate) fn figures(&self) -> Guard {
        self.protection.figures().unwrap_or_else(|| {
            let in_flight = self.store.busy();
            Guard {
                limit: POOL as usize,
                in_flight,
                waiting: self.at_database().saturating_sub(in_flight),
                queries: in_flight,
                ..Guard::default()
            }
        })
    }

    /// Whether no query runs and none waits.
    pub(crate) fn is_quiet(&self) -> bool {
        self.at_database() == 0 && self.store.busy() == 0
    }

    /// The drafts of the postmortems.
    pub(crate) fn postmortems(&self) -> String {
        self.protection.postmortems()
    }

    /// The plain-text page on what the database went through.
    pub(crate) fn database_page(&self) -> String {
        self.protection.database().report().to_string()
    }

    /// Queries that run, and waits for a connection.
    fn at_database(&self) -> usize {
        self.protection.database().snapshot().in_flight
    }
}

async fn product(
    State(shop): State<Shop>,
    Path(id): Path<i64>,
    brownout: Brownout,
) -> Result<Response, Unavailable> {
    let Some((name, cents)) = shop.store.product(id).await? else {
        return Ok(StatusCode::NOT_FOUND.into_response());
    };
    let mut page = format!("{name}: {}.{:02}\n", cents / 100, cents % 100);
    if brownout.serves(OTHERS_BOUGHT) {
        let others = shop.store.others(id).await?;
        page += &format!("{OTHERS}: {}\n", others.join(", "));
    }
    Ok((FOR_ALL, page).into_response())
}

async fn search(
    State(shop): State<Shop>,
    Query(query): Query<Vec<(String, String)>>,
) -> Result<Response, Unavailable> {
    let Some((_, word)) = query.iter().find(|(name, _)| name == "q") else {
        return Ok((StatusCode::BAD_REQUEST, "search for what? (?q=)").into_response());
    };
    let (hits, cheapest) = shop.store.search(word).await?;
    Ok((FOR_ALL, format!("{hits} products, from {cheapest} cents\n")).into_response())
}

async fn check_out(State(shop): State<Shop>, headers: HeaderMap) -> Result<Response, Unavailable> {
    let Some(order) = headers.get(ORDER_ID).and_then(|id| id.to_str().ok()) else {
        return Ok((StatusCode::BAD_REQUEST, "an order needs an id").into_response());
    };
    let placed = shop.store.check_out(order, shop.item).await?;
    Ok(match placed {
        Placed::Now => (StatusCode::CREATED, "placed\n").into_response(),
        Placed::Before => "already placed\n".into_response(),
    })
}

async fn order(State(shop): State<Shop>, Path(id): Path<String>) -> Result<Response, Unavailable> {
    let found = shop.store.has_order(&id).await?;
    Ok(match found {
        true => (FOR_NOW, "placed\n").into_response(),
        false => (FOR_NOW, StatusCode::NOT_FOUND).into_response(),
    })
}

async fn review(State(shop): State<Shop>, Path(id): Path<i64>) -> Result<StatusCode, Unavailable> {
    shop.store.review(id).await?;
    Ok(StatusCode::CREATED)
}

async fn view(State(shop): State<Shop>, Path(id): Path<i64>) -> Result<StatusCode, Unavailable> {
    shop.store.view(id).await?;
    Ok(StatusCode::CREATED)
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
        match self.0 {
            sqlx::Error::PoolTimedOut => StatusCode::SERVICE_UNAVAILABLE.into_response(),
            error => (StatusCode::INTERNAL_SERVER_ERROR, error.to_string()).into_response(),
        }
    }
}

const HOME: &str = "<!doctype html><title>The shop</title><h1>Everything must go</h1>";
