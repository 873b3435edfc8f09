//! Of equal requests at the same time one asks, and nobody is stuck.

#![cfg(feature = "stale")]

mod support;

use std::sync::{
    Arc,
    atomic::{AtomicUsize, Ordering},
};

use brownout::{Reason, StaleLayer};
use bytes::Bytes;
use http::{Request, Response, StatusCode};
use http_body_util::{BodyExt, Full};
use support::{
    MS, SECOND,
    chunks::Chunks,
    origin::{Origin, Play, get, request, send},
    within_a_minute,
};
use tokio::{
    sync::Semaphore,
    time::{advance, timeout},
};
use tokio_test::{assert_pending, assert_ready, task};
use tower::{BoxError, Layer, Service, ServiceExt, service_fn, util::Oneshot};

type Flight<S> = task::Spawn<Oneshot<S, Request<()>>>;

/// Sends equal requests, none of which is answered yet.
fn crowd<S>(service: &S, size: usize, headers: &[(&str, &str)]) -> Vec<Flight<S>>
where
    S: Service<Request<()>> + Clone,
{
    let launch = |_| {
        let mut flight = task::spawn(service.clone().oneshot(request("/", headers)));
        assert!(flight.poll().is_pending());
        flight
    };
    (0..size).map(launch).collect()
}

/// The status, body and `Cache-Status` of an answer that is there.
async fn landed<S, B>(flight: &mut Flight<S>) -> (u16, String, String)
where
    S: Service<Request<()>, Response = Response<B>, Error = BoxError>,
    B: http_body::Body<Error: std::fmt::Debug>,
{
    let response = assert_ready!(flight.poll()).expect("it is answered");
    let said = response.headers().get("cache-status");
    let said = said.map_or("", |said| said.to_str().expect("it is text")).to_owned();
    let status = response.status().as_u16();
    let body = response.into_body().collect().await.expect("it is whole").to_bytes();
    (status, String::from_utf8_lossy(&body).into_owned(), said)
}

#[tokio::test(start_paused = true)]
async fn a_crowd_costs_one_call() {
    let origin = Origin::new(Play::Wait(&[("cache-control", "max-age=1")]));
    let layer = StaleLayer::new().coalesce();
    let mut flights = crowd(&layer.layer(origin.service()), 50, &[]);
    assert_eq!(origin.calls(), 1);
    origin.open();
    assert_eq!(landed(&mut flights[0]).await, (200, "/ 1".into(), String::new()));
    for flight in &mut flights[1..] {
        assert!(flight.is_woken());
        let said = "brownout; fwd=miss; ttl=1; collapsed";
        assert_eq!(landed(flight).await, (200, "/ 1".into(), said.into()));
    }
    assert_eq!((origin.calls(), layer.snapshot().coalesced), (1, 49));
}

#[tokio::test(start_paused = true)]
async fn without_being_told_all_ask() {
    let origin = Origin::new(Play::Wait(&[]));
    let _flights = crowd(&StaleLayer::new().layer(origin.service()), 5, &[]);
    assert_eq!(origin.calls(), 5);
}

#[tokio::test(start_paused = true)]
async fn an_answer_that_is_not_for_others_is_asked_for_by_each_as_soon_as_its_head_is_there() {
    for kept in [
        &[("cache-control", "private")],
        &[("cache-control", "max-age=0")],
        &[("set-cookie", "sid=7")],
        &[("vary", "*")],
    ] {
        let origin = Origin::new(Play::Wait(kept));
        let mut flights = crowd(&StaleLayer::new().coalesce().layer(origin.service()), 5, &[]);
        assert_eq!(origin.calls(), 1);
        origin.open();
        let mut bodies = Vec::new();
        for flight in &mut flights {
            bodies.push(landed(flight).await.1);
        }
        assert_eq!(bodies, ["/ 1", "/ 2", "/ 3", "/ 4", "/ 5"], "{kept:?}");
    }
}

#[tokio::test(start_paused = true)]
async fn requests_that_differ_for_the_service_do_not_wait_for_each_other() {
    for sent in [
        ("cookie", "sid=7"),
        ("authorization", "Bearer 7"),
        ("if-none-match", "\"7\""),
        ("cache-control", "no-cache"),
        ("cache-control", "max-age=0"),
    ] {
        let origin = Origin::new(Play::Wait(&[]));
        let _flights = crowd(&StaleLayer::new().coalesce().layer(origin.service()), 2, &[sent]);
        assert_eq!(origin.calls(), 2, "{sent:?}");
    }
}

#[tokio::test(start_paused = true)]
async fn variants_fly_apart_once_they_are_known() {
    const VARY: &[(&str, &str)] = &[("vary", "accept-language"), ("cache-control", "max-age=0")];
    let origin = Origin::new(Play::Page(VARY));
    let service = StaleLayer::new().coalesce().layer(origin.service());
    get(&service, "/").await;
    origin.play(Play::Wait(VARY));
    let _german = crowd(&service, 3, &[("accept-language", "de")]);
    let _english = crowd(&service, 3, &[("accept-language", "en")]);
    assert_eq!(origin.calls(), 3);
}

#[tokio::test(start_paused = true)]
async fn another_takes_the_place_of_a_leader_that_leaves() {
    let origin = Origin::new(Play::Wait(&[]));
    let mut flights = crowd(&StaleLayer::new().coalesce().layer(origin.service()), 5, &[]);
    for calls in 2..5 {
        drop(flights.remove(0));
        for flight in &mut flights {
            assert!(flight.is_woken());
            assert_pending!(flight.poll());
        }
        assert_eq!((origin.calls(), origin.inside()), (calls, 1));
    }
    origin.open();
    for flight in &mut flights {
        assert_eq!(landed(flight).await.1, "/ 4");
    }
}

#[tokio::test(start_paused = true)]
async fn another_takes_the_place_of_a_leader_that_drops_its_body() {
    let origin = Origin::new(Play::Wait(&[]));
    let mut flights = crowd(&StaleLayer::new().coalesce().layer(origin.service()), 3, &[]);
    origin.open();
    let unread = assert_ready!(flights[0].poll()).expect("it is answered");
    assert_pending!(flights[1].poll());
    drop(unread);
    assert_eq!(landed(&mut flights[1]).await.1, "/ 2");
    assert_eq!(landed(&mut flights[2]).await.1, "/ 2");
}

#[tokio::test(start_paused = true)]
async fn a_leader_that_panics_harms_no_other() {
    let calls = Arc::new(AtomicUsize::new(0));
    let door = Arc::new(Semaphore::new(0));
    let (count, opened) = (calls.clone(), door.clone());
    let service = StaleLayer::new().coalesce().layer(service_fn(move |_: Request<()>| {
        let (count, opened) = (count.clone(), opened.clone());
        async move {
            let call = count.fetch_add(1, Ordering::SeqCst);
            opened.acquire().await?.forget();
            assert!(call > 0, "the first one panics");
            Ok::<_, BoxError>(Response::new(Full::<Bytes>::from("page")))
        }
    }));
    let asking: Vec<_> = (0..4)
        .map(|_| {
            let service = service.clone();
            tokio::spawn(async move { get(&service, "/").await.body })
        })
        .collect();
    tokio::task::yield_now().await;
    door.add_permits(2);
    let mut bodies = Vec::new();
    for asking in asking {
        bodies.push(timeout(SECOND, asking).await.expect("nobody is stuck").ok());
    }
    let page = || Some("page".to_owned());
    assert_eq!(bodies, [None, page(), page(), page()]);
    assert_eq!(calls.load(Ordering::SeqCst), 2);
}

#[tokio::test(start_paused = true)]
async fn all_get_what_is_kept_where_the_one_fails() {
    let origin = Origin::new(Play::Page(&[]));
    let layer = StaleLayer::new().coalesce().within(SECOND);
    let service = layer.layer(origin.service());
    get(&service, "/").await;
    origin.play(Play::Wait(&[]));
    let mut flights = crowd(&service, 5, &[]);
    advance(SECOND + MS).await;
    for flight in &mut flights {
        let said = "brownout; fwd=stale; ttl=-1; detail=late";
        assert_eq!(landed(flight).await, (200, "/ 1".into(), said.into()));
    }
    assert_eq!((origin.calls(), origin.inside()), (2, 0));
}

#[tokio::test(start_paused = true)]
async fn each_asks_for_itself_where_the_one_is_refused_and_nothing_is_kept() {
    let origin = Origin::new(Play::Refuse(Reason::QueueFull));
    let gate = Arc::new(Semaphore::new(0));
    let (inner, waiting) = (origin.service(), gate.clone());
    let service = StaleLayer::new().coalesce().layer(service_fn(move |request| {
        let (inner, waiting) = (inner.clone(), waiting.clone());
        async move {
            let _turn = waiting.acquire().await?;
            inner.oneshot(request).await
        }
    }));
    let mut flights = crowd(&service, 3, &[]);
    gate.add_permits(3);
    for flight in &mut flights {
        assert_eq!(landed(flight).await.0, StatusCode::SERVICE_UNAVAILABLE);
    }
    assert_eq!(origin.calls(), 3);
}

#[tokio::test(start_paused = true)]
async fn a_slow_reader_keeps_nobody_waiting() {
    let (sender, chunks) = Chunks::channel();
    let chunks = Arc::new(std::sync::Mutex::new(Some(chunks)));
    let service = StaleLayer::new().coalesce().layer(service_fn(move |_: Request<()>| {
        let slow = chunks.lock().expect("no test panics here").take();
        let body = match slow {
            Some(chunks) => http_body_util::Either::Left(chunks),
            None => http_body_util::Either::Right(Full::<Bytes>::from("quick")),
        };
        async move {
            tokio::task::yield_now().await;
            Ok::<_, BoxError>(Response::new(body))
        }
    }));
    let mut flights = crowd(&service, 2, &[]);
    let slow = assert_ready!(flights[0].poll()).expect("it is answered");
    assert_pending!(flights[1].poll());
    advance(999 * MS).await;
    assert_pending!(flights[1].poll());
    advance(2 * MS).await;
    // It asks for itself, and its call yields once.
    assert_pending!(flights[1].poll());
    assert_eq!(landed(&mut flights[1]).await.1, "quick");
    drop((slow, sender));
}

#[tokio::test(start_paused = true)]
async fn a_person_takes_part_once_an_answer_is_known_to_be_everybodys() {
    const PUBLIC: &[(&str, &str)] = &[("cache-control", "public, max-age=5")];
    let origin = Origin::new(Play::Page(PUBLIC));
    let service = StaleLayer::new().coalesce().layer(origin.service());
    let user = [("cookie", "sid=7")];
    send(&service, request("/", &user)).await.expect("it is answered");
    origin.play(Play::Wait(PUBLIC));
    let _flights = crowd(&service, 5, &user);
    assert_eq!(origin.calls(), 2);
}

/// Real threads, where some leave at any point.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn nobody_is_stuck_in_a_crowd_of_which_many_leave() {
    let calls = Arc::new(AtomicUsize::new(0));
    let count = calls.clone();
    let layer = StaleLayer::new().coalesce();
    let service = layer.layer(service_fn(move |_: Request<()>| {
        let call = count.fetch_add(1, Ordering::SeqCst);
        async move {
            for _ in 0..call % 5 {
                tokio::task::yield_now().await;
            }
            Ok::<_, BoxError>(Response::new(Full::<Bytes>::from("page")))
        }
    }));
    let mut crowd = tokio::task::JoinSet::new();
    for number in 0..6_000 {
        let service = service.clone();
        let path = format!("/{}", number % 3);
        let asking = crowd.spawn(async move { get(&service, &path).await.body });
        if number % 4 == 0 {
            tokio::task::yield_now().await;
            asking.abort();
        }
    }
    let (mut served, mut left) = (0, 0);
    while let Some(done) = within_a_minute(crowd.join_next()).await {
        match done {
            Ok(body) => served += usize::from(body == "page"),
            Err(error) => left += usize::from(error.is_cancelled()),
        }
    }
    assert_eq!(served + left, 6_000);
    assert!(served >= 4_500, "{served}");
    assert!(layer.snapshot().coalesced > 0, "{:?}", layer.snapshot());
}
