//! A shop with a console to look at, under made-up load: calm for 20 s, then a surge for 20 s,
//! in which the database answers nobody for 3 s, and so on.
//!
//! `cargo run --example console --features axum,console -- --seconds 120`

use std::{error::Error, io, sync::Arc, time::Duration};

use axum::{
    Router,
    body::Body,
    extract::State,
    http::{Method, Request, StatusCode},
    routing::{MethodRouter, on},
};
use brownout::{Admission, Database, Priority, http::Routes};
use clap::Parser;
use rand::Rng;
use tokio::{
    net::TcpListener,
    sync::Semaphore,
    time::{Instant, interval, sleep, timeout},
};
use tower::ServiceExt;

#[derive(Parser)]
struct Options {
    /// How long it runs, in seconds.
    #[arg(long, default_value_t = 300)]
    seconds: u64,
    /// Where the console listens. Keep it on loopback.
    #[arg(long, default_value = "127.0.0.1:9090")]
    listen: String,
}

#[tokio::main]
async fn main() -> Result<(), Box<dyn Error>> {
    let options = Options::parse();
    let shop = Arc::new(Shop::new());
    let admission = Admission::builder().protect(&shop.db).build()?;
    // A router and a port of its own: it answers also when the shop does not.
    let console = Router::new().nest_service("/console", admission.console());
    let listener = TcpListener::bind(&options.listen).await?;
    println!("http://{}/console/ for {} s", listener.local_addr()?, options.seconds);
    tokio::spawn(async move { axum::serve(listener, console).await });
    let load = customers(app(&admission, shop.clone()), shop.since);
    // It never ends by itself.
    let _ = timeout(Duration::from_secs(options.seconds), load).await;
    Ok(())
}

fn app(admission: &Admission, shop: Arc<Shop>) -> Router {
    let classes = Routes::new()
        .route("/checkout", Priority::Critical)
        .route("/search", Priority::Sheddable)
        .route("/export", Priority::Bulk);
    let page = |page: &Page| (page.path, handler(*page));
    let router = PAGES
        .iter()
        .map(page)
        .fold(Router::new(), |router, (path, handler)| router.route(path, handler));
    router.layer(admission.layer().classify(classes)).with_state(shop)
}

fn handler(page: Page) -> MethodRouter<Arc<Shop>> {
    let answer = move |State(shop): State<Arc<Shop>>| async move {
        let query = shop.query(Duration::from_millis(page.millis));
        match shop.db.sql(page.sql).observe(query).await {
            Ok(()) => Ok("here you are"),
            Err(_) => Err(StatusCode::INTERNAL_SERVER_ERROR),
        }
    };
    let method = if page.path == "/checkout" { Method::POST } else { Method::GET };
    on(method.try_into().expect("axum routes it"), answer)
}

/// A page with one query, which takes so long alone, and its share in a hundred requests.
#[derive(Clone, Copy)]
struct Page {
    path: &'static str,
    sql: &'static str,
    millis: u64,
    share: u32,
}

const PAGES: [Page; 4] = [
    Page {
        path: "/products",
        sql: "select name, price from products where id = $1",
        millis: 4,
        share: 60,
    },
    Page {
        path: "/search",
        sql: "select id, name from products where words @@ to_tsquery($1) limit 20",
        millis: 20,
        share: 25,
    },
    Page {
        path: "/checkout",
        sql: "insert into orders (customer, product) values ($1, $2)",
        millis: 8,
        share: 10,
    },
    Page {
        path: "/export",
        sql: "select * from orders where placed > $1 order by placed",
        millis: 60,
        share: 5,
    },
];

/// Its database does four queries at a time, and each the slower the more wait.
struct Shop {
    db: Database,
    since: Instant,
    places: Semaphore,
}

impl Shop {
    fn new() -> Self {
        let (db, since) = (Database::new("shop"), Instant::now());
        Self { db, since, places: Semaphore::new(4) }
    }

    async fn query(&self, alone: Duration) -> io::Result<()> {
        let _place = self.places.acquire().await.map_err(io::Error::other)?;
        let moment = self.since.elapsed().as_secs_f64() % CYCLE;
        if (STALL..STALL + 3.0).contains(&moment) {
            sleep(Duration::from_secs_f64(STALL + 3.0 - moment)).await;
        }
        sleep(alone).await;
        Ok(())
    }
}

/// In seconds: calm, then the surge, in which it stalls.
const CYCLE: f64 = 40.0;
const SURGE: f64 = 20.0;
const STALL: f64 = 30.0;

async fn customers(app: Router, since: Instant) {
    let mut beat = interval(Duration::from_millis(20));
    loop {
        beat.tick().await;
        let surges = since.elapsed().as_secs_f64() % CYCLE >= SURGE;
        for _ in 0..if surges { 14 } else { 2 } {
            let request = request(rand::rng().random_range(0..100));
            tokio::spawn(app.clone().oneshot(request));
        }
    }
}

fn request(mut roll: u32) -> Request<Body> {
    let chosen = PAGES.iter().find(|page| {
        let hit = roll < page.share;
        roll = roll.saturating_sub(page.share);
        hit
    });
    let path = chosen.map_or("/products", |page| page.path);
    let method = if path == "/checkout" { Method::POST } else { Method::GET };
    let request = Request::builder().method(method).uri(path).body(Body::empty());
    request.expect("it is valid")
}
