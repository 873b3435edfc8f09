//! A service with everything switched on that reads what a client sends.

use std::net::SocketAddr;
use std::time::Duration;

use axum::Router;
use axum::extract::{Request, State};
use axum::http::{HeaderMap, HeaderName, header};
use axum::response::{IntoResponse, Response};
use axum::routing::any;
use brownout::http::key::{ClientIp, Header};
use brownout::http::{Attempt, Propagated, Timeout};
use brownout::{Admission, Class, Database, InvalidConfig, Quota, RateLimit, Route, StaleLayer};
use tokio::runtime::{Builder, Runtime};
use tokio::time::{Instant, sleep};

use crate::trial::failure::{Failure, Result};

/// Runs on threads of its own, which end when it drops.
#[derive(Debug)]
pub(crate) struct Target {
    pub(crate) address: SocketAddr,
    admission: Admission,
    stale: StaleLayer,
    runtime: Option<Runtime>,
}

impl Target {
    pub(crate) fn start() -> Result<Self> {
        let invalid =
            |error: InvalidConfig| Failure::new(format!("the target's settings: {error}"));
        let database = Database::new("shop");
        let rate = RateLimit::new(Quota::per_second(5)).per_key().tell_all();
        let admission =
            Admission::builder().protect(&database).rate(rate).build().map_err(invalid)?;
        let stale = StaleLayer::new().coalesce().max_bytes(KEPT);
        let app = app(&admission, &database, stale.clone()).map_err(invalid)?;
        let runtime = Builder::new_multi_thread().worker_threads(2).enable_all().build()?;
        let listener = std::net::TcpListener::bind("127.0.0.1:0")?;
        listener.set_nonblocking(true)?;
        let address = listener.local_addr()?;
        runtime.spawn(async move {
            let listener = tokio::net::TcpListener::from_std(listener)?;
            axum::serve(listener, app.into_make_service_with_connect_info::<SocketAddr>()).await
        });
        Ok(Self { address, admission, stale, runtime: Some(runtime) })
    }

    /// What is occupied once nothing is asked any more.
    pub(crate) async fn leaked(&self) -> u64 {
        let occupied = || {
            let seen = self.admission.snapshot();
            (seen.in_flight + seen.waiting) as u64
        };
        let patience = Instant::now() + Duration::from_secs(10);
        while occupied() > 0 && Instant::now() < patience {
            sleep(Duration::from_millis(20)).await;
        }
        occupied()
    }

    pub(crate) fn describe(&self) -> String {
        let clients = self.admission.rate().map_or(0, |rate| rate.snapshot().keys);
        let kept = self.stale.snapshot();
        format!("remembered at the end: {clients} clients, {} kept answers", kept.pages)
    }
}

impl Drop for Target {
    fn drop(&mut self) {
        self.runtime.take().into_iter().for_each(Runtime::shutdown_background);
    }
}

fn app(
    admission: &Admission,
    database: &Database,
    stale: StaleLayer,
) -> std::result::Result<Router, InvalidConfig> {
    // The worst that one can do: a route for each path that somebody makes up.
    let class = |request: &Request| Class::default().route(Route::named(request.uri().path()));
    let client = ClientIp::behind(["127.0.0.0/8"])?.x_forwarded_for();
    let layer = admission
        .layer()
        .classify(class)
        .key(Header::new(HeaderName::from_static("x-api-key")).or(client))
        .propagated(Propagated::new().trusting_all())
        .deadline(Timeout::grpc())
        .retries(Attempt::default())
        .legacy_rate_limit_headers()
        .server_timing()
        .body_within(Duration::from_secs(5));
    let pages = Router::new().route("/item/{id}", any(page)).fallback(page);
    Ok(pages.with_state(database.clone()).layer(layer).layer(stale))
}

/// Says of caching what the client wants it to say, and asks the database for something new.
async fn page(State(database): State<Database>, request: Request) -> Response {
    let statement = format!("SELECT name FROM items WHERE path = {}", request.uri().path());
    let query = async { Ok::<_, std::convert::Infallible>(()) };
    let Ok(()) = database.statement(&statement).observe(query).await;
    let mut headers = HeaderMap::new();
    for (name, value) in request.headers() {
        if ECHOED.contains(name) {
            headers.append(name, value.clone());
        }
    }
    (headers, "a page").into_response()
}

const ECHOED: [HeaderName; 6] =
    [header::CACHE_CONTROL, header::VARY, header::ETAG, header::AGE, header::DATE, header::EXPIRES];
/// Bytes of kept answers.
const KEPT: u64 = 8 << 20;
