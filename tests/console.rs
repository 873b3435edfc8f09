//! The console as a service: what it answers, to whom, and how it stays out of the way.

#![cfg(feature = "console")]

mod support;

use std::pin::Pin;

use axum::{Router, body::Body, routing::get};
use brownout::{
    Admission, AdmissionBuilder, CircuitBreaker, Class, ConcurrencyLimit, Database, Outcome,
    Priority, console::Console, console::ConsoleBody, limit::Fixed,
};
use http::{Method, Request, Response, StatusCode, header};
use http_body_util::BodyExt;
use serde_json::Value;
use support::{MS, SECOND, tcp, within_a_minute};
use tokio::time::advance;
use tower::ServiceExt;

const FILES: [(&str, &str); 6] = [
    ("/", "text/html; charset=utf-8"),
    ("/console.css", "text/css; charset=utf-8"),
    ("/console.js", "text/javascript; charset=utf-8"),
    ("/plots.js", "text/javascript; charset=utf-8"),
    ("/overview.json", "application/json"),
    ("/history.json", "application/json"),
];

const SEATS: usize = 16;

struct Shop {
    db: Database,
    admission: Admission,
    console: Console,
}

impl Shop {
    fn new() -> Self {
        Self::with(|builder| builder)
    }

    fn with(settings: fn(AdmissionBuilder) -> AdmissionBuilder) -> Self {
        let db = Database::new("shop");
        let limit = ConcurrencyLimit::new().algorithm(Fixed::new(1)).queue(0);
        let builder = Admission::builder().protect(&db).concurrency(limit);
        let admission = settings(builder).build().expect("it is valid");
        let console = admission.console();
        Self { db, admission, console }
    }

    async fn ask(&self, method: Method, path: &str) -> Response<ConsoleBody> {
        let request = Request::builder().method(method).uri(path).body(()).expect("it is valid");
        self.console.clone().oneshot(request).await.expect("it is infallible")
    }

    async fn get(&self, path: &str) -> Response<ConsoleBody> {
        self.ask(Method::GET, path).await
    }

    async fn json(&self, path: &str) -> Value {
        serde_json::from_str(&text(self.get(path).await).await).expect("it is JSON")
    }

    /// One second with so many queries.
    async fn second(&self, queries: usize, latency: std::time::Duration) {
        for _ in 0..queries {
            advance(SECOND / queries as u32).await;
            self.db.record(latency, Outcome::Success);
        }
    }
}

async fn text(response: Response<ConsoleBody>) -> String {
    let body = response.into_body().collect().await.expect("it is infallible").to_bytes();
    String::from_utf8(body.into()).expect("it is text")
}

/// The names and data of the events that come next.
async fn events(body: &mut Pin<Box<ConsoleBody>>) -> Vec<(String, Value)> {
    let frame = body.frame().await.expect("it goes on").expect("it is infallible");
    let bytes = frame.into_data().expect("it is data");
    let text = std::str::from_utf8(&bytes).expect("it is text");
    assert!(text.ends_with("\n\n"), "events are whole");
    text.split_terminator("\n\n").filter_map(event).collect()
}

fn event(text: &str) -> Option<(String, Value)> {
    let (name, data) = text.strip_prefix("event: ")?.split_once('\n')?;
    let data = data.strip_prefix("data: ").expect("it has data");
    Some((name.to_owned(), serde_json::from_str(data).expect("it is one line of JSON")))
}

fn names(events: &[(String, Value)]) -> Vec<&str> {
    events.iter().map(|(name, _)| name.as_str()).collect()
}

fn header<'r, B>(response: &'r Response<B>, name: &str) -> &'r str {
    let value = response.headers().get(name);
    value.map_or("", |value| value.to_str().expect("it is text"))
}

#[tokio::test(start_paused = true)]
async fn every_answer_says_what_it_is_and_where_it_belongs() {
    let shop = Shop::new();
    let policy = "default-src 'none'; script-src 'self'; style-src 'self'; connect-src 'self'; \
        img-src 'self' data:; base-uri 'none'; form-action 'none'; frame-ancestors 'none'; \
        require-trusted-types-for 'script'";
    let others = [("/events", "text/event-stream"), ("/nothing", "text/plain; charset=utf-8")];
    for (path, kind) in FILES.into_iter().chain(others) {
        let response = shop.get(path).await;
        let status = if path == "/nothing" { StatusCode::NOT_FOUND } else { StatusCode::OK };
        assert_eq!(response.status(), status, "{path}");
        assert_eq!(header(&response, "content-type"), kind, "{path}");
        assert_eq!(header(&response, "content-security-policy"), policy, "{path}");
        assert_eq!(header(&response, "x-content-type-options"), "nosniff", "{path}");
        assert_eq!(header(&response, "referrer-policy"), "no-referrer", "{path}");
        assert_eq!(header(&response, "cache-control"), "no-store", "{path}");
        let sharing = header(&response, "cross-origin-resource-policy");
        assert_eq!(sharing, "same-origin", "{path}");
    }
}

#[tokio::test(start_paused = true)]
async fn page_has_nothing_inline_and_nothing_from_elsewhere() {
    let shop = Shop::new();
    let page = text(shop.get("/").await).await;
    for script in page.split("<script").skip(1) {
        assert!(script.contains("src=\"") && script.contains("></script>"), "{script}");
    }
    for inline in ["<style", " style=", " onload", " onclick", " onerror", "javascript:"] {
        assert!(!page.contains(inline), "{inline}");
    }
    for (path, _) in &FILES[..4] {
        let text = text(shop.get(path).await).await;
        let known = text.replace("http://www.w3.org/2000/svg", "");
        for elsewhere in ["http:", "https:", "src=\"/", "href=\"/", "url(", "@import"] {
            assert!(!known.contains(elsewhere), "{path}: {elsewhere}");
        }
        for sink in ["innerHTML", "outerHTML", "insertAdjacentHTML", "document.write", "eval("] {
            assert!(!known.contains(sink), "{path}: {sink}");
        }
    }
}

#[tokio::test(start_paused = true)]
async fn whatever_the_page_names_is_there() {
    let shop = Shop::new();
    let mut named = 0;
    for (path, _) in &FILES[..4] {
        let text = text(shop.get(path).await).await;
        let starts = ["src=\"", "href=\"", "from './", "EventSource('"];
        let found = starts.iter().flat_map(|start| text.split(start).skip(1));
        let found = found.filter_map(|rest| rest.split(['"', '\'']).next());
        for file in found.filter(|file| !file.starts_with(['#', 'd'])) {
            let response = shop.get(&format!("/{file}")).await;
            assert_eq!(response.status(), StatusCode::OK, "{file}");
            named += 1;
        }
    }
    assert!(named >= 6, "only {named}");
}

#[tokio::test(start_paused = true)]
async fn it_is_only_read() {
    let shop = Shop::new();
    for method in [Method::POST, Method::PUT, Method::DELETE, Method::PATCH, Method::OPTIONS] {
        let response = shop.ask(method, "/overview.json").await;
        assert_eq!(response.status(), StatusCode::METHOD_NOT_ALLOWED);
        assert_eq!(header(&response, "allow"), "GET, HEAD");
    }
    for (path, _) in &FILES[..4] {
        let whole = text(shop.get(path).await).await;
        let head = shop.ask(Method::HEAD, path).await;
        assert_eq!(header(&head, "content-length"), whole.len().to_string());
        assert_eq!(text(head).await, "");
    }
}

#[tokio::test(start_paused = true)]
async fn overview_tells_what_the_gates_do() {
    let shop = Shop::new();
    let class = Class::new(Priority::Normal);
    let held = shop.admission.acquire(&class).await.expect("there is room");
    shop.admission.acquire(&class).await.expect_err("it is full");
    shop.admission.breaker().force_open();
    let overview = shop.json("/overview.json").await;
    let own = &overview["databases"][0];
    assert_eq!((&own["name"], &own["circuit"]), (&"shop".into(), &"open".into()));
    assert_eq!((&own["limit"], &own["in_flight"]), (&1.0.into(), &1.into()));
    assert_eq!(overview["health"], "down");
    let normal = &overview["decisions"][1];
    assert_eq!((&normal["priority"], &normal["admitted"]), (&"normal".into(), &1.into()));
    assert_eq!(normal["refused"]["queue_full"], 1);
    let last = overview["transitions"].as_array().expect("they are").last().expect("it opened");
    assert_eq!(last["event"], "circuit of shop from closed to open: forced");
    drop(held);
}

#[tokio::test(start_paused = true)]
async fn overview_is_made_once_a_second_for_all_who_watch() {
    let shop = Shop::new();
    let first = text(shop.get("/overview.json").await).await;
    advance(500 * MS).await;
    assert_eq!(text(shop.get("/overview.json").await).await, first);
    advance(500 * MS).await;
    assert_ne!(text(shop.get("/overview.json").await).await, first, "the time is in it");
}

#[tokio::test(start_paused = true)]
async fn stream_tells_what_was_and_then_each_second_what_is() {
    let shop = Shop::new();
    shop.second(10, MS).await;
    shop.second(10, MS).await;
    let response = shop.get("/events").await;
    assert_eq!(header(&response, "x-accel-buffering"), "no");
    let mut body = response.map(Box::pin).into_body();
    let first = events(&mut body).await;
    assert_eq!(names(&first), ["history", "overview"]);
    let known = first[0].1.as_array().expect("it is a list").len();
    assert!((2..=3).contains(&known), "{known}");
    for _ in 0..5 {
        let before = tokio::time::Instant::now();
        let next = events(&mut body).await;
        assert_eq!(names(&next), ["sample", "overview"]);
        let pause = before.elapsed();
        assert!((SECOND - MS..=SECOND + 2 * MS).contains(&pause), "{pause:?}");
        assert_eq!(next[1].1["databases"][0]["name"], "shop");
    }
}

#[tokio::test(start_paused = true)]
async fn who_reads_slowly_misses_no_sample_and_gets_no_heap_of_events() {
    let shop = Shop::new();
    let mut body = shop.get("/events").await.map(Box::pin).into_body();
    events(&mut body).await;
    for _ in 0..4 {
        shop.second(10, MS).await;
    }
    let next = events(&mut body).await;
    let samples = next.iter().filter(|(name, _)| name == "sample").count();
    assert!((3..=5).contains(&samples), "{samples}");
    assert_eq!(names(&next).last(), Some(&"overview"));
    let before = tokio::time::Instant::now();
    events(&mut body).await;
    assert!(before.elapsed() >= SECOND - MS);
}

#[tokio::test(start_paused = true)]
async fn stream_starts_with_how_to_come_back() {
    let shop = Shop::new();
    let mut body = shop.get("/events").await.map(Box::pin).into_body();
    let frame = body.frame().await.expect("it starts").expect("it is infallible");
    assert!(frame.into_data().expect("it is data").starts_with(b"retry: 2000\n\n"));
}

#[tokio::test(start_paused = true)]
async fn history_is_there_although_nobody_watched() {
    let shop = Shop::new();
    for _ in 0..20 {
        shop.second(100, 10 * MS).await;
    }
    for _ in 0..5 {
        shop.second(100, 40 * MS).await;
    }
    advance(60 * SECOND).await;
    let history = shop.json("/history.json").await;
    let samples = history.as_array().expect("it is a list");
    assert!((22..=27).contains(&samples.len()), "{}", samples.len());
    let [.., slow, idle] = &samples[..] else { panic!("{samples:?}") };
    let own = &slow["databases"][0];
    let figure = |name: &str| own[name].as_f64().expect("it is known");
    assert!((3.5..=4.5).contains(&figure("slowdown")), "{own}");
    assert!((0.035..=0.045).contains(&figure("latency")), "{own}");
    assert!((0.008..=0.012).contains(&figure("alone")), "{own}");
    assert!((0.04..=0.046).contains(&figure("p99")), "{own}");
    assert!((90.0..=110.0).contains(&figure("queries")), "{own}");
    assert_eq!((&own["circuit"], &own["limit"]), (&"closed".into(), &1.0.into()));
    assert_eq!(slow["decisions"].as_array().map(Vec::len), Some(4));
    assert_eq!(slow["level"].as_f64().map(|level| (0.0..=1.0).contains(&level)), Some(true));
    let own = &idle["databases"][0];
    assert_eq!((&own["queries"], &own["slowdown"]), (&0.0.into(), &Value::Null));
    assert!(own["p99"].is_null(), "{own}");
}

#[tokio::test(start_paused = true)]
async fn samples_count_decisions_since_the_start() {
    let shop = Shop::new();
    let held = shop.admission.acquire(&Class::new(Priority::Critical)).await;
    shop.admission.acquire(&Class::new(Priority::Bulk)).await.expect_err("it is full");
    advance(SECOND).await;
    let history = shop.json("/history.json").await;
    let last = history.as_array().expect("it is a list").last().expect("one was taken");
    assert_eq!(last["decisions"][0]["admitted"], 1);
    assert_eq!(last["decisions"][3]["refused"]["queue_full"], 1);
    drop(held);
}

#[tokio::test(start_paused = true)]
async fn what_would_be_refused_is_told_where_nothing_is_enforced() {
    let shop = Shop::with(AdmissionBuilder::report_only);
    let class = Class::new(Priority::Normal);
    let held = [shop.admission.acquire(&class).await, shop.admission.acquire(&class).await];
    advance(SECOND).await;
    let overview = shop.json("/overview.json").await;
    assert_eq!((&overview["report_only"], &overview["health"]), (&true.into(), &"well".into()));
    let sentence = overview["sentence"].as_str().expect("it is text");
    assert!(sentence.contains("nothing is enforced"), "{sentence}");
    let history = shop.json("/history.json").await;
    assert_eq!(history[0]["decisions"][1]["would_refuse"]["queue_full"], 1);
    assert_eq!(history[0]["decisions"][1]["admitted"], 2);
    drop(held);
}

#[tokio::test(start_paused = true)]
async fn which_circuits_only_report_is_told_and_nobody_calls_that_down() {
    let shop = Shop::with(|builder| builder.breaker(CircuitBreaker::new().report_only()));
    for _ in 0..15 {
        advance(100 * MS).await;
        (0..20).for_each(|_| shop.db.record(MS, Outcome::Overload));
    }
    let overview = shop.json("/overview.json").await;
    let own = &overview["databases"][0];
    assert_eq!((&own["circuit"], &own["report_only"]), (&"open".into(), &true.into()));
    assert_eq!((&overview["health"], &overview["report_only"]), (&"well".into(), &false.into()));
    assert_eq!(overview["incidents"], serde_json::json!([]));
}

#[tokio::test(start_paused = true)]
async fn only_so_many_watch_at_once() {
    let shop = Shop::new();
    let mut watching = Vec::new();
    for _ in 0..SEATS {
        let response = shop.get("/events").await;
        assert_eq!(response.status(), StatusCode::OK);
        watching.push(response.into_body());
    }
    let refused = shop.get("/events").await;
    assert_eq!(refused.status(), StatusCode::SERVICE_UNAVAILABLE);
    assert_eq!(header(&refused, "retry-after"), "5");
    assert_eq!(shop.get("/overview.json").await.status(), StatusCode::OK);
    drop(watching.pop());
    let head = shop.ask(Method::HEAD, "/events").await;
    assert_eq!(head.status(), StatusCode::OK);
    let seated = shop.get("/events").await;
    assert_eq!(seated.status(), StatusCode::OK, "who asks for the head alone takes no place");
}

#[tokio::test(start_paused = true)]
async fn closing_it_ends_the_streams_within_a_second() {
    let shop = Shop::new();
    let mut body = shop.get("/events").await.map(Box::pin).into_body();
    events(&mut body).await;
    let before = tokio::time::Instant::now();
    shop.console.close();
    assert!(body.frame().await.is_none(), "it ends");
    assert!(before.elapsed() <= SECOND + 2 * MS);
    assert_eq!(shop.get("/events").await.status(), StatusCode::SERVICE_UNAVAILABLE);
    assert_eq!(shop.get("/").await.status(), StatusCode::OK);
}

#[tokio::test(start_paused = true)]
async fn it_answers_when_nothing_else_does_and_takes_no_place() {
    let shop = Shop::new();
    let held = shop.admission.acquire(&Class::new(Priority::Normal)).await.expect("it is free");
    shop.admission.breaker().force_open();
    let app = Router::new()
        .route("/products", get(async || "tea"))
        .layer(shop.admission.layer())
        .nest_service("/console", shop.console.clone());
    let ask = |path: &str| {
        let request = Request::get(path).body(Body::empty()).expect("it is valid");
        app.clone().oneshot(request)
    };
    let refused = ask("/products").await.expect("it is infallible");
    assert_eq!(refused.status(), StatusCode::SERVICE_UNAVAILABLE);
    let before = shop.admission.snapshot();
    let stream = ask("/console/events").await.expect("it is infallible");
    for (path, _) in FILES {
        let answer = ask(&format!("/console{path}")).await.expect("it is infallible");
        assert_eq!(answer.status(), StatusCode::OK, "{path}");
    }
    assert_eq!(shop.admission.snapshot(), before);
    drop((stream, held));
    assert_eq!(shop.admission.snapshot().in_flight, 0);
}

#[tokio::test(start_paused = true)]
async fn a_missing_slash_is_mended_under_axum() {
    let shop = Shop::new();
    let inner = Router::new().nest_service("/console", shop.console.clone());
    let app = Router::new().nest("/inside", inner);
    let ask = |path: &str| {
        let request = Request::get(path).body(Body::empty()).expect("it is valid");
        app.clone().oneshot(request)
    };
    let moved = ask("/inside/console?from=mail").await.expect("it is infallible");
    assert_eq!(moved.status(), StatusCode::PERMANENT_REDIRECT);
    assert_eq!(header(&moved, "location"), "./console/");
    let page = ask("/inside/console/").await.expect("it is infallible");
    assert_eq!(page.status(), StatusCode::OK);
}

#[tokio::test]
async fn plain_hyper_serves_it_and_a_client_that_leaves_frees_its_place() {
    let shop = Shop::new();
    let console = shop.console.clone();
    let address = tcp::serve(move |_| console.clone()).await;
    within_a_minute(async {
        assert_eq!(tcp::ask(address, "/".into()).await.status, StatusCode::OK);
        let mut clients = Vec::new();
        for _ in 0..SEATS {
            let mut client = tcp::Client::connect(address).await;
            let mut response = client.get("/events").await;
            assert_eq!(response.headers()[header::CONTENT_TYPE], "text/event-stream");
            let first = response.frame().await.expect("it starts").expect("it is whole");
            assert!(first.into_data().expect("it is data").starts_with(b"retry: "));
            clients.push((client, response));
        }
        let full = tcp::ask(address, "/events".into()).await;
        assert_eq!(full.status, StatusCode::SERVICE_UNAVAILABLE);
        for (client, _response) in clients {
            client.hang_up().await;
        }
        let mut again = tcp::Client::connect(address).await;
        while again.get("/events").await.status() != StatusCode::OK {
            again = tcp::Client::connect(address).await;
        }
    })
    .await;
}
