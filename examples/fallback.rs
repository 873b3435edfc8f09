//! A shop whose database is lost for a while, and what its routes answer then. A product comes
//! from the replica and, while that has enough to do, from a static page; an order is taken
//! down, with 202, and done when all is well again; the account has nothing to fall back to.
//!
//! `cargo run --example fallback --features axum`

use std::{collections::BTreeMap, error::Error, time::Duration};

use axum::{
    Extension, Router,
    body::Body,
    extract::{Path, State},
    http::{Method, Request, StatusCode},
    response::{Html, IntoResponse},
    routing::{MethodRouter, get, post},
};
use brownout::{Admission, ConcurrencyLimit, Database, FellBack, Rejection, limit::Fixed};
use http_body_util::BodyExt;
use tokio::{
    sync::mpsc::{Receiver, Sender, channel},
    task::JoinSet,
    time::sleep,
};
use tower::ServiceExt;

#[tokio::main(flavor = "current_thread")]
async fn main() -> Result<(), Box<dyn Error>> {
    let db = Database::new("shop");
    let admission = Admission::builder().protect(&db).build()?;
    let (queue, orders) = channel(3);

    let product = admission.layer().fallback(replica(2)?);
    let order = admission.layer().fallback(post(take_down).with_state(queue)).limit(10);
    let app: Router = Router::new()
        .route("/products/{id}", get(product_page).layer(product.clone()))
        .route("/orders", post(do_order).layer(order.clone()))
        .route("/account", get(async || "your orders").layer(admission.layer()));

    println!("all is well:");
    show(&app, Method::GET, "/products/7", 6, &[(200, "product 7", 6)]).await?;
    show(&app, Method::POST, "/orders", 1, &[(200, "done: an order", 1)]).await?;
    show(&app, Method::GET, "/account", 1, &[(200, "your orders", 1)]).await?;

    println!("the circuit of the database is open:");
    admission.breaker().force_open();
    let from_replica = "product 7, as of a minute ago (circuit_open)";
    let pages = [(200, "<h1>Our products</h1>", 4), (200, from_replica, 2)];
    show(&app, Method::GET, "/products/7", 6, &pages).await?;
    let taken = [(202, "taken down", 3), (503, "the queue is full, too", 1)];
    show(&app, Method::POST, "/orders", 4, &taken).await?;
    let busy = (503, "The service is busy. Please try again later.", 1);
    show(&app, Method::GET, "/account", 1, &[busy]).await?;

    println!("all is well again:");
    admission.breaker().release();
    assert_eq!(work_off(orders).await, 3);
    show(&app, Method::GET, "/products/7", 1, &[(200, "product 7", 1)]).await?;
    println!("products: {:?}\norders:   {:?}", product.snapshot(), order.snapshot());
    assert_eq!((product.snapshot().answered, order.snapshot().answered), (6, 4));
    Ok(())
}

async fn product_page(Path(id): Path<u32>) -> String {
    format!("product {id}")
}

/// The fallback of the product page, with a limit of its own: beyond that, its own fallback.
fn replica(at_once: usize) -> Result<MethodRouter, Box<dyn Error>> {
    let limit = ConcurrencyLimit::new().algorithm(Fixed::new(at_once)).queue(0).layer()?;
    let limit = limit.fallback_with(|_, _| Html("<h1>Our products</h1>").into_response());
    Ok(get(from_replica).layer(limit))
}

async fn from_replica(Path(id): Path<u32>, Extension(why): Extension<Rejection>) -> String {
    sleep(Duration::from_millis(50)).await;
    format!("product {id}, as of a minute ago ({})", why.reason())
}

async fn do_order(order: String) -> String {
    format!("done: {order}")
}

/// The fallback of the orders. It gets the whole request, so it has the order.
async fn take_down(State(queue): State<Sender<String>>, order: String) -> impl IntoResponse {
    match queue.try_send(order) {
        Ok(()) => (StatusCode::ACCEPTED, "taken down"),
        Err(_) => (StatusCode::SERVICE_UNAVAILABLE, "the queue is full, too"),
    }
}

/// Does the orders that were taken down, and tells how many.
async fn work_off(mut orders: Receiver<String>) -> usize {
    let mut count = 0;
    while let Ok(order) = orders.try_recv() {
        println!("  late {}", do_order(order).await);
        count += 1;
    }
    count
}

/// Sends some requests at once, and counts the equal answers.
async fn show(
    app: &Router,
    method: Method,
    path: &str,
    times: usize,
    expected: &[(u16, &str, usize)],
) -> Result<(), Box<dyn Error>> {
    let mut flights = JoinSet::new();
    for _ in 0..times {
        let request = Request::builder().method(method.clone()).uri(path);
        flights.spawn(app.clone().oneshot(request.body(Body::from("an order"))?));
    }
    let mut answers = BTreeMap::new();
    while let Some(flight) = flights.join_next().await {
        let (parts, body) = flight??.into_parts();
        let text = String::from_utf8(body.collect().await?.to_bytes().into())?;
        let by = parts.extensions.get::<FellBack>().map_or("", |_| "by the fallback");
        *answers.entry((parts.status.as_u16(), text.trim().to_owned(), by)).or_insert(0) += 1;
    }
    for ((status, text, by), count) in &answers {
        println!("  {count} × {:4} {path:11} {status} {text:44} {by}", method.as_str());
    }
    let seen: Vec<_> =
        answers.iter().map(|((status, text, _), count)| (*status, &**text, *count)).collect();
    assert_eq!(seen, expected);
    Ok(())
}
