//! A client of somebody else's API, by reqwest: never more at once than was agreed, retries within a
//! budget, and no calls at all while the API is down.
//!
//! `cargo run --example reqwest_client --features axum,client`
//!
//! The API runs in this process, over loopback.

use std::{
    sync::{
        Arc,
        atomic::{AtomicBool, AtomicUsize, Ordering::SeqCst},
    },
    time::Duration,
};

use axum::{Router, extract::State, http::StatusCode, routing::get};
use brownout::{Admission, Circuit, ConcurrencyLimit, Database, Reason, client::Retries};
use bytes::Bytes;
use http::{Request, Response};
use tokio::{net::TcpListener, task::JoinSet, time::sleep};
use tower::{BoxError, ServiceBuilder, ServiceExt, service_fn, util::BoxCloneSyncService};

/// Their terms: so many calls at once.
const AGREED: usize = 8;

type Client = BoxCloneSyncService<Request<Bytes>, StatusCode, BoxError>;

#[tokio::main]
async fn main() -> Result<(), BoxError> {
    let api = Arc::new(Api::default());
    let app = Router::new().route("/rates", get(rates)).with_state(api.clone());
    let listener = TcpListener::bind("127.0.0.1:0").await?;
    let url = format!("http://{}/rates", listener.local_addr()?);
    tokio::spawn(async { axum::serve(listener, app).await });

    // Not a database, but what this process waits for: the gates follow what it feels like.
    let rates = Database::new("rates");
    let limit = ConcurrencyLimit::new().max(AGREED).max_wait(Duration::from_secs(10));
    let admission = Admission::builder().protect(&rates).concurrency(limit).build()?;
    let client = client(&admission, &rates);

    println!("200 calls come at once:");
    let mut calls = JoinSet::new();
    for _ in 0..200 {
        calls.spawn(client.clone().oneshot(Request::get(&url).body(Bytes::new())?));
    }
    while let Some(call) = calls.join_next().await {
        call??;
    }
    println!("  {} arrived, {} at once at most", api.calls.load(SeqCst), api.most.load(SeqCst));
    assert!(api.most.load(SeqCst) <= AGREED, "as was agreed");

    println!("the API is down:");
    api.is_down.store(true, SeqCst);
    let (before, mut asked) = (api.calls.load(SeqCst), 0);
    while admission.snapshot().refused(Reason::CircuitOpen) < 50 {
        assert!(asked < 20_000, "the circuit never opened");
        call(&client, &url).await?;
        asked += 1;
    }
    let came = api.calls.load(SeqCst) - before;
    println!("  of {asked} calls and what was tried again, {came} went out to it");
    println!("  {}", admission.overview());

    println!("and up again:");
    api.is_down.store(false, SeqCst);
    let mut waited = 0;
    while !(call(&client, &url).await?.is_success()
        && admission.breaker().circuit() == Circuit::Closed)
    {
        assert!(waited < 6_000, "the circuit stays open");
        waited += 1;
        sleep(Duration::from_millis(10)).await;
    }
    println!("  {}", admission.overview());
    Ok(())
}

/// From the outside: what is tried again asks for leave again; what has leave is timed.
fn client(admission: &Admission, rates: &Database) -> Client {
    let http = reqwest::Client::builder().timeout(Duration::from_secs(5)).build();
    let http = http.expect("it needs no certificates");
    // reqwest's client is a service by itself; this one takes the requests of all others.
    let send = service_fn(move |request: Request<Bytes>| {
        let http = http.clone();
        async move {
            let response = http.execute(request.try_into()?).await?;
            Ok::<_, reqwest::Error>(Response::<reqwest::Body>::from(response))
        }
    });
    // Who would have to wait for longer hears at once that it has to.
    let retries = Retries::new().longest_wait(Duration::from_millis(500));
    let stack = ServiceBuilder::new()
        .layer(retries.layer())
        .layer(admission.layer())
        .layer(rates.layer().http());
    BoxCloneSyncService::new(
        stack.service(send).map_response(|response| response.status()).map_err(BoxError::from),
    )
}

async fn call(client: &Client, url: &str) -> Result<StatusCode, BoxError> {
    client.clone().oneshot(Request::get(url).body(Bytes::new())?).await
}

/// What the other side counts.
#[derive(Default)]
struct Api {
    is_down: AtomicBool,
    calls: AtomicUsize,
    now: AtomicUsize,
    most: AtomicUsize,
}

async fn rates(State(api): State<Arc<Api>>) -> StatusCode {
    api.calls.fetch_add(1, SeqCst);
    if api.is_down.load(SeqCst) {
        return StatusCode::SERVICE_UNAVAILABLE;
    }
    api.most.fetch_max(1 + api.now.fetch_add(1, SeqCst), SeqCst);
    sleep(Duration::from_millis(10)).await;
    api.now.fetch_sub(1, SeqCst);
    StatusCode::OK
}
