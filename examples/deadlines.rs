//! A shop whose clients say how long they wait: what cannot be in time is refused at once, a
//! handler does what there is time for, and a query ends when nobody waits for it any more.
//!
//! `cargo run --example deadlines --features axum,sqlx`

use std::{error::Error, time::Duration};

use axum::{
    Router,
    body::{Body, to_bytes},
    extract::State,
    http::{HeaderName, Request, StatusCode},
    routing::get,
};
use brownout::{Admission, Database, http::Timeout, sqlx::Pool, time_left};
use sqlx::{Sqlite, sqlite::SqlitePoolOptions};
use tokio::time::Instant;
use tower::ServiceExt;

const HEADER: HeaderName = HeaderName::from_static("x-request-timeout");

#[tokio::main(flavor = "current_thread")]
async fn main() -> Result<(), Box<dyn Error>> {
    let db = Database::new("shop");
    let pool = db.sqlx(SqlitePoolOptions::new().connect("sqlite::memory:").await?);
    let admission = Admission::builder().protect(&db).build()?;
    let patience = Timeout::seconds(HEADER).at_most(Duration::from_secs(10));
    let app = Router::new()
        .route("/product", get(product))
        .route("/report", get(report))
        .layer(admission.layer().deadline(patience.otherwise(Duration::from_secs(2))))
        .with_state(pool);

    show(&app, "/product", "1").await?;
    show(&app, "/product", "0.05").await?;
    show(&app, "/product", "0").await?;
    show(&app, "/report", "0.25").await?;
    println!("{} waits", db.snapshot().in_flight);
    Ok(())
}

/// Leaves out what takes long where there is little time.
async fn product() -> &'static str {
    match time_left() {
        Some(left) if left < Duration::from_millis(100) => "tea",
        _ => "tea, and what others bought with it",
    }
}

/// Knows nothing of deadlines; its query takes for ever.
async fn report(State(pool): State<Pool<Sqlite>>) -> Result<String, StatusCode> {
    let count = sqlx::query_scalar::<_, i64>(ENDLESS).fetch_one(&pool).await;
    count.map(|count| count.to_string()).map_err(|_| StatusCode::INTERNAL_SERVER_ERROR)
}

async fn show(app: &Router, path: &str, seconds: &str) -> Result<(), Box<dyn Error>> {
    let since = Instant::now();
    let request = Request::get(path).header(HEADER, seconds).body(Body::empty())?;
    let (head, body) = app.clone().oneshot(request).await?.into_parts();
    let body = to_bytes(body, 1_000).await?;
    let (status, text, took) = (head.status, String::from_utf8_lossy(&body), since.elapsed());
    println!("{path:8} {seconds:4} s: {status} after {took:.1?}: {}", text.trim());
    Ok(())
}

const ENDLESS: &str = "WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n) \
    SELECT count(*) FROM n";
