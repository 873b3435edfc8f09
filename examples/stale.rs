//! A shop whose database is lost for a while: product pages come from what was kept,
//! orders are refused.
//!
//! `cargo run --example stale --features axum,stale`

use std::{
    error::Error,
    sync::atomic::{AtomicUsize, Ordering},
};

use axum::{
    Router,
    body::Body,
    http::{Method, Request, header},
    routing::get,
};
use brownout::{Admission, Database, StaleLayer};
use http_body_util::BodyExt;
use tower::ServiceExt;

#[tokio::main(flavor = "current_thread")]
async fn main() -> Result<(), Box<dyn Error>> {
    let db = Database::new("shop");
    let admission = Admission::builder().protect(&db).build()?;
    let stale = StaleLayer::new().coalesce();
    let app: Router = Router::new()
        .route("/products", get(products))
        .route("/account", get(async || "your orders").post(async || "ordered"))
        .layer(admission.layer())
        .layer(stale.clone());

    println!("all is well:");
    show(&app, Method::GET, "/products", "").await?;
    show(&app, Method::GET, "/account", "session=ann").await?;

    println!("the circuit of the database is open:");
    admission.breaker().force_open();
    show(&app, Method::GET, "/products", "").await?;
    show(&app, Method::GET, "/products", "session=bob").await?;
    show(&app, Method::HEAD, "/products", "").await?;
    show(&app, Method::GET, "/account", "session=ann").await?;
    show(&app, Method::POST, "/account", "session=ann").await?;

    println!("all is well again:");
    admission.breaker().release();
    show(&app, Method::GET, "/products", "").await?;
    println!("{:#?}", stale.snapshot());
    Ok(())
}

/// The same for everybody, and says so; else no session would get it when it is kept.
async fn products() -> ([(header::HeaderName, &'static str); 1], String) {
    static VERSION: AtomicUsize = AtomicUsize::new(1);
    let version = VERSION.fetch_add(1, Ordering::Relaxed);
    ([(header::CACHE_CONTROL, "public, max-age=5")], format!("products, version {version}"))
}

async fn show(
    app: &Router,
    method: Method,
    path: &str,
    cookie: &str,
) -> Result<(), Box<dyn Error>> {
    let mut request = Request::builder().method(method.clone()).uri(path);
    if !cookie.is_empty() {
        request = request.header(header::COOKIE, cookie);
    }
    let response = app.clone().oneshot(request.body(Body::empty())?).await?;
    let (parts, body) = response.into_parts();
    let body = body.collect().await?.to_bytes();
    let said = parts.headers.get("cache-status").map_or("", |said| said.to_str().unwrap_or("?"));
    let (status, text) = (parts.status.as_u16(), String::from_utf8_lossy(&body));
    println!("  {:4} {path:9} {cookie:11} {status} {:28} {said}", method.as_str(), text.trim());
    Ok(())
}
