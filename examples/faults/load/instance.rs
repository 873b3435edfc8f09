//! One instance of the shop behind brownout, which can be drained, stopped and replaced.

use std::net::SocketAddr;
use std::time::Duration;

use axum::Router;
use axum::body::{Body, to_bytes};
use axum::extract::{Request, State};
use axum::http::StatusCode;
use axum::middleware::{Next, from_fn};
use axum::response::{IntoResponse, Response};
use axum::routing::{get, post};
use brownout::http::Routes;
use brownout::{Admission, Database, Priority};
use tokio::runtime::{Builder, Runtime};
use tokio::sync::oneshot;
use tokio::task::JoinHandle;
use tokio::time::{Instant, sleep, timeout};

use super::client::Client;
use super::rows::Rows;
use crate::trial::Stage;
use crate::trial::errand::quiet_hours;
use crate::trial::failure::{Failure, Result};
use crate::trial::protection::Protection;
use crate::trial::server::Login;
use crate::trial::shop::Shop;
use crate::trial::store::Store;

/// A running shop on threads of its own, which end when it drops.
#[derive(Debug)]
pub(crate) struct Instance {
    pub(crate) address: SocketAddr,
    pub(crate) shop: Shop,
    pub(crate) admission: Admission,
    stop: oneshot::Sender<()>,
    serving: JoinHandle<std::io::Result<()>>,
    runtime: Option<Runtime>,
}

impl Instance {
    /// Over the tables of this stage, with a pool of so many connections.
    pub(crate) async fn start(stage: &Stage, connections: u32) -> Result<Self> {
        let mut threads = Builder::new_multi_thread();
        let runtime = threads.worker_threads(2).thread_name("shop").enable_all().build()?;
        let (dialect, url) = (stage.server.dialect, stage.server.url(Login::Shop));
        let database = Database::new("shop");
        let admission = Admission::builder().protect(&database).build();
        let invalid = |error| Failure::new(format!("the guard's settings: {error}"));
        let admission = admission.map_err(invalid)?;
        let pool = database.clone();
        let opening =
            runtime.spawn(async move { Store::open(dialect, &url, &pool, connections).await });
        let store = opening.await.expect("opening does not panic")?;
        let decisions = Default::default();
        let protection = Protection::Present { database, admission: admission.clone(), decisions };
        let shop = Shop { store, protection };
        let router = guarded(&shop, &admission);
        let listener = std::net::TcpListener::bind("127.0.0.1:0")?;
        listener.set_nonblocking(true)?;
        let address = listener.local_addr()?;
        let (stop, stopped) = oneshot::channel::<()>();
        let serving = runtime.spawn(async move {
            let listener = tokio::net::TcpListener::from_std(listener)?;
            // Whoever drops the sender wants it stopped, too.
            let stopped = async { drop(stopped.await) };
            axum::serve(listener, router).with_graceful_shutdown(stopped).await
        });
        Ok(Self { address, shop, admission, stop, serving, runtime: Some(runtime) })
    }

    /// It has been open for a while, so that it knows what needs the database.
    pub(crate) async fn learn(&self, client: &Client) {
        for errand in quiet_hours() {
            client.go(self.address, &errand).await;
        }
    }

    /// Has it take no more, finish what it has and stop.
    pub(crate) async fn drain_and_stop(mut self) -> Result<()> {
        self.admission.drain();
        let drained = timeout(CALM_DOWN, self.admission.drained()).await;
        drained.map_err(|_| Failure::new("a drained instance does not come to its end"))?;
        let Self { stop, serving, runtime, .. } = &mut self;
        drop(std::mem::replace(stop, oneshot::channel().0));
        let ended = timeout(CALM_DOWN, serving).await;
        let ended =
            ended.map_err(|_| Failure::new("connections of a drained instance stay open"))?;
        ended.expect("serving does not panic")?;
        runtime.take().into_iter().for_each(Runtime::shutdown_background);
        Ok(())
    }

    /// Permits and places in the queue, now.
    pub(crate) fn occupied(&self) -> u64 {
        let seen = self.admission.snapshot();
        (seen.in_flight + seen.waiting) as u64
    }

    /// What is still occupied when nothing has been asked for a while.
    pub(crate) async fn leaked(&self) -> u64 {
        let patience = Instant::now() + CALM_DOWN;
        while self.occupied() + self.shop.store.busy() as u64 > 0 && Instant::now() < patience {
            sleep(Duration::from_millis(20)).await;
        }
        self.occupied()
    }
}

impl Drop for Instance {
    fn drop(&mut self) {
        self.runtime.take().into_iter().for_each(Runtime::shutdown_background);
    }
}

/// The shop with two routes more, one that takes long to send and one that takes long to read.
fn guarded(shop: &Shop, admission: &Admission) -> Router {
    let routes = Routes::new()
        .route("/checkout", Priority::Critical)
        .route("/search", Priority::Sheddable)
        .route("/export", Priority::Bulk);
    let more = Router::new()
        .route("/export", get(export))
        .route("/upload", post(upload))
        .with_state(shop.clone());
    let layer = admission.layer().body_within(BODY_WITHIN).classify(routes);
    shop.pages().merge(more).layer(layer).layer(from_fn(read_first))
}

/// What a client sends is read before it takes a place, and in so long.
async fn read_first(request: Request, next: Next) -> Response {
    let (head, body) = request.into_parts();
    match timeout(READ_WITHIN, to_bytes(body, LARGEST)).await {
        Ok(Ok(body)) => next.run(Request::from_parts(head, Body::from(body))).await,
        Ok(Err(_)) => StatusCode::PAYLOAD_TOO_LARGE.into_response(),
        Err(_) => StatusCode::REQUEST_TIMEOUT.into_response(),
    }
}

async fn export(State(shop): State<Shop>) -> Response {
    match shop.store.product(1).await {
        Ok(_) => Body::new(Rows::default()).into_response(),
        Err(error) => (StatusCode::INTERNAL_SERVER_ERROR, error.to_string()).into_response(),
    }
}

async fn upload(State(shop): State<Shop>, sent: String) -> Response {
    match shop.store.product(1).await {
        Ok(_) => format!("{} bytes\n", sent.len()).into_response(),
        Err(error) => (StatusCode::INTERNAL_SERVER_ERROR, error.to_string()).into_response(),
    }
}

/// How long a body that is sent holds a permit at most.
pub(crate) const BODY_WITHIN: Duration = Duration::from_millis(250);
/// How long a client may take to send a body, and how much.
const READ_WITHIN: Duration = Duration::from_secs(120);
const LARGEST: usize = 64 * 1_024;
const CALM_DOWN: Duration = Duration::from_secs(20);
