//! A shop whose product page has two parts that it can do without: as more comes than the
//! database can do, what goes with the product is left out first, then its reviews, and the
//! page itself is served to everybody.
//!
//! `cargo run --example dim --features axum`

use std::{convert::Infallible, error::Error, sync::Arc, time::Duration};

use axum::{
    Router,
    body::{Body, to_bytes},
    extract::State,
    http::{HeaderName, Request},
    routing::get,
};
use brownout::{
    Admission, Brownout, ConcurrencyLimit, Database, Event, Key, Optional, http::key::Header,
    limit::Fixed,
};
use tokio::{
    sync::Semaphore,
    task::JoinSet,
    time::{Instant, sleep},
};
use tower::ServiceExt;

const RELATED: Optional = Optional::nth(1, 2); // goes first
const REVIEWS: Optional = Optional::nth(2, 2);

const USER: HeaderName = HeaderName::from_static("x-user");
const CLIENTS: usize = 40;
const USERS: usize = 60;

#[tokio::main(flavor = "current_thread")]
async fn main() -> Result<(), Box<dyn Error>> {
    // Who loses a part first is the same each time, and in all processes of a fleet.
    Key::seed_with("the shop's own secret")?;
    let db = Database::new("shop");
    let told = |event: &Event| {
        if let Event::Level { .. } = event {
            println!("    {event}");
        }
    };
    let limit = ConcurrencyLimit::new().algorithm(Fixed::new(8));
    let admission = Admission::builder().protect(&db).concurrency(limit).on_event(told).build()?;
    let app = Router::new()
        .route("/product", get(product))
        .layer(admission.layer().key(Header::new(USER)))
        .with_state(Shop { db, connections: Arc::new(Semaphore::new(4)) });

    rehearse(&app, &admission).await?;
    surge(&app, &admission).await?;
    Ok(())
}

/// The page, and as much of the rest as there is room for.
async fn product(State(shop): State<Shop>, brownout: Brownout) -> String {
    shop.query().await;
    let mut page = "a kettle".to_owned();
    if brownout.serves(REVIEWS) {
        shop.query().await;
        page += ", reviewed";
    }
    page + shop.related().await
}

/// A database that does four queries at once, each in 10 ms.
#[derive(Clone)]
struct Shop {
    db: Database,
    connections: Arc<Semaphore>,
}

impl Shop {
    async fn query(&self) {
        let query = async {
            let _connection = self.connections.acquire().await.expect("nobody closes it");
            sleep(Duration::from_millis(10)).await;
            Ok::<_, Infallible>(())
        };
        self.db.observe(query).await.expect("it cannot fail");
    }

    /// Deep in the code, where nobody has the request at hand.
    async fn related(&self) -> &'static str {
        if !Brownout::current().serves(RELATED) {
            return "";
        }
        self.query().await;
        ", and what goes with it"
    }
}

/// At a level that somebody sets: what is left out, and for whom.
async fn rehearse(app: &Router, admission: &Admission) -> Result<(), Box<dyn Error>> {
    println!("rehearsed, {USERS} users:");
    for level in [0.0, 0.25, 0.5, 0.75, 1.0] {
        admission.force_level(level)?;
        let first = pages(app).await?;
        assert_eq!(first, pages(app).await?, "a user sees the same page as before");
        let [related, reviews] = count(&first);
        println!("  level {level:.2}: {reviews:3} see reviews, {related:3} what goes with it");
        let expected = (1.0 - 2.0 * level).max(0.0) * USERS as f64;
        assert!((related as f64 - expected).abs() < 0.3 * USERS as f64, "about half at 0.25");
        assert!(related == 0 || reviews == USERS, "one after the other");
        assert!(level < 1.0 || reviews == 0, "at 1, all is left out");
    }
    admission.release_level();
    Ok(())
}

/// The page of each user.
async fn pages(app: &Router) -> Result<Vec<String>, Box<dyn Error>> {
    let mut pages = Vec::new();
    let users: Vec<_> = (0..USERS).collect();
    // So few at once that they are no surge themselves.
    for some in users.chunks(4) {
        let mut asked = JoinSet::new();
        for user in some.iter().copied() {
            let app = app.clone();
            asked.spawn(async move { (user, page(&app, user).await) });
        }
        let mut some = asked.join_all().await;
        some.sort_by_key(|(user, _)| *user);
        pages.extend(some.into_iter().map(|(_, page)| page));
    }
    Ok(pages)
}

/// How many have what goes with the product, and how many its reviews.
fn count(pages: &[String]) -> [usize; 2] {
    ["goes with it", "reviewed"].map(|part| pages.iter().filter(|page| page.contains(part)).count())
}

async fn page(app: &Router, user: usize) -> String {
    let request = Request::get("/product").header(USER, user).body(Body::empty());
    let request = request.expect("it is valid");
    let response = app.clone().oneshot(request).await.expect("it is infallible");
    let (head, body) = response.into_parts();
    let body = to_bytes(body, 1_000).await.expect("it is short");
    if !head.status.is_success() {
        return head.status.to_string();
    }
    String::from_utf8_lossy(&body).into_owned()
}

/// Many clients come, ask again and again, and leave.
async fn surge(app: &Router, admission: &Admission) -> Result<(), Box<dyn Error>> {
    println!("{CLIENTS} clients come:");
    let mut clients = JoinSet::new();
    for user in 0..CLIENTS {
        let app = app.clone();
        clients.spawn(async move {
            loop {
                page(&app, user).await;
                sleep(Duration::from_millis(50)).await;
            }
        });
    }
    until(|| admission.snapshot().level >= 0.3).await;
    let seen = pages(app).await?;
    let [related, reviews] = count(&seen);
    println!("  of {} pages, {reviews} have reviews, {related} what goes with it", seen.len());
    assert!(related <= reviews, "the reviews stay longer");

    println!("all but one leave:");
    clients.shutdown().await;
    let told_the_end = || {
        let last = admission.transitions().pop().map(|last| last.event);
        matches!(last, Some(Event::Level { to: 0.0, .. }))
    };
    let calm = async {
        loop {
            page(app, 0).await;
            sleep(Duration::from_millis(20)).await;
        }
    };
    tokio::select! { () = until(told_the_end) => {}, () = calm => unreachable!("it has no end") }
    assert_eq!(admission.snapshot().level, 0.0);
    assert_eq!(page(app, 0).await, "a kettle, reviewed, and what goes with it");
    println!("{}", admission.snapshot());
    Ok(())
}

/// Waits for it, and fails after a minute.
async fn until(is_so: impl Fn() -> bool) {
    let since = Instant::now();
    while !is_so() {
        assert!(since.elapsed() < Duration::from_secs(60), "it never came");
        sleep(Duration::from_millis(20)).await;
    }
}
