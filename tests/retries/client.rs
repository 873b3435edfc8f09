//! What a client tries again, when, and how often.

use std::{
    convert::Infallible,
    future::{Ready, ready},
    sync::{Arc, Mutex},
    time::Duration,
};

use brownout::{
    Admission, ConcurrencyLimit,
    client::{Retries, RetryBudget},
    http::Attempt,
    limit::Fixed,
};
use bytes::Bytes;
use http::{HeaderMap, Method, Request, Response};
use http_body_util::Full;
use tokio::time::Instant;
use tower::{BoxError, Layer, Service, ServiceExt, service_fn};

use crate::support::{MS, SECOND, on_paused_time};

type Answer = Response<Full<Bytes>>;

/// Answers each request with the same, and knows when they came and what their heads said.
#[derive(Clone)]
struct Server {
    answer: Arc<dyn Fn(usize) -> Result<Answer, BoxError> + Send + Sync>,
    came: Arc<Mutex<Vec<(Instant, HeaderMap)>>>,
}

impl Server {
    fn answering(answer: impl Fn(usize) -> Answer + Send + Sync + 'static) -> Self {
        Self::with(move |nth| Ok(answer(nth)))
    }

    fn with(answer: impl Fn(usize) -> Result<Answer, BoxError> + Send + Sync + 'static) -> Self {
        Self { answer: Arc::new(answer), came: Arc::default() }
    }

    fn refusing(status: u16, headers: &'static [(&'static str, &'static str)]) -> Self {
        Self::answering(move |_| response(status, headers))
    }

    fn tries(&self) -> usize {
        self.came.lock().expect("nobody panics").len()
    }

    /// The waits before each retry, and how each said which it is.
    fn retries(&self, header: &str) -> Vec<(Duration, Option<String>)> {
        let came = self.came.lock().expect("nobody panics");
        let said = |headers: &HeaderMap| Some(headers.get(header)?.to_str().ok()?.to_owned());
        came.windows(2).map(|two| (two[1].0 - two[0].0, said(&two[1].1))).collect()
    }
}

impl Service<Request<Bytes>> for Server {
    type Response = Answer;
    type Error = BoxError;
    type Future = Ready<Result<Answer, BoxError>>;

    fn poll_ready(
        &mut self,
        _cx: &mut std::task::Context<'_>,
    ) -> std::task::Poll<Result<(), BoxError>> {
        std::task::Poll::Ready(Ok(()))
    }

    fn call(&mut self, request: Request<Bytes>) -> Self::Future {
        let mut came = self.came.lock().expect("nobody panics");
        came.push((Instant::now(), request.headers().clone()));
        ready((self.answer)(came.len()))
    }
}

fn response(status: u16, headers: &[(&'static str, &'static str)]) -> Answer {
    let response = Response::builder().status(status);
    let response =
        headers.iter().fold(response, |response, (name, value)| response.header(*name, *value));
    response.body(Full::default()).expect("it is valid")
}

fn request(method: Method) -> Request<Bytes> {
    let request = Request::builder().method(method).uri("/products");
    request.body(Bytes::from_static(b"body")).expect("it is valid")
}

async fn ask(retries: Retries, server: &Server, request: Request<Bytes>) -> u16 {
    let client = retries.layer().layer(server.clone());
    client.oneshot(request).await.expect("it answers").status().as_u16()
}

async fn tries(server: Server, request: Request<Bytes>) -> usize {
    ask(Retries::new(), &server, request).await;
    server.tries()
}

#[tokio::test(start_paused = true)]
async fn a_request_is_tried_three_times_and_tells_which_try_it_is() {
    let server = Server::refusing(503, &[]);
    assert_eq!(ask(Retries::new(), &server, request(Method::GET)).await, 503);
    let retries = server.retries("x-retry-attempt");
    let told: Vec<_> = retries.iter().map(|(_, told)| told.as_deref()).collect();
    assert_eq!(told, [Some("1"), Some("2")]);
    assert!(retries[0].0 <= 101 * MS && retries[1].0 <= 201 * MS, "{retries:?}");
    let server = Server::answering(|nth| response(if nth == 2 { 200 } else { 503 }, &[]));
    assert_eq!(ask(Retries::new(), &server, request(Method::GET)).await, 200);
    assert_eq!(server.tries(), 2);
}

#[tokio::test(start_paused = true)]
async fn only_what_may_be_repeated_is() {
    let refusing = || Server::refusing(503, &[]);
    for method in ["GET", "HEAD", "OPTIONS", "TRACE", "PUT", "DELETE"] {
        let method = method.parse().expect("it is one");
        assert_eq!(tries(refusing(), request(method)).await, 3);
    }
    for method in [Method::POST, Method::PATCH, Method::CONNECT] {
        assert_eq!(tries(refusing(), request(method.clone())).await, 1, "{method}");
        let mut with_key = request(method.clone());
        with_key.headers_mut().insert("idempotency-key", "7".parse().expect("it is plain"));
        assert_eq!(tries(refusing(), with_key).await, 3, "{method}");
        let server = refusing();
        ask(Retries::new().all_methods(), &server, request(method)).await;
        assert_eq!(server.tries(), 3);
    }
}

#[tokio::test(start_paused = true)]
async fn what_no_retry_helps_is_left() {
    for status in [200, 301, 400, 404, 408, 500, 501, 505] {
        assert_eq!(tries(Server::refusing(status, &[]), request(Method::GET)).await, 1);
    }
    for headers in [
        &[("x-should-retry", "false"), ("retry-after", "1")][..],
        &[("grpc-status", "14"), ("grpc-retry-pushback-ms", "-1")],
        &[("retry-after", "11")],
        &[("retry-after", "99999999999999999999999")],
    ] {
        assert_eq!(tries(Server::refusing(503, headers), request(Method::GET)).await, 1);
    }
}

#[tokio::test(start_paused = true)]
async fn nobody_comes_back_before_the_time_and_not_all_at_it() {
    let mut waits = Vec::new();
    for _ in 0..50 {
        let server = Server::refusing(429, &[("retry-after", "3")]);
        ask(Retries::new().at_most(1), &server, request(Method::GET)).await;
        waits.push(server.retries("")[0].0);
    }
    assert!(waits.iter().all(|wait| (3 * SECOND..=3_101 * MS).contains(wait)), "{waits:?}");
    waits.sort();
    assert!(waits[49] - waits[0] > 50 * MS, "{waits:?}");
}

#[tokio::test(start_paused = true)]
async fn grpc_is_pushed_back_and_counts_in_its_own_header() {
    let server = Server::refusing(200, &[("grpc-status", "14"), ("grpc-retry-pushback-ms", "700")]);
    let mut call = request(Method::POST);
    call.headers_mut().insert("content-type", "application/grpc".parse().expect("it is plain"));
    ask(Retries::new().all_methods().at_most(1), &server, call).await;
    let retries = server.retries("grpc-previous-rpc-attempts");
    assert_eq!(retries[0].1.as_deref(), Some("1"));
    assert!((700 * MS..=801 * MS).contains(&retries[0].0), "{retries:?}");
}

#[tokio::test(start_paused = true)]
async fn errors_are_retried_if_told() {
    for (retries, tries) in [(Retries::new(), 1), (Retries::new().errors(), 3)] {
        let server = Server::with(|_| Err("it is gone".into()));
        let client = retries.layer().layer(server.clone());
        assert!(client.oneshot(request(Method::GET)).await.is_err());
        assert_eq!(server.tries(), tries);
    }
}

#[tokio::test(start_paused = true)]
async fn nobody_waits_past_the_deadline_of_the_request_that_is_served() {
    for (seconds, tries) in [(2, 1), (5, 2)] {
        let server = Server::refusing(503, &[("retry-after", "3")]);
        let client = Retries::new().layer().layer(server.clone());
        let handler = service_fn(move |_: Request<()>| {
            let client = client.clone();
            async move { client.oneshot(request(Method::GET)).await }
        });
        let admission = Admission::builder().build().expect("it is valid");
        let layer = admission.layer().deadline(seconds * SECOND);
        let since = Instant::now();
        layer.layer(handler).oneshot(Request::new(())).await.expect("it answers");
        assert_eq!(server.tries(), tries);
        assert!(since.elapsed() < seconds * SECOND);
    }
}

#[tokio::test(start_paused = true)]
async fn a_budget_is_for_all_who_share_it() {
    let server = Server::refusing(503, &[]);
    let budget = RetryBudget::new(0.2, 0.0).expect("it is valid");
    let clients = [0, 1].map(|_| Retries::new().budget(budget.clone()));
    for _ in 0..100 {
        for client in &clients {
            ask(client.clone(), &server, request(Method::GET)).await;
        }
    }
    assert!((200..=240).contains(&server.tries()), "{}", server.tries());
    assert!(server.tries() > 230, "it is used, too: {}", server.tries());
}

#[tokio::test(start_paused = true)]
async fn what_the_service_says_its_client_does() {
    let limit = ConcurrencyLimit::new().algorithm(Fixed::new(1)).queue(0);
    let admission = Admission::builder().concurrency(limit).build().expect("it is valid");
    let _full = admission.acquire(&Default::default()).await.expect("there is room");
    let inside = service_fn(async |_: Request<Bytes>| Ok::<_, Infallible>(Answer::default()));
    let service = admission.layer().retries(Attempt::default()).layer(inside);
    let client = Retries::new().budget(RetryBudget::new(1.0, 1e6).expect("it is valid"));
    let client = client.layer().layer(service);
    // All at once, and once more when they may: then they are half of all.
    let calls = (0..50).map(|_| tokio::spawn(client.clone().oneshot(request(Method::GET))));
    for call in calls.collect::<Vec<_>>() {
        let answer = call.await.expect("it does not panic").expect("it is infallible");
        assert_eq!(answer.status(), 503);
    }
    let snapshot = admission.snapshot();
    let (all, retries) = (snapshot.refused(brownout::Reason::QueueFull), snapshot.retries);
    assert!(all - retries == 50 && (50..70).contains(&retries), "{retries}, not 100");
}

/// Whatever fails when: amplification has a bound.
#[test]
fn a_storm_is_no_more_than_the_share_and_the_floor() {
    use proptest::prelude::*;

    let calls = prop::collection::vec((0..200_u64, any::<bool>()), 1..200);
    proptest!(ProptestConfig::with_cases(64), |(
        calls in calls,
        share in 0.05..=1.0_f64,
        floor in 0.0..5.0_f64,
    )| {
        let (first, all, seconds) = on_paused_time(async {
            let server = Server::refusing(503, &[]);
            let budget = RetryBudget::new(share, floor).expect("it is valid");
            let client = Retries::new().budget(budget).layer().layer(server.clone());
            let since = Instant::now();
            let mut running = tokio::task::JoinSet::new();
            for (pause, is_safe) in &calls {
                let method = if *is_safe { Method::GET } else { Method::POST };
                running.spawn(client.clone().oneshot(request(method)));
                tokio::time::sleep(Duration::from_millis(*pause)).await;
            }
            while running.join_next().await.is_some() {}
            (calls.len(), server.tries(), since.elapsed().as_secs_f64())
        });
        let most = first as f64 * (1.0 + share) + floor * (seconds + 1.0);
        prop_assert!(all >= first && all as f64 <= most + 1e-6, "{all} of {first} in {seconds} s");
    });
}
