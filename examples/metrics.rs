//! A shop under more load than its database can bear, with a page for Prometheus to scrape. In
//! the end the page is scraped once, printed, and looked at.
//!
//! `cargo run --example metrics --features axum,metrics -- --seconds 600 --listen 127.0.0.1:9000`
//!
//! Give Prometheus `127.0.0.1:9000` to scrape, and import `docs/grafana/brownout.json`.

use std::{convert::Infallible, error::Error, net::SocketAddr, sync::Arc, time::Duration};

use axum::{Router, extract::State, response::IntoResponse, routing::get};
use brownout::{
    Admission, ConcurrencyLimit, Database, Priority, Quota, RateLimit, http::Routes, limit::Fixed,
};
use bytes::Bytes;
use clap::Parser;
use http_body_util::{BodyExt, Empty};
use hyper_util::{
    client::legacy::{Client, connect::HttpConnector},
    rt::TokioExecutor,
};
use metrics_exporter_prometheus::PrometheusBuilder;
use tokio::{net::TcpListener, sync::Semaphore, task::JoinSet, time::sleep};

#[derive(Debug, Parser)]
struct Args {
    /// For how long the shop is asked.
    #[arg(long, default_value_t = 3, value_parser = clap::value_parser!(u64).range(1..=86_400))]
    seconds: u64,
    /// Where it listens. Port 0 is any that is free.
    #[arg(long, default_value = "127.0.0.1:0")]
    listen: SocketAddr,
}

#[tokio::main(flavor = "current_thread")]
async fn main() -> Result<(), Box<dyn Error + Send + Sync>> {
    let args = Args::parse();
    let listener = TcpListener::bind(args.listen).await?;
    let shop = format!("http://{}", listener.local_addr()?);
    println!("{shop}/metrics, for {} s", args.seconds);
    let app = app()?;
    tokio::spawn(async move { axum::serve(listener, app).await });

    let mut customers = JoinSet::new();
    for path in ["/checkout", "/product", "/export"] {
        (0..12).for_each(|_| drop(customers.spawn(ask_on(format!("{shop}{path}")))));
    }
    sleep(Duration::from_secs(args.seconds)).await;
    let page = ask(&client(), &format!("{shop}/metrics")).await?;
    customers.shutdown().await;
    println!("{page}");
    check(&page);
    Ok(())
}

/// The shop, and beside it, not behind the same gates, the page of figures.
fn app() -> Result<Router, Box<dyn Error + Send + Sync>> {
    let recorder = PrometheusBuilder::new().build_recorder();
    let prometheus = recorder.handle();
    metrics::set_global_recorder(recorder)?;

    let db = Database::new("shop");
    let admission = Admission::builder()
        .protect(&db)
        .concurrency(ConcurrencyLimit::new().algorithm(Fixed::new(6)).queue(10))
        .rate(RateLimit::new(Quota::per_second(10_000)))
        .build()?;
    let priorities =
        Routes::new().route("/checkout", Priority::Critical).route("/export", Priority::Bulk);
    let pages = admission
        .layer()
        .classify(priorities)
        .fallback_with(|_, _| Some("come back later".into_response()));
    let seen = pages.clone();
    let metrics = admission.metrics().fallback("later", move || seen.snapshot());
    let scrape = async move || {
        metrics.record();
        prometheus.render()
    };
    let shop = Shop { db, connections: Arc::new(Semaphore::new(4)) };
    Ok(Router::new()
        .route(
            "/checkout",
            get(|State(shop): State<Shop>| async move { shop.query("order").await }),
        )
        .route(
            "/product",
            get(|State(shop): State<Shop>| async move { shop.query("product").await }),
        )
        .route("/export", get(|State(shop): State<Shop>| async move { shop.query("export").await }))
        .layer(pages)
        .with_state(shop)
        .route("/metrics", get(scrape)))
}

/// A database that does four queries at once, each in 10 ms.
#[derive(Clone)]
struct Shop {
    db: Database,
    connections: Arc<Semaphore>,
}

impl Shop {
    async fn query(&self, statement: &str) -> &'static str {
        let query = async {
            let _connection = self.connections.acquire().await.expect("nobody closes it");
            sleep(Duration::from_millis(10)).await;
            Ok::<_, Infallible>(())
        };
        self.db.statement(statement).observe(query).await.expect("it cannot fail");
        "here you are"
    }
}

type Asking = Client<HttpConnector, Empty<Bytes>>;

fn client() -> Asking {
    Client::builder(TokioExecutor::new()).build_http()
}

/// A customer who comes again and again.
async fn ask_on(url: String) {
    let client = client();
    while ask(&client, &url).await.is_ok() {
        sleep(Duration::from_millis(5)).await;
    }
}

async fn ask(client: &Asking, url: &str) -> Result<String, Box<dyn Error + Send + Sync>> {
    let response = client.get(url.parse()?).await?;
    let body = response.into_body().collect().await?.to_bytes();
    Ok(String::from_utf8(body.to_vec())?)
}

/// What a dashboard of it shows first.
fn check(page: &str) {
    let value = |series: &str| {
        let line = page.lines().find_map(|line| line.strip_prefix(series));
        let line = line.unwrap_or_else(|| panic!("no {series}"));
        line.trim().parse::<f64>().expect("it is a number")
    };
    let refused = |priority, reason| {
        let labels = format!("priority=\"{priority}\",decision=\"refused\",reason=\"{reason}\"");
        value(&format!("brownout_requests{{{labels}}}"))
    };
    let bulk: f64 =
        ["queue_full", "queue_timeout", "evicted"].map(|why| refused("bulk", why)).iter().sum();
    assert!(bulk > 0.0, "what is least important was refused");
    assert_eq!(refused("critical", "queue_full"), 0.0, "what is most important was not");
    assert_eq!(value("brownout_limit{database=\"shop\"}"), 6.0);
    assert_eq!(value("brownout_circuit_state{database=\"shop\",state=\"closed\"}"), 1.0);
    assert!(value("brownout_queue_waited{database=\"shop\",priority=\"critical\"}") > 0.0);
    assert!(value("brownout_database_queries{database=\"shop\",outcome=\"success\"}") > 0.0);
    assert!(value("brownout_database_latency{database=\"shop\",quantile=\"0.5\"}") >= 0.01);
    assert!(value("brownout_statement_time{database=\"shop\",statement=\"order\"}") > 0.0);
    assert!(value("brownout_fallback_requests{fallback=\"later\",outcome=\"answered\"}") > 0.0);
}
