//! A little shop to rehearse with: behind brownout, over a database that is modelled.
//!
//! It is here so that one can see a rehearsal before there is a service to rehearse.

use std::convert::Infallible;
use std::net::TcpListener;
use std::sync::Arc;
use std::thread;
use std::time::Duration;

use axum::Router;
use axum::extract::{Path, State};
use axum::http::{StatusCode, header};
use axum::response::IntoResponse;
use axum::routing::{get, post};
use brownout::http::{Propagated, Routes};
use brownout::{Admission, Brownout, Database, InvalidConfig, Optional, Priority, StaleLayer};
use tokio::sync::Semaphore;
use tokio::time::sleep;

use crate::terminal::failure::{Failure, Result};

/// Starts it on a free port of this machine, on a thread of its own; returns its URL. It ends
/// with the program.
pub(crate) fn open() -> Result<String> {
    let failed = |what: String| Failure::new(format!("--against-demo: {what}"));
    let listener = TcpListener::bind("127.0.0.1:0").map_err(|error| failed(error.to_string()))?;
    listener.set_nonblocking(true).map_err(|error| failed(error.to_string()))?;
    let address = listener.local_addr().map_err(|error| failed(error.to_string()))?;
    let shop = shop().map_err(|error| failed(error.to_string()))?;
    thread::spawn(move || {
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
        runtime.block_on(async {
            axum::serve(tokio::net::TcpListener::from_std(listener)?, shop).await
        })
    });
    Ok(format!("http://{address}"))
}

fn shop() -> Result<Router, InvalidConfig> {
    let db = Database::new("shop");
    let admission = Admission::builder().protect(&db).build()?;
    let routes =
        Routes::new().route("/checkout", Priority::Critical).route("/search", Priority::Sheddable);
    Ok(Router::new()
        .route("/products/{id}", get(product))
        .route("/search", get(search))
        .route("/checkout", post(check_out))
        // Customers may ask for less than their route has, not for more.
        .layer(admission.layer().classify(routes).propagated(Propagated::new()))
        .layer(StaleLayer::new())
        // Who looks whether it is alive passes no gate.
        .route("/health", get(async || "fine"))
        .with_state(Store { db, connections: Arc::new(Semaphore::new(CONNECTIONS)) }))
}

/// With the mix of the plan that comes along, it does some 150 requests a second.
const CONNECTIONS: usize = 4;
const QUERY: Duration = Duration::from_millis(15);

/// What others bought; a page does without it when there is no room.
const OTHERS: Optional = Optional::nth(1, 1);

/// For pages that are the same for everybody.
const FOR_ALL: [(header::HeaderName, &str); 1] =
    [(header::CACHE_CONTROL, "public, max-age=1, stale-if-error=600")];

/// A database that does so many queries at once, and each in so much time.
#[derive(Clone)]
struct Store {
    db: Database,
    connections: Arc<Semaphore>,
}

impl Store {
    async fn query(&self, cost: u32) {
        let query = async {
            let _connection = self.connections.acquire().await.expect("nobody closes it");
            sleep(cost * QUERY).await;
            Ok::<_, Infallible>(())
        };
        self.db.observe(query).await.expect("it cannot fail");
    }
}

async fn product(
    State(store): State<Store>,
    Path(id): Path<u32>,
    brownout: Brownout,
) -> impl IntoResponse {
    store.query(1).await;
    let mut page = format!("kettle no. {id}\n");
    if brownout.serves(OTHERS) {
        store.query(1).await;
        page += "others bought: tea\n";
    }
    (FOR_ALL, page)
}

async fn search(State(store): State<Store>) -> impl IntoResponse {
    store.query(3).await;
    (FOR_ALL, "42 results\n")
}

async fn check_out(State(store): State<Store>) -> impl IntoResponse {
    store.query(2).await;
    (StatusCode::CREATED, "placed\n")
}
