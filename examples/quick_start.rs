//! The quick start of the README on a database in memory: a page that needs the database, one
//! that does not, and what a client is told while the database is gone.
//!
//! `cargo run --example quick_start --features axum,sqlx`

use std::error::Error;

use axum::{
    Router,
    extract::State,
    http::{Request, StatusCode, header},
    routing::get,
};
use brownout::{Admission, Database, sqlx::Pool};
use http_body_util::{BodyExt, Empty};
use hyper::body::Bytes;
use hyper_util::{client::legacy::Client, rt::TokioExecutor};
use sqlx::{Sqlite, sqlite::SqlitePoolOptions};
use tokio::net::TcpListener;

#[tokio::main]
async fn main() -> Result<(), Box<dyn Error>> {
    let db = Database::new("shop");
    // One connection: each has a database of its own, in memory.
    let pool = SqlitePoolOptions::new().max_connections(1).connect("sqlite::memory:").await?;
    // Before it is observed, since these are no request's.
    sqlx::query("CREATE TABLE products (id INTEGER)").execute(&pool).await?;
    sqlx::query("INSERT INTO products VALUES (1), (2)").execute(&pool).await?;
    let pool = db.sqlx(pool);
    let admission = Admission::builder().protect(&db).build()?;
    let app = Router::new()
        .route("/products", get(products))
        .route("/about", get(async || "needs no database"))
        .layer(admission.layer()) // after the routes
        .route("/health", get(async || "alive")) // outside: a probe is never refused
        .with_state(pool);
    let listener = TcpListener::bind("127.0.0.1:0").await?;
    let shop = format!("http://{}", listener.local_addr()?);
    tokio::spawn(async { axum::serve(listener, app).await });

    println!("which of them need the database takes 50 requests to learn:");
    for _ in 0..60 {
        assert_eq!(ask(&shop, "/products").await?.text, "2 products");
        assert_eq!(ask(&shop, "/about").await?.text, "needs no database");
    }
    println!("  {}\n  {} queries", admission.overview(), db.snapshot().finished);

    println!("the circuit of the database is open:");
    admission.breaker().force_open();
    let products = ask(&shop, "/products").await?;
    println!("  /products: {}, again after {:?} s", products.status, products.retry_after);
    assert_eq!(products.status, StatusCode::SERVICE_UNAVAILABLE);
    assert!(products.retry_after.is_some(), "a refusal says when to come back");
    let about = ask(&shop, "/about").await?;
    println!("  /about:    {}, {}", about.status, about.text);
    assert_eq!(about.status, StatusCode::OK, "it needs none, as was learned");
    assert_eq!(ask(&shop, "/health").await?.text, "alive");

    admission.breaker().release();
    println!("{}", admission.snapshot());
    assert_eq!(db.snapshot().in_flight, 0);
    Ok(())
}

async fn products(State(pool): State<Pool<Sqlite>>) -> Result<String, StatusCode> {
    let query = sqlx::query_scalar::<_, i64>("SELECT count(*) FROM products");
    match query.fetch_one(&pool).await {
        Ok(count) => Ok(format!("{count} products")),
        Err(_) => Err(StatusCode::INTERNAL_SERVER_ERROR),
    }
}

/// What a client sees.
struct Answer {
    status: StatusCode,
    retry_after: Option<String>,
    text: String,
}

async fn ask(shop: &str, path: &str) -> Result<Answer, Box<dyn Error>> {
    let client = Client::builder(TokioExecutor::new()).build_http();
    let request = Request::get(format!("{shop}{path}")).body(Empty::<Bytes>::new())?;
    let (head, body) = client.request(request).await?.into_parts();
    let retry_after = head.headers.get(header::RETRY_AFTER);
    let retry_after = retry_after.map(|value| value.to_str().map(str::to_owned)).transpose()?;
    let text = String::from_utf8(body.collect().await?.to_bytes().into())?;
    Ok(Answer { status: head.status, retry_after, text })
}
