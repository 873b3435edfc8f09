//! A shop with two databases, one of which stands still: each has a circuit of its own, and the
//! routes that do not need the ill one go on. Which need it is learned.
//!
//! `cargo run --example several_databases --features axum`

use std::{
    convert::Infallible,
    error::Error,
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering::SeqCst},
    },
    time::Duration,
};

use axum::{
    Router,
    body::Body,
    extract::State,
    http::{Request, StatusCode},
    routing::get,
};
use brownout::{Admission, Circuit, Database};
use tokio::{
    task::JoinSet,
    time::{sleep, timeout},
};
use tower::ServiceExt;

// The time of the example is not that of the clock: nobody has to wait for it.
#[tokio::main(flavor = "current_thread", start_paused = true)]
async fn main() -> Result<(), Box<dyn Error>> {
    let shop = Shop {
        orders: Database::new("orders"),
        reports: Database::new("reports"),
        stalls: Arc::default(),
    };
    let admission = Admission::builder().protect(&shop.orders).protect(&shop.reports).build()?;
    let reports = admission.breaker_of(&shop.reports).ok_or("it is protected")?;
    let app = Router::new()
        .route("/order", get(async |State(shop): State<Shop>| shop.order().await))
        .route("/report", get(async |State(shop): State<Shop>| shop.report().await))
        .route(
            "/dashboard",
            get(async |State(shop): State<Shop>| {
                shop.order().await;
                shop.report().await;
            }),
        )
        .route("/health", get(async || ()))
        .layer(admission.layer())
        .with_state(shop.clone());

    for _ in 0..60 {
        for path in ["/order", "/report", "/dashboard", "/health"] {
            assert_eq!(ask(&app, path).await?, StatusCode::OK);
        }
    }
    println!("{}", admission.overview());

    println!("the database of the reports stands still:");
    shop.stalls.store(true, SeqCst);
    let mut hang = JoinSet::new();
    for _ in 0..60 {
        hang.spawn(app.clone().oneshot(Request::get("/report").body(Body::empty())?));
        sleep(Duration::from_millis(50)).await;
    }
    println!("{}", admission.overview());
    assert_ne!(reports.circuit(), Circuit::Closed);
    assert_eq!(admission.breaker_of(&shop.orders).ok_or("it is, too")?.circuit(), Circuit::Closed);
    for (path, is_served) in
        [("/order", true), ("/health", true), ("/report", false), ("/dashboard", false)]
    {
        let (served, refused) = try_for_a_while(&app, path).await?;
        println!("  {path:10} {served} of 20 were served, {refused} refused");
        assert_eq!(served, if is_served { 20 } else { 0 });
        assert!(is_served || refused >= 10, "but for those that try whether it works again");
    }
    println!("{}", admission.snapshot());

    println!("it works again:");
    shop.stalls.store(false, SeqCst);
    hang.shutdown().await;
    for _ in 0..600 {
        ask(&app, "/report").await?;
        sleep(Duration::from_millis(50)).await;
    }
    assert_eq!(reports.circuit(), Circuit::Closed);
    assert_eq!(ask(&app, "/dashboard").await?, StatusCode::OK);
    println!("{}", admission.overview());
    Ok(())
}

/// How many of 20 were served, and how many refused. The rest hangs.
async fn try_for_a_while(app: &Router, path: &str) -> Result<(usize, usize), Box<dyn Error>> {
    let (mut served, mut refused) = (0, 0);
    for _ in 0..20 {
        match timeout(Duration::from_secs(1), ask(app, path)).await {
            Ok(status) if status.as_ref().is_ok_and(StatusCode::is_success) => served += 1,
            Ok(_) => refused += 1,
            Err(_) => {}
        }
    }
    Ok((served, refused))
}

async fn ask(app: &Router, path: &str) -> Result<StatusCode, Box<dyn Error>> {
    let response = app.clone().oneshot(Request::get(path).body(Body::empty())?).await?;
    Ok(response.status())
}

#[derive(Clone)]
struct Shop {
    orders: Database,
    reports: Database,
    /// Whether that of the reports stands still.
    stalls: Arc<AtomicBool>,
}

impl Shop {
    async fn order(&self) {
        query(&self.orders, Duration::from_millis(5)).await;
    }

    async fn report(&self) {
        let stalls = self.stalls.load(SeqCst);
        query(&self.reports, Duration::from_millis(if stalls { 3_600_000 } else { 20 })).await;
    }
}

async fn query(db: &Database, takes: Duration) {
    let query = async {
        sleep(takes).await;
        Ok::<_, Infallible>(())
    };
    db.observe(query).await.expect("it cannot fail");
}
