//! A deploy under load: the old process of a shop drains and stops, the new one takes over, and
//! no request is lost.
//!
//! `cargo run --example drain --features axum`
//!
//! Takes two seconds, over loopback.

use std::{
    error::Error,
    io,
    net::SocketAddr,
    sync::{
        Arc,
        atomic::{AtomicBool, AtomicU32, Ordering::Relaxed},
    },
    time::Duration,
};

use axum::{
    Router,
    body::Body,
    extract::State,
    http::{Request, Response, StatusCode, header},
    routing::get,
};
use brownout::{Admission, Database};
use http_body_util::BodyExt;
use hyper::body::Incoming;
use hyper_util::{
    client::legacy::{Client, connect::HttpConnector},
    rt::TokioExecutor,
};
use tokio::{
    net::TcpListener,
    sync::Notify,
    task::{JoinHandle, JoinSet},
    time::{Instant, sleep, timeout},
};

const CLIENTS: usize = 40;

#[tokio::main]
async fn main() -> Result<(), Box<dyn Error>> {
    let (old, new) = (Process::start().await?, Process::start().await?);
    let (seen, ends) = (Arc::new(Seen::default()), Arc::new(AtomicBool::new(false)));
    let both = [old.address, new.address];
    let mut clients = JoinSet::new();
    for number in 0..CLIENTS {
        // One of ten asks for exports, which take long.
        let path = if number % 10 == 0 { "/export" } else { "/product" };
        clients.spawn(customer(both, path, seen.clone(), ends.clone()));
    }
    sleep(Duration::from_millis(500)).await;
    let since = Instant::now();
    old.terminate.notify_one();
    old.server.await??;
    let took = since.elapsed();
    println!("the old process stopped {:.1} s after it was asked to", took.as_secs_f64());
    sleep(Duration::from_millis(300)).await;
    ends.store(true, Relaxed);
    while let Some(ended) = clients.join_next().await {
        ended?;
    }
    seen.report(&old.admission, &new.admission)
}

/// One process of the shop.
struct Process {
    admission: Admission,
    address: SocketAddr,
    terminate: Arc<Notify>,
    server: JoinHandle<io::Result<()>>,
}

impl Process {
    async fn start() -> Result<Self, Box<dyn Error>> {
        let db = Database::new("shop");
        let admission = Admission::builder().protect(&db).build()?;
        let app = Router::new()
            .route("/product", get(|db| query(db, "product", Duration::from_millis(20))))
            .route("/export", get(|db| query(db, "export", Duration::from_millis(600))))
            .layer(admission.layer())
            .with_state(db);
        let listener = TcpListener::bind("127.0.0.1:0").await?;
        let address = listener.local_addr()?;
        let terminate = Arc::new(Notify::new());
        let stop = stop(admission.clone(), terminate.clone());
        let serve = axum::serve(listener, app).with_graceful_shutdown(stop);
        let server = tokio::spawn(async { serve.await });
        Ok(Self { admission, address, terminate, server })
    }
}

/// What a service does when it is asked to stop; a real one waits for `SIGTERM` here.
async fn stop(admission: Admission, terminate: Arc<Notify>) {
    terminate.notified().await;
    admission.drain();
    println!("{}", admission.overview());
    if timeout(Duration::from_secs(10), admission.drained()).await.is_err() {
        eprintln!("these did not finish: {}", admission.snapshot());
    }
    // Whoever was the last to finish is told as well, when it comes again.
    sleep(Duration::from_millis(300)).await;
}

async fn query(State(db): State<Database>, what: &str, takes: Duration) -> Result<(), StatusCode> {
    let answer = async {
        sleep(takes).await;
        Ok::<_, io::Error>(())
    };
    db.statement(what).observe(answer).await.map_err(|_| StatusCode::INTERNAL_SERVER_ERROR)
}

/// What the clients saw.
#[derive(Default)]
struct Seen {
    served: AtomicU32,
    sent_elsewhere: AtomicU32,
    refused_for_load: AtomicU32,
    /// A refusal that does not say when to come back, and by another connection.
    silent: AtomicU32,
    lost: AtomicU32,
}

/// Asks the first process, as long as that takes it, and then the second, over connections that
/// it keeps.
async fn customer(
    [first, second]: [SocketAddr; 2],
    path: &str,
    seen: Arc<Seen>,
    ends: Arc<AtomicBool>,
) {
    let client: Client<_, Body> = Client::builder(TokioExecutor::new()).build_http();
    let mut address = first;
    while !ends.load(Relaxed) {
        match ask(&client, address, path).await {
            Ok(response) if response.status() == StatusCode::OK => count(&seen.served),
            Ok(response) if is_told_to_leave(&response) => {
                count(&seen.sent_elsewhere);
                address = second;
            }
            Ok(response) if response.status() == StatusCode::SERVICE_UNAVAILABLE => {
                let is_silent = !response.headers().contains_key(header::RETRY_AFTER);
                count(if is_silent { &seen.silent } else { &seen.refused_for_load });
                sleep(Duration::from_millis(50)).await;
            }
            _ => count(&seen.lost),
        }
    }
}

/// Reads the answer to its end.
async fn ask(
    client: &Client<HttpConnector, Body>,
    address: SocketAddr,
    path: &str,
) -> Result<Response<()>, Box<dyn Error + Send + Sync>> {
    let request = Request::get(format!("http://{address}{path}")).body(Body::empty())?;
    let (head, body): (_, Incoming) = client.request(request).await?.into_parts();
    body.collect().await?;
    Ok(Response::from_parts(head, ()))
}

fn is_told_to_leave(response: &Response<()>) -> bool {
    let headers = response.headers();
    let closes = headers.get(header::CONNECTION).is_some_and(|value| value == "close");
    let is_refused = response.status() == StatusCode::SERVICE_UNAVAILABLE;
    is_refused && closes && headers.contains_key(header::RETRY_AFTER)
}

fn count(what: &AtomicU32) {
    what.fetch_add(1, Relaxed);
}

impl Seen {
    fn report(&self, old: &Admission, new: &Admission) -> Result<(), Box<dyn Error>> {
        let seen = |what: &AtomicU32| what.load(Relaxed);
        let [served, sent, lost] = [&self.served, &self.sent_elsewhere, &self.lost].map(seen);
        println!("{served} served, {sent} sent to the new process, {lost} lost");
        println!("refused for load: {}", seen(&self.refused_for_load));
        let admitted = old.snapshot().admitted + new.snapshot().admitted;
        assert_eq!((lost, seen(&self.silent)), (0, 0));
        assert_eq!(u64::from(served), admitted, "whoever was let in was served");
        assert_eq!(sent as usize, CLIENTS, "each was sent away once");
        assert_eq!(old.snapshot().in_flight, 0);
        Ok(())
    }
}
