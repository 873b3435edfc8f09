//! A service for tenants, each of which has a share of 20 requests a second. One of them sends
//! ten times that, and is served as far as there is room.
//!
//! `cargo run --example tenants --features axum`

use std::{error::Error, time::Duration};

use axum::{
    Router,
    body::Body,
    http::{HeaderName, Request, StatusCode},
    routing::get,
};
use brownout::{
    Admission, ConcurrencyLimit, Priority, Quota, RateLimit, Reason, http::key::Header,
    limit::Fixed,
};
use tokio::{
    task::JoinSet,
    time::{interval, sleep},
};
use tower::ServiceExt;

const TENANT: HeaderName = HeaderName::from_static("x-tenant");
const SHARE: u32 = 20;
/// For so long the tenants send.
const SECONDS: u32 = 10;

// The time of the example is not that of the clock: nobody has to wait for it.
#[tokio::main(flavor = "current_thread", start_paused = true)]
async fn main() -> Result<(), Box<dyn Error>> {
    println!("refused over its share:");
    let loud = served(&service(share())?.0, "loud", 10 * SHARE).await?;
    assert!(loud.refused > loud.served, "its share and no more");

    println!("downgraded over its share, and alone:");
    let (alone, _) = service(share().downgrade_to(Priority::Bulk))?;
    let loud = served(&alone, "loud", 10 * SHARE).await?;
    assert!(loud.served > 3 * SHARE * SECONDS, "there is room for more than three shares");

    println!("downgraded over its share, beside one who keeps to it:");
    let (both, admission) = service(share().downgrade_to(Priority::Bulk))?;
    let (loud, quiet) =
        tokio::try_join!(served(&both, "loud", 10 * SHARE), served(&both, "quiet", SHARE))?;
    assert_eq!(quiet.refused, 0, "it is not harmed");
    assert!(loud.served > 2 * SHARE * SECONDS, "what room there is");
    println!("{}", admission.snapshot());
    assert_eq!(admission.snapshot().refused(Reason::Quota), 0);
    Ok(())
}

fn share() -> RateLimit {
    RateLimit::new(Quota::per_second(SHARE)).per_key()
}

/// With room for about 100 requests a second.
fn service(rate: RateLimit) -> Result<(Router, Admission), Box<dyn Error>> {
    let limit = ConcurrencyLimit::new().algorithm(Fixed::new(5));
    let admission = Admission::builder().rate(rate).concurrency(limit).build()?;
    let work = async || sleep(Duration::from_millis(50)).await;
    let layer = admission.layer().key(Header::new(TENANT));
    Ok((Router::new().route("/", get(work)).layer(layer), admission))
}

struct Told {
    served: u32,
    refused: u32,
}

/// Sends as many requests a second for this tenant.
async fn served(app: &Router, tenant: &str, per_second: u32) -> Result<Told, Box<dyn Error>> {
    let mut due = interval(Duration::from_secs(1) / per_second);
    let mut answers = JoinSet::new();
    for _ in 0..per_second * SECONDS {
        due.tick().await;
        let request = Request::get("/").header(TENANT, tenant).body(Body::empty())?;
        answers.spawn(app.clone().oneshot(request));
    }
    let mut told = Told { served: 0, refused: 0 };
    while let Some(answer) = answers.join_next().await {
        match answer??.status() {
            StatusCode::OK => told.served += 1,
            _ => told.refused += 1,
        }
    }
    println!(
        "  {tenant:5} {per_second:3} a second: {} served, {} refused",
        told.served, told.refused
    );
    Ok(told)
}
