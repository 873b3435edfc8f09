//! A server of hyper without axum: layers around a plain service, connection by connection. There is
//! no router to tell the routes, so they are listed.
//!
//! `cargo run --example hyper`

use std::{convert::Infallible, error::Error, net::SocketAddr, time::Duration};

use brownout::{Admission, ConcurrencyLimit, Database, Priority, http::Routes, limit::Fixed};
use http::{Request, Response, StatusCode, header};
use http_body_util::{Empty, Full};
use hyper::{
    body::{Bytes, Incoming},
    server::conn::http1,
};
use hyper_util::{
    client::legacy::Client,
    rt::{TokioExecutor, TokioIo},
    service::TowerToHyperService,
};
use tokio::{net::TcpListener, task::JoinSet, time::sleep};
use tower::{ServiceBuilder, service_fn};

const CROWD: usize = 40;

#[tokio::main]
async fn main() -> Result<(), Box<dyn Error>> {
    let db = Database::new("shop");
    // A limit that stays, so that what is refused is the same each time.
    let limit =
        ConcurrencyLimit::new().algorithm(Fixed::new(2)).queue(8).max_wait(Duration::from_secs(10));
    let admission = Admission::builder().protect(&db).concurrency(limit).build()?;
    let listener = TcpListener::bind("127.0.0.1:0").await?;
    let address = listener.local_addr()?;
    tokio::spawn(serve(listener, admission.clone(), db));

    let (checkouts, searches) =
        tokio::join!(crowd(address, "/checkout", 4), crowd(address, "/search", CROWD));
    println!("of 4 checkouts, {} were served; of {CROWD} searches, {}", checkouts?, searches?);
    println!("{}", admission.snapshot());
    let refused = admission.snapshot().admitted_of(Priority::Sheddable) < CROWD as u64;
    assert!(refused, "there is no room for all searches");
    assert_eq!(admission.snapshot().admitted_of(Priority::Critical), 4, "the important go first");
    Ok(())
}

async fn serve(listener: TcpListener, admission: Admission, db: Database) {
    let handler = service_fn(move |request| page(request, db.clone()));
    let routes = Routes::new()
        .learned()
        .route("/checkout", Priority::Critical)
        .route("/search", Priority::Sheddable);
    let service = ServiceBuilder::new().layer(admission.layer().classify(routes)).service(handler);
    while let Ok((stream, _)) = listener.accept().await {
        // A clone has the same gates: what they limit is all connections together.
        let service = TowerToHyperService::new(service.clone());
        tokio::spawn(http1::Builder::new().serve_connection(TokioIo::new(stream), service));
    }
}

async fn page(_: Request<Incoming>, db: Database) -> Result<Response<Full<Bytes>>, Infallible> {
    let query = async {
        sleep(Duration::from_millis(50)).await;
        Ok::<_, Infallible>("a page")
    };
    Ok(Response::new(Full::from(db.observe(query).await?)))
}

/// So many ask at once, each over a connection of its own; how many were served?
async fn crowd(address: SocketAddr, path: &str, size: usize) -> Result<usize, Box<dyn Error>> {
    let mut crowd = JoinSet::new();
    for _ in 0..size {
        let client = Client::builder(TokioExecutor::new()).build_http();
        let request = Request::get(format!("http://{address}{path}")).body(Empty::<Bytes>::new())?;
        crowd.spawn(async move { client.request(request).await });
    }
    let mut served = 0;
    while let Some(answer) = crowd.join_next().await {
        let answer = answer??;
        match answer.status() {
            StatusCode::OK => served += 1,
            status => {
                assert_eq!(status, StatusCode::SERVICE_UNAVAILABLE);
                assert!(answer.headers().contains_key(header::RETRY_AFTER));
            }
        }
    }
    Ok(served)
}
