//! The way into production: everything only reports at first, and tells whom it would have refused.
//! Then the quota is enforced while the service runs, for a share of the clients and for all, and the
//! limit at last.
//!
//! `cargo run --example rollout --features axum`

use std::{convert::Infallible, error::Error, time::Duration};

use axum::{
    Router,
    body::Body,
    extract::State,
    http::{HeaderName, Request},
    routing::get,
};
use brownout::{
    Admission, ConcurrencyLimit, Database, Quota, RateLimit, http::key::Header, limit::Fixed,
};
use tokio::{task::JoinSet, time::sleep};
use tower::ServiceExt;

const CLIENT: HeaderName = HeaderName::from_static("x-client");

// The time of the example is not that of the clock: nobody has to wait for it.
#[tokio::main(flavor = "current_thread", start_paused = true)]
async fn main() -> Result<(), Box<dyn Error>> {
    let db = Database::new("shop");
    let admission = Admission::builder()
        .protect(&db)
        .concurrency(limit().report_only())
        .rate(quota().report_only())
        .build()?;
    let app = Router::new()
        .route("/product", get(product))
        .layer(admission.layer().key(Header::new(CLIENT)))
        .with_state(db);

    println!("1. all report:");
    let refused = surge(&app).await?;
    let told = admission.snapshot();
    println!("  {refused} of 400 were refused, {} would have been", told.would_refuse());
    assert_eq!((refused, told.report_only), (0, false), "the circuit is enforced all the time");
    assert!(told.would_refuse() > 0, "there was too much of it");
    assert!(told.rate.is_some_and(|rate| rate.would_refuse == 200), "10 of each 20 per client");

    println!("2. the quota is enforced for half of the clients, which are always the same:");
    let rate = admission.rate().ok_or("there is one")?;
    rate.reload(quota().enforced_for(0.5))?;
    let some = next_surge(&app).await?;
    println!("  {some} were refused");

    println!("3. and for all:");
    rate.reload(quota())?;
    let all = next_surge(&app).await?;
    println!("  {all} were refused");
    assert!(0 < some && some < all && all == 200, "some, and then 10 of each 20 per client");

    println!("4. the limit is enforced, too:");
    admission.concurrency().reload(limit())?;
    let more = next_surge(&app).await?;
    println!("  {more} were refused\n{}", admission.snapshot());
    assert!(more > all, "there is no room for all");
    Ok(())
}

/// When all buckets are full again.
async fn next_surge(app: &Router) -> Result<usize, Box<dyn Error>> {
    sleep(Duration::from_secs(60)).await;
    surge(app).await
}

/// What there is room for at once, and in the queue.
fn limit() -> ConcurrencyLimit {
    ConcurrencyLimit::new().algorithm(Fixed::new(4)).queue(10)
}

fn quota() -> RateLimit {
    RateLimit::new(Quota::per_minute(10)).per_key()
}

/// 20 clients with 20 requests each, within two seconds; how many of them were refused?
async fn surge(app: &Router) -> Result<usize, Box<dyn Error>> {
    let mut answers = JoinSet::new();
    for number in 0..400_usize {
        let request = Request::get("/product").header(CLIENT, number % 20).body(Body::empty())?;
        let answer = app.clone().oneshot(request);
        // Whoever keeps an answer keeps its place: a permit lasts to the end of the body.
        answers.spawn(async { answer.await.map(|answer| answer.status()) });
        sleep(Duration::from_millis(5)).await;
    }
    let mut refused = 0;
    while let Some(answer) = answers.join_next().await {
        refused += usize::from(!answer??.is_success());
    }
    Ok(refused)
}

async fn product(State(db): State<Database>) -> &'static str {
    let query = async {
        sleep(Duration::from_millis(50)).await;
        Ok::<_, Infallible>("a kettle")
    };
    db.observe(query).await.expect("it cannot fail")
}
