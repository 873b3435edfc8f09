//! A surge of twice what a shop can serve, and what its clients make of it: those who try
//! again at once, the same at a shop that knows retries, and those who have a budget.
//!
//! `cargo run --example retries --features axum,client`
//!
//! In virtual time, so it takes none.

use std::{
    convert::Infallible,
    error::Error,
    sync::{Arc, Mutex},
    time::Duration,
};

use axum::{
    Router,
    body::Body,
    http::{HeaderName, Request},
    response::Response,
    routing::get,
};
use brownout::{Admission, ConcurrencyLimit, client::Retries, http::Attempt, limit::Fixed};
use bytes::Bytes;
use tokio::{
    task::JoinSet,
    time::{Instant, sleep, sleep_until},
};
use tower::{Layer, ServiceExt, service_fn, util::BoxCloneSyncService};

const ATTEMPT: HeaderName = HeaderName::from_static("x-retry-attempt");
/// Ten at a time, 20 ms each, are 500 in a second.
const AT_A_TIME: usize = 10;
const TAKES: Duration = Duration::from_millis(20);
/// Two first tries come every other millisecond, for three seconds.
const FIRST_TRIES: u32 = 3_000;
const EVERY: Duration = Duration::from_millis(2);
const SURGE: Duration = Duration::from_secs(3);

#[tokio::main(flavor = "current_thread", start_paused = true)]
async fn main() -> Result<(), Box<dyn Error>> {
    println!("{FIRST_TRIES} first tries in 3 s, at a shop that can serve half of them");
    println!("{:38} requests     × at a first try  at a retry (in the surge)", "");

    let blind = surge(shop(false)?, impatient).await;
    blind.print("five tries, 0.1 s apart");
    let knowing = surge(shop(true)?, impatient).await;
    knowing.print("the same, where retries are recognised");
    let retries = Retries::new();
    let with_a_budget = |shop| BoxCloneSyncService::new(retries.layer().layer(shop));
    let careful = surge(shop(true)?, with_a_budget).await;
    careful.print("retries with a budget");

    assert!(blind.amplification() > 2.0, "a storm");
    assert!(knowing.at_first > blind.at_first, "first tries go before retries");
    assert!(knowing.in_the_surge * 50 < blind.in_the_surge, "and no retry in their place");
    let floor = 10.0 * (careful.took.as_secs_f64() + 1.0);
    assert!(
        careful.requests as f64 <= 1.2 * f64::from(FIRST_TRIES) + floor,
        "a fifth, and 10 per second"
    );
    assert!(careful.at_first + careful.at_a_retry > knowing.at_first + knowing.at_a_retry);
    Ok(())
}

fn shop(knows_retries: bool) -> Result<Router, Box<dyn Error>> {
    let limit = ConcurrencyLimit::new().algorithm(Fixed::new(AT_A_TIME)).queue(20);
    let admission = Admission::builder().concurrency(limit).build()?;
    let handler = async || {
        sleep(TAKES).await;
        "tea"
    };
    let app = Router::new().route("/product", get(handler));
    Ok(match knows_retries {
        true => app.layer(admission.layer().retries(Attempt::default())),
        false => app.layer(admission.layer()),
    })
}

/// A client as there are many: tries again, whatever it is told.
fn impatient(shop: Shop) -> Shop {
    let client = service_fn(move |request: Request<Bytes>| {
        let shop = shop.clone();
        async move {
            let mut response = shop.clone().oneshot(request.clone()).await?;
            for retry in 1..=4_u32 {
                if response.status().is_success() {
                    break;
                }
                sleep(Duration::from_millis(101)).await;
                let mut request = request.clone();
                request.headers_mut().insert(ATTEMPT, retry.into());
                response = shop.clone().oneshot(request).await?;
            }
            Ok(response)
        }
    });
    BoxCloneSyncService::new(client)
}

/// What takes requests, on either side of what tries them again.
type Shop = BoxCloneSyncService<Request<Bytes>, Response, Infallible>;

/// What came to the shop, and what became of it.
#[derive(Clone, Copy, Default)]
struct Ledger {
    requests: usize,
    at_first: usize,
    at_a_retry: usize,
    /// The same, while more first tries came than can be served.
    in_the_surge: usize,
    took: Duration,
}

impl Ledger {
    fn amplification(&self) -> f64 {
        self.requests as f64 / f64::from(FIRST_TRIES)
    }

    fn print(&self, name: &str) {
        let Self { requests, at_first, at_a_retry, in_the_surge, .. } = self;
        let times = self.amplification();
        println!(
            "{name:38} {requests:8} {times:5.2} {at_first:15} {at_a_retry:11} ({in_the_surge})"
        );
    }
}

/// All first tries by this client, and whatever it makes of them.
async fn surge(app: Router, client: impl FnOnce(Shop) -> Shop) -> Ledger {
    let (since, ledger) = (Instant::now(), Arc::new(Mutex::new(Ledger::default())));
    let client = client(counted(app, since, ledger.clone()));
    let mut running = JoinSet::new();
    for number in 0..FIRST_TRIES {
        sleep_until(since + number / 2 * EVERY).await;
        let request = Request::get("/product").body(Bytes::new()).expect("it is valid");
        let client = client.clone();
        // What is not read keeps its place.
        running.spawn(async move { client.oneshot(request).await.map(drop) });
    }
    while running.join_next().await.is_some() {}
    let counted = *ledger.lock().expect("nobody panics");
    Ledger { took: since.elapsed(), ..counted }
}

fn counted(app: Router, since: Instant, ledger: Arc<Mutex<Ledger>>) -> Shop {
    let shop = service_fn(move |request: Request<Bytes>| {
        let (app, ledger) = (app.clone(), ledger.clone());
        async move {
            let is_retry = request.headers().contains_key(ATTEMPT);
            let is_surge = since.elapsed() < SURGE;
            let response = app.oneshot(request.map(Body::from)).await?;
            let is_served = response.status().is_success();
            let mut ledger = ledger.lock().expect("nobody panics");
            ledger.requests += 1;
            ledger.at_first += usize::from(is_served && !is_retry);
            ledger.at_a_retry += usize::from(is_served && is_retry);
            ledger.in_the_surge += usize::from(is_served && is_retry && is_surge);
            Ok(response)
        }
    });
    BoxCloneSyncService::new(shop)
}
