//! A panic in what others wrote stays where it came from: it leaks no place, breaks no lock, and
//! the next request is served.

#![cfg(feature = "http")]

mod support;

use std::{
    convert::Infallible,
    panic,
    sync::{
        Arc,
        atomic::{AtomicBool, AtomicUsize, Ordering},
    },
};

use brownout::{
    Admission, Class, ConcurrencyLimit, Database, Event, Key, Observe, Outcome, Quota, RateLimit,
    Reason, Signal,
    limit::{Fixed, Limit, Usage},
};
use bytes::Bytes;
use http::{Request, Response, StatusCode};
use http_body_util::Full;
use support::MS;
use tokio::time::{advance, sleep};
use tower::{Layer, Service, ServiceExt, service_fn};

type Page = Response<Full<Bytes>>;

fn page() -> Page {
    Response::new(Full::from("page"))
}

fn to(path: &str) -> Request<()> {
    Request::get(path).body(()).expect("it is valid")
}

/// A panic of one's own, without a word to whoever reads the tests.
fn give_up<T>() -> T {
    panic::resume_unwind(Box::new("it panics"))
}

/// Panics for the request that is to, and for no other.
fn unless_bad(request: &Request<()>) {
    if request.uri().path() == "/bad" {
        give_up::<()>();
    }
}

/// One place, and no queue.
fn one_place() -> Admission {
    let limit = ConcurrencyLimit::new().algorithm(Fixed::new(1)).queue(0);
    Admission::builder().concurrency(limit).build().expect("it is valid")
}

async fn handle(_: Request<()>) -> Result<Page, Infallible> {
    sleep(MS).await;
    Ok(page())
}

/// The bad request panics in its task and nowhere else, again and again; then all is as before.
async fn prove<S, B>(service: S, admission: &Admission)
where
    S: Service<Request<()>, Response = Response<B>, Error = Infallible> + Clone + Send + 'static,
    S::Future: Send,
    B: Send + 'static,
{
    for _ in 0..3 {
        let task = tokio::spawn(service.clone().oneshot(to("/bad")));
        assert!(task.await.err().expect("it panics").is_panic());
        let snapshot = admission.snapshot();
        let held = (snapshot.in_flight, snapshot.waiting, snapshot.without_place);
        assert_eq!(held, (0, 0, 0));
        let response = service.clone().oneshot(to("/good")).await.expect("it is infallible");
        assert_eq!(response.status(), StatusCode::OK);
        drop(response);
        assert_eq!(admission.snapshot().in_flight, 0);
    }
}

#[tokio::test(start_paused = true)]
async fn a_panic_of_the_classifier_stays_in_its_request() {
    let admission = one_place();
    let classify = |request: &Request<()>| {
        unless_bad(request);
        Class::default()
    };
    prove(admission.layer().classify(classify).layer(service_fn(handle)), &admission).await;
}

#[tokio::test(start_paused = true)]
async fn a_panic_of_what_tells_the_key_stays_in_its_request() {
    let rate = RateLimit::new(Quota::per_second(1_000)).per_key();
    let admission = Admission::builder().rate(rate).build().expect("it is valid");
    let key = |request: &Request<()>| {
        unless_bad(request);
        Some(Key::of("client"))
    };
    prove(admission.layer().key(key).layer(service_fn(handle)), &admission).await;
}

#[tokio::test(start_paused = true)]
async fn a_panic_of_the_judge_stays_in_its_request() {
    let admission = one_place();
    let judge = |result: &Result<Page, Infallible>| match result {
        Ok(page) if page.headers().contains_key("bad") => give_up(),
        _ => Outcome::Success,
    };
    let service = service_fn(|request: Request<()>| async move {
        let mut page = page();
        if request.uri().path() == "/bad" {
            page.headers_mut().insert("bad", http::HeaderValue::from_static("yes"));
        }
        Ok::<_, Infallible>(page)
    });
    prove(admission.layer().judge(judge).layer(service), &admission).await;
}

#[tokio::test(start_paused = true)]
async fn a_panic_of_the_service_stays_in_its_request() {
    let admission = one_place();
    let service = service_fn(|request: Request<()>| async move {
        sleep(MS).await;
        unless_bad(&request);
        Ok::<_, Infallible>(page())
    });
    prove(admission.layer().layer(service), &admission).await;
    let service = service_fn(|request: Request<()>| {
        unless_bad(&request);
        std::future::ready(Ok::<_, Infallible>(page()))
    });
    prove(admission.layer().layer(service), &admission).await;
}

/// What is refused goes to the fallback, so that everything is.
fn shut() -> Admission {
    let admission = one_place();
    admission.breaker().force_open();
    admission
}

#[tokio::test(start_paused = true)]
async fn a_panic_of_the_fallback_stays_in_its_request() {
    let admission = shut();
    let fallback = service_fn(|request: Request<()>| async move {
        sleep(MS).await;
        unless_bad(&request);
        Ok::<_, Infallible>(page())
    });
    let layer = admission.layer().fallback(fallback).limit(1);
    prove(layer.layer(service_fn(handle)), &admission).await;
    assert_eq!(layer.snapshot().in_flight, 0);
}

#[tokio::test(start_paused = true)]
async fn a_panic_of_what_rewrites_a_refusal_stays_in_its_request() {
    let admission = shut();
    let rewrite = |_: &brownout::Rejection, response: Response<Bytes>| {
        if response.headers().contains_key("retry-after") { give_up() } else { response }
    };
    let layer = admission.layer().map_refusal(rewrite);
    let service = layer.layer(service_fn(handle));
    let task = tokio::spawn(service.clone().oneshot(to("/")));
    assert!(task.await.expect_err("it panics").is_panic());
    assert_eq!((admission.snapshot().in_flight, admission.snapshot().waiting), (0, 0));
    assert!(admission.snapshot().refused(Reason::CircuitOpen) == 1);
}

/// Panics at every event.
struct Panics(Arc<AtomicUsize>);

impl Observe for Panics {
    fn observe(&self, _event: &Event) {
        self.0.fetch_add(1, Ordering::Relaxed);
        give_up()
    }
}

#[tokio::test(start_paused = true)]
async fn a_panic_of_an_observer_is_felt_by_nobody() {
    let events = Arc::new(AtomicUsize::new(0));
    let limit = ConcurrencyLimit::new().algorithm(Fixed::new(1)).queue(0);
    let builder = Admission::builder().concurrency(limit).on_event(Panics(events.clone()));
    let admission = builder.build().expect("it is valid");
    let held = admission.acquire(&Class::default()).await.expect("there is room");
    assert!(admission.acquire(&Class::default()).await.is_err(), "a refusal is told");
    admission.breaker().force_open();
    assert!(admission.acquire(&Class::default()).await.is_err(), "a transition as well");
    admission.breaker().release();
    admission.drain();
    admission.resume();
    drop(held);
    assert!(events.load(Ordering::Relaxed) >= 5);
    assert!(!admission.transitions().is_empty(), "what is remembered is so all the same");
    assert!(admission.acquire(&Class::default()).await.is_ok());
}

/// An algorithm, which runs under the lock of the gate.
#[derive(Clone, Debug)]
struct Broken(Arc<AtomicBool>);

impl Limit for Broken {
    fn limit(&self) -> f64 {
        1.0
    }

    fn update(&mut self, _signal: &Signal, _usage: &Usage) {
        if self.0.load(Ordering::Relaxed) {
            give_up::<()>();
        }
    }
}

#[tokio::test(start_paused = true)]
async fn a_panic_of_an_algorithm_breaks_no_lock() {
    let (db, breaks) = (Database::new("shop"), Arc::new(AtomicBool::new(true)));
    let limit = ConcurrencyLimit::new().algorithm(Broken(breaks.clone())).queue(9);
    let builder = Admission::builder().protect(&db).concurrency(limit);
    let admission = builder.build().expect("it is valid");
    for _ in 0..3 {
        advance(200 * MS).await;
        db.record(MS, Outcome::Success);
        let permit = admission.acquire(&Class::default()).await.expect("there is room");
        assert_eq!(admission.snapshot().in_flight, 1);
        let limit = ConcurrencyLimit::new().queue(9).max(3);
        admission.concurrency().reload(limit).expect("the lock is whole");
        drop(permit);
    }
    breaks.store(false, Ordering::Relaxed);
    advance(200 * MS).await;
    db.record(MS, Outcome::Success);
    assert_eq!(admission.snapshot().in_flight, 0);
    assert!(admission.acquire(&Class::default()).await.is_ok());
}

/// Sends a signal when it drops, which the panic has it do.
struct Sends(Database);

impl Drop for Sends {
    fn drop(&mut self) {
        self.0.record(MS, Outcome::Success);
    }
}

#[tokio::test(start_paused = true)]
async fn a_panic_while_something_drops_for_a_panic_is_not_the_end_of_the_process() {
    let (db, heard) = (Database::new("shop"), Arc::new(AtomicUsize::new(0)));
    let count = heard.clone();
    db.subscribe(move |_: &Signal| {
        count.fetch_add(1, Ordering::Relaxed);
        give_up()
    });
    advance(200 * MS).await;
    let task = {
        let db = db.clone();
        tokio::spawn(async move {
            let _sends = Sends(db);
            give_up::<()>();
        })
    };
    assert!(task.await.expect_err("it panics").is_panic());
    assert_eq!(heard.load(Ordering::Relaxed), 1);
    advance(200 * MS).await;
    db.record(MS, Outcome::Success);
    assert_eq!(heard.load(Ordering::Relaxed), 2, "it is told again");
}

#[test]
fn who_would_have_to_wait_without_a_runtime_panics_and_holds_up_nobody() {
    let limit = ConcurrencyLimit::new().algorithm(Fixed::new(1)).queue(9);
    let gate = limit.gate().expect("it is valid");
    let acquire = || tokio_test::task::spawn(gate.acquire(&Class::default())).poll();
    let std::task::Poll::Ready(Ok(held)) = acquire() else { panic!("there is room") };
    let hook = panic::take_hook();
    panic::set_hook(Box::new(|_| {}));
    let panicked = panic::catch_unwind(panic::AssertUnwindSafe(|| acquire().is_ready()));
    panic::set_hook(hook);
    assert!(panicked.is_err());
    assert_eq!((gate.in_flight(), gate.waiting()), (1, 0));
    drop(held);
    assert!(matches!(acquire(), std::task::Poll::Ready(Ok(_))));
}
