//! What clients send with ill intent: it is written nowhere, and moves nothing that is for all.

#![cfg(feature = "axum")]

mod support;

use std::{
    env, io,
    process::Command,
    sync::{Arc, Mutex},
};

use axum::{
    Router,
    body::{Body, to_bytes},
    extract::State,
    http::{HeaderName, Request},
    response::Response,
    routing::any,
};
use brownout::{
    Admission, Circuit, ConcurrencyLimit, Database, Event, Key, Priority, Quota, RateLimit,
    http::{
        Attempt, Propagated, Routes, Timeout,
        key::{ClientIp, Header},
    },
    limit::Fixed,
};
use bytes::Bytes;
use http_body_util::BodyExt;
use support::{MS, chunks::Chunks};
use tokio::time::{advance, sleep};
use tower::ServiceExt;

/// What is looked for, in whatever case.
const MARK: &str = "x9q7z";

/// Everything that was told, as text.
#[derive(Clone, Default)]
struct Told(Arc<Mutex<String>>);

impl Told {
    fn tell(&self, text: &str) {
        let mut told = self.0.lock().expect("nobody panics");
        told.push_str(text);
        told.push('\n');
    }

    fn text(&self) -> String {
        self.0.lock().expect("nobody panics").to_lowercase()
    }
}

/// A statement with what a client sent in it, which nobody should write so.
async fn search(State(db): State<Database>, request: Request<Body>) -> String {
    let sql = format!("select 1 where q = '{}'", request.uri().query().unwrap_or(MARK));
    let answer = async {
        sleep(MS).await;
        Ok::<_, io::Error>(())
    };
    db.sql(&sql).observe(answer).await.expect("it is answered");
    String::new()
}

fn shop(admission: &Admission, db: &Database) -> Router {
    let classes = Routes::new().route("/checkout", Priority::Critical);
    let propagated = Propagated::new().otherwise(classes);
    let layer = admission.layer().classify(propagated);
    let layer = layer.key(Header::new(HeaderName::from_static("x-api-key")).or(ClientIp::peer()));
    let layer = layer.deadline(Timeout::grpc()).retries(Attempt::default());
    Router::new()
        .route("/search/{what}", any(search))
        .fallback(search)
        .layer(layer)
        .with_state(db.clone())
}

/// The same in everything that a client may choose.
fn hostile(number: usize) -> Request<Body> {
    let method = ["GET", "POST", "X9Q7Z", "OPTIONS"][number % 4];
    let path = ["/search/x9q7z", "/x9q7z", "/search/x9q7z%0d%0aset-cookie:x9q7z=1"][number % 3];
    let mut request = Request::builder().method(method).uri(format!("{path}?x9q7z=%22x9q7z"));
    for (name, value) in [
        ("host", "x9q7z.example"),
        ("x-x9q7z", "x9q7z"),
        ("user-agent", "x9q7z\u{1f}"),
        ("x-request-priority", "x9q7z"),
        ("baggage", "x9q7z=1,brownout.priority=x9q7z"),
        ("x-forwarded-for", "x9q7z, 10.0.0.1"),
        ("forwarded", "for=\"x9q7z\""),
        ("grpc-timeout", "x9q7z"),
        ("x-retry-attempt", "x9q7z"),
        ("x-api-key", "x9q7z"),
        ("cookie", "x9q7z=x9q7z"),
        ("traceparent", "x9q7z"),
        ("accept", ["application/problem+json", "x9q7z/*;q=x9q7z"][number % 2]),
        ("content-type", ["application/grpc+x9q7z", "x9q7z/x9q7z", "application/grpc"][number % 3]),
    ] {
        if let (Ok(name), Ok(value)) =
            (name.parse::<HeaderName>(), value.parse::<http::HeaderValue>())
        {
            request = request.header(name, value);
        }
    }
    request.body(Body::from(MARK)).expect("it is valid")
}

/// The response, as text.
async fn written(response: Response) -> String {
    let (head, body) = response.into_parts();
    let body = to_bytes(body, 10_000).await.expect("it is whole");
    format!("{head:?}\n{}", String::from_utf8_lossy(&body))
}

#[tokio::test(start_paused = true)]
async fn nothing_that_a_client_sends_is_written_in_a_refusal_an_event_or_a_report() {
    let (db, told) = (Database::new("shop"), Told::default());
    let observer = {
        let told = told.clone();
        move |event: &Event| told.tell(&format!("{event}\n{event:?}"))
    };
    let limit = ConcurrencyLimit::new().algorithm(Fixed::new(1)).queue(2);
    let rate = RateLimit::new(Quota::per_second(40)).per_key();
    let builder = Admission::builder().protect(&db).concurrency(limit).rate(rate);
    let admission = builder.on_event(observer).build().expect("it is valid");
    let app = shop(&admission, &db);
    let (mut refused, mut served) = (0, 0);
    for round in 0..20 {
        let crowd = (0..24).map(|number| app.clone().oneshot(hostile(round + number)));
        let crowd: Vec<_> = crowd.map(tokio::spawn).collect();
        for one in crowd {
            let response = one.await.expect("it ends well").expect("it is infallible");
            let is_refused = response.extensions().get::<brownout::Rejection>().is_some();
            (refused, served) =
                (refused + usize::from(is_refused), served + usize::from(!is_refused));
            told.tell(&written(response).await);
        }
        advance(50 * MS).await;
    }
    admission.breaker().force_open();
    told.tell(&written(app.clone().oneshot(hostile(0)).await.expect("infallible")).await);
    admission.drain();
    told.tell(&written(app.clone().oneshot(hostile(1)).await.expect("infallible")).await);
    let overview = admission.overview();
    let json = serde_json::to_string(&overview).expect("it is a value");
    let drafts: String = admission.incidents().iter().map(|own| own.to_markdown()).collect();
    let (snapshot, report) = (admission.snapshot(), db.report());
    told.tell(&format!("{overview}{overview:?}{json}{drafts}{snapshot}{snapshot:?}{report}"));
    assert!(refused > 20 && served > 20, "it proves nothing: {refused}, {served}");
    let told = told.text();
    assert!(told.contains("refused a normal request"), "{told}");
    let at = told.find(MARK).map(|at| &told[at.saturating_sub(200)..(at + 100).min(told.len())]);
    assert_eq!(at, None);
    assert!(!told.contains("set-cookie"));
}

#[test]
fn a_key_does_not_show_what_it_was_made_of() {
    assert!(!format!("{:?}", Key::of(MARK)).contains(MARK));
}

const CHILD: &str = "BROWNOUT_TEST_TELLS_A_KEY";

/// So that nobody can find out by a process of their own which clients share a bucket.
#[test]
fn keys_are_others_in_each_process() {
    if env::var_os(CHILD).is_some() {
        println!("[{:?}]", Key::of("client"));
        return;
    }
    let key = || {
        let name = "keys_are_others_in_each_process";
        let mut child = Command::new(env::current_exe().expect("it runs"));
        let output = child.args([name, "--exact", "--nocapture"]).env(CHILD, "1").output();
        let output = output.expect("it can be started").stdout;
        let output = String::from_utf8(output).expect("it is text");
        let key = output.split_once('[').and_then(|(_, rest)| rest.split_once(']'));
        key.expect("it tells one").0.to_owned()
    };
    let (one, other) = (key(), key());
    assert!(one.starts_with("Key("), "{one}");
    assert_ne!(one, other);
}

/// A minute of customers one after the other, beside so many that do not read their answers.
/// Returns the lowest and the last limit.
async fn a_minute_beside(slow_readers: usize) -> (usize, usize) {
    let db = Database::new("shop");
    let admission = Admission::builder().protect(&db).build().expect("it is valid");
    let handler = |State(db): State<Database>| async move {
        let query = async {
            sleep(5 * MS).await;
            Ok::<_, io::Error>(())
        };
        db.statement("page").observe(query).await.expect("it is answered");
        let (chunks, body) = Chunks::channel();
        chunks.send(Bytes::from_static(b"page")).expect("it is there");
        Response::new(Body::new(body))
    };
    let app = Router::new().route("/", any(handler)).layer(admission.layer()).with_state(db);
    let ask = || app.clone().oneshot(Request::new(Body::empty()));
    let mut slow = Vec::new();
    for _ in 0..slow_readers {
        slow.push(ask().await.expect("it is infallible"));
    }
    let mut lowest = usize::MAX;
    for _ in 0..600 {
        assert_eq!(admission.snapshot().in_flight, slow_readers, "a place lasts as the body does");
        let response = ask().await.expect("it is infallible");
        assert_eq!(response.status(), 200, "the others are served");
        response.into_body().collect().await.expect("it is whole");
        sleep(95 * MS).await;
        lowest = lowest.min(admission.snapshot().limit);
    }
    assert_eq!(admission.breaker().circuit(), Circuit::Closed);
    assert_eq!(admission.incidents(), []);
    drop(slow);
    assert_eq!(admission.snapshot().in_flight, 0);
    (lowest, admission.snapshot().limit)
}

#[tokio::test(start_paused = true)]
async fn slow_readers_take_places_and_lower_no_limit_and_open_no_circuit() {
    let without = a_minute_beside(0).await;
    for slow_readers in [1, 4] {
        let with = a_minute_beside(slow_readers).await;
        assert!(with.0 >= without.0 && with.1 >= without.1, "{with:?} instead of {without:?}");
    }
}
