//! The server: axum, bare or behind all gates.

use std::{
    convert::Infallible,
    io::Read,
    net::Ipv4Addr,
    pin::Pin,
    task::{Context, Poll},
    time::Duration,
};

use axum::{
    Router,
    body::{Body, Bytes, HttpBody},
    extract::Request,
    routing::get,
};
use brownout::{Admission, ConcurrencyLimit, Database, Quota, RateLimit, limit::Fixed};
use http_body::Frame;
use tokio::{
    net::TcpListener,
    time::{Instant, Sleep, sleep_until},
};
use tower::Service;

/// What stands in front of the pages: nothing, a layer that does nothing (what axum itself takes
/// for any), or all gates.
pub(crate) const STACKS: [&str; 3] = ["nothing", "an idle layer", "the whole stack"];

/// Serves until its standard input is closed.
pub(crate) fn serve(stack: &str) {
    let app = match stack {
        "nothing" => pages(None),
        "an idle layer" => pages(None).layer(tower::layer::layer_fn(Idle)),
        _ => behind_all(),
    };
    let mut builder = tokio::runtime::Builder::new_multi_thread();
    let runtime = builder.worker_threads(1).enable_all().build().expect("a runtime can be built");
    runtime.spawn(async move {
        let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).await.expect("a port is free");
        println!("{}", listener.local_addr().expect("it is bound").port());
        axum::serve(listener, app).await.expect("it serves");
    });
    let _ = std::io::stdin().read_to_end(&mut Vec::new());
}

/// With a database that is recorded with every request, and is so quick that nothing but the
/// recording is seen.
fn behind_all() -> Router {
    let db = Database::new("shop");
    // What is measured is what it costs to be admitted, so nobody may be refused.
    let limit = ConcurrencyLimit::new().algorithm(Fixed::new(1_000)).max(1_000);
    let admission = Admission::builder()
        .protect(&db)
        .concurrency(limit)
        .rate(RateLimit::new(Quota::per_second(10_000_000)))
        .build();
    let layer = admission.expect("the settings are in range").layer();
    pages(Some(db)).layer(layer)
}

/// Hands all on.
#[derive(Clone)]
struct Idle<S>(S);

impl<S: Service<Request>> Service<Request> for Idle<S> {
    type Response = S::Response;
    type Error = S::Error;
    type Future = S::Future;

    fn poll_ready(&mut self, cx: &mut Context<'_>) -> Poll<Result<(), S::Error>> {
        self.0.poll_ready(cx)
    }

    fn call(&mut self, request: Request) -> S::Future {
        self.0.call(request)
    }
}

fn pages(db: Option<Database>) -> Router {
    let query = move || {
        let query = db.as_ref().map(|db| db.statement("product"));
        async move {
            let done = async { Ok::<_, Infallible>(()) };
            if let Some(query) = query {
                let Ok(()) = query.observe(done).await;
            }
        }
    };
    let small = {
        let query = query.clone();
        move || async move {
            query().await;
            "Hello, world!"
        }
    };
    let slow = move || async move {
        query().await;
        Body::new(SlowBody::new())
    };
    Router::new().route("/small", get(small)).route("/slow", get(slow))
}

/// The same 13 bytes in two parts.
struct SlowBody {
    pause: Pin<Box<Sleep>>,
    parts: &'static [&'static str],
}

impl SlowBody {
    fn new() -> Self {
        let until = Instant::now() + Duration::from_millis(2);
        Self { pause: Box::pin(sleep_until(until)), parts: &["Hello, ", "world!"] }
    }
}

impl HttpBody for SlowBody {
    type Data = Bytes;
    type Error = Infallible;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, Infallible>>> {
        let Some((part, rest)) = self.parts.split_first() else { return Poll::Ready(None) };
        if rest.is_empty() && self.pause.as_mut().poll(cx).is_pending() {
            return Poll::Pending;
        }
        self.parts = rest;
        Poll::Ready(Some(Ok(Frame::data(Bytes::from_static(part.as_bytes())))))
    }
}
