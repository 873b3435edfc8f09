//! A shop of three services: an edge that clients reach, one in the middle, and one at the back.
//! What is critical at the edge is critical at the back, whatever the route there; what a client
//! makes up is not believed; and the time that is left gets less on the way.
//!
//! `cargo run --example propagation --features axum`

use std::{error::Error, net::SocketAddr, time::Duration};

use axum::{
    Router,
    body::{Body, to_bytes},
    extract::State,
    http::{Request, StatusCode, Uri},
    routing::get,
};
use brownout::{
    Admission, Priority,
    http::{Propagate, Propagated, Propagating, Routes, Timeout},
    time_left,
};
use hyper_util::{
    client::legacy::{Client, connect::HttpConnector},
    rt::TokioExecutor,
};
use tokio::{net::TcpListener, time::sleep};
use tower::{Layer, Service, ServiceExt};

/// The client of those who are called, which tells for whom it calls.
type Calls = Propagating<Client<HttpConnector, Body>>;

#[tokio::main(flavor = "current_thread")]
async fn main() -> Result<(), Box<dyn Error>> {
    // All of these are on one machine. Elsewhere, it is the network of your services.
    let ours = Propagated::new().trusting(["127.0.0.1"])?;
    let sheddable = Routes::new().route("/", Priority::Sheddable);
    let back = serve("back", sheddable.clone(), ours.clone(), None).await?;
    let middle = serve("middle", sheddable.clone(), ours, Some(back)).await?;
    let routes = sheddable.route("/checkout", Priority::Critical);
    let edge = serve("edge", routes, Propagated::new(), Some(middle)).await?;

    println!("a checkout is critical to the end:");
    assert_eq!(ask(edge, "/checkout", None).await?, ["critical"; 3]);
    println!("a search is not, though its client says so:");
    assert_eq!(ask(edge, "/search", Some("critical")).await?, ["sheddable"; 3]);
    println!("a client may ask for less:");
    assert_eq!(ask(edge, "/checkout", Some("bulk")).await?, ["bulk"; 3]);
    Ok(())
}

#[derive(Clone)]
struct Shop {
    name: &'static str,
    calls: Calls,
    next: Option<SocketAddr>,
}

/// Serves on a port of its own, with an admission of its own.
async fn serve(
    name: &'static str,
    routes: Routes,
    propagated: Propagated,
    next: Option<SocketAddr>,
) -> Result<SocketAddr, Box<dyn Error>> {
    let calls = Propagate::new().deadline(Timeout::grpc()).layer(client());
    let layer = Admission::builder().build()?.layer();
    let layer = layer.classify(routes).propagated(propagated);
    let app = Router::new()
        .route("/{*page}", get(page))
        .layer(layer.deadline(Timeout::grpc().otherwise(Duration::from_secs(10))))
        .with_state(Shop { name, calls, next })
        .into_make_service_with_connect_info::<SocketAddr>();
    let listener = TcpListener::bind("127.0.0.1:0").await?;
    let address = listener.local_addr()?;
    tokio::spawn(async move { axum::serve(listener, app).await });
    Ok(address)
}

/// Works for a while and asks the next service, of which the answer is a part of its own. It
/// does not know that there are priorities.
async fn page(State(shop): State<Shop>, uri: Uri) -> Result<String, StatusCode> {
    sleep(Duration::from_millis(20)).await;
    let line = line(shop.name);
    let Some(next) = shop.next else { return Ok(line) };
    let request = Request::get(format!("http://{next}{uri}")).body(Body::empty());
    let request = request.map_err(|_| StatusCode::BAD_REQUEST)?;
    let rest = text(shop.calls, request).await.map_err(|_| StatusCode::BAD_GATEWAY)?;
    Ok(line + &rest)
}

fn line(name: &str) -> String {
    let priority = Priority::current().map_or("none", Priority::as_str);
    let left = time_left().unwrap_or_default().as_millis();
    format!("{name} {priority} {left}\n")
}

/// Asks from outside, shows the answer, and gives the priorities that are in it.
async fn ask(
    edge: SocketAddr,
    path: &str,
    told: Option<&str>,
) -> Result<Vec<String>, Box<dyn Error>> {
    let request = Request::get(format!("http://{edge}{path}"));
    let request = told.into_iter().fold(request, |r, told| r.header("x-request-priority", told));
    let text = text(client(), request.body(Body::empty())?).await?;
    let (mut priorities, mut least) = (Vec::new(), u64::MAX);
    for line in text.lines() {
        let [name, priority, left] = line.split(' ').collect::<Vec<_>>()[..] else {
            return Err(format!("not an answer: {line}").into());
        };
        println!("  {name:6} {priority:9} {left} ms left");
        let left = left.parse()?;
        assert!(left < least, "each has less time than the one before");
        least = left;
        priorities.push(priority.to_owned());
    }
    Ok(priorities)
}

async fn text<C>(client: C, request: Request<Body>) -> Result<String, Box<dyn Error>>
where
    C: Service<Request<Body>, Response = hyper::Response<hyper::body::Incoming>>,
    C::Error: Error + 'static,
{
    let body = client.oneshot(request).await?.into_body();
    let text = to_bytes(Body::new(body), 1_000).await?;
    Ok(String::from_utf8_lossy(&text).into_owned())
}

fn client() -> Client<HttpConnector, Body> {
    Client::builder(TokioExecutor::new()).build_http()
}
