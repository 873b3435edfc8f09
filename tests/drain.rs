//! A service that is about to stop loses nobody: who is in flight finishes, who comes is refused.

#![cfg(feature = "http")]

mod support;

use std::{
    convert::Infallible,
    io,
    sync::{
        Arc, Mutex, OnceLock,
        atomic::{AtomicUsize, Ordering},
    },
};

use brownout::{
    Admission, AdmissionBuilder, Class, ConcurrencyLimit, Database, Event, Fleet, Health, Key,
    Priority, Quota, RateLimit, Reason, Rejection, limit::Fixed,
};
use bytes::Bytes;
use http::{Request, Response, StatusCode, header};
use http_body_util::BodyExt;
use support::{
    MS, SECOND,
    chunks::Chunks,
    controlled::{Gated, admitted, behind, get, launch, page, refused},
    fleet::{Buckets, Mood},
    within_a_minute,
};
use tokio::time::{Instant, advance, timeout};
use tokio_test::{assert_pending, assert_ready, task};
use tower::{Layer, ServiceExt, service_fn};

const NORMAL: Class = Class::new(Priority::Normal);

/// One place at its database, and a queue.
fn admission(db: &Database, settings: fn(AdmissionBuilder) -> AdmissionBuilder) -> Admission {
    let limit = ConcurrencyLimit::new().algorithm(Fixed::new(1)).queue(9).max_wait(400 * MS);
    let builder = Admission::builder().protect(db).concurrency(limit);
    settings(builder).build().expect("it is valid")
}

fn one_place() -> Admission {
    admission(&Database::new("shop"), |builder| builder)
}

fn reason<B>(response: &Response<B>) -> Option<Reason> {
    response.extensions().get().map(Rejection::reason)
}

/// What has to be done within this, or hangs.
async fn is_drained(admission: &Admission, within: std::time::Duration) -> bool {
    timeout(within, admission.drained()).await.is_ok()
}

#[tokio::test(start_paused = true)]
async fn who_is_in_flight_finishes_and_who_comes_is_refused_at_once() {
    let admission = one_place();
    let (service, mut inside) = behind(&admission.layer());
    let (mut flight, answer) = admitted(&service, &mut inside);
    admission.drain();
    assert!(admission.is_draining() && admission.snapshot().draining);
    let response = refused(&service, get("/"));
    assert_eq!(response.status(), StatusCode::SERVICE_UNAVAILABLE);
    assert_eq!(reason(&response), Some(Reason::Draining));
    assert_eq!(response.headers()[header::CONNECTION], "close");
    let wait = response.headers()[header::RETRY_AFTER].to_str().expect("it is text");
    assert!(["2", "3"].contains(&wait), "{wait}");
    assert!(!is_drained(&admission, SECOND).await, "one is in flight");
    answer.send_response(page(StatusCode::OK));
    let response = assert_ready!(flight.poll()).expect("it is answered");
    assert_eq!(response.status(), StatusCode::OK);
    assert!(!is_drained(&admission, SECOND).await, "its body is still to be read");
    response.into_body().collect().await.expect("it is whole");
    assert!(is_drained(&admission, 20 * MS).await);
    assert_eq!(admission.snapshot().refused(Reason::Draining), 1);
    assert!(inside.is_empty(), "nobody else got in");
}

#[tokio::test(start_paused = true)]
async fn a_stream_is_waited_for_to_its_end() {
    let admission = one_place();
    let (chunks, body) = Chunks::channel();
    let body = Arc::new(Mutex::new(Some(body)));
    let handler = service_fn(move |_: Request<()>| {
        let body = body.lock().expect("nobody panics").take().expect("it is the only one");
        async move { Ok::<_, Infallible>(Response::new(body)) }
    });
    let service = admission.layer().layer(handler);
    let mut response = service.oneshot(get("/")).await.expect("it is infallible");
    admission.drain();
    for _ in 0..3 {
        chunks.send(Bytes::from_static(b"more")).expect("it is read");
        assert!(response.frame().await.is_some(), "it goes on");
        assert!(!is_drained(&admission, SECOND).await);
    }
    drop(chunks);
    assert!(response.frame().await.is_none());
    assert!(is_drained(&admission, 20 * MS).await);
}

#[tokio::test(start_paused = true)]
async fn who_waits_already_gets_the_place_or_the_refusal_that_is_due() {
    let admission = one_place();
    let (service, mut inside) = behind(&admission.layer());
    let (first, _answer) = admitted(&service, &mut inside);
    let (mut second, mut third) = (launch(&service, get("/2")), launch(&service, get("/3")));
    admission.drain();
    drop(first);
    assert!(second.is_woken() && second.poll().is_pending());
    assert!(!is_drained(&admission, MS).await, "the second has its place");
    advance(401 * MS).await;
    let late = assert_ready!(third.poll()).expect("a refusal is no error");
    assert_eq!(reason(&late), Some(Reason::QueueTimeout));
    inside.take().send_response(page(StatusCode::OK));
    let served = assert_ready!(second.poll()).expect("it is answered");
    assert_eq!(served.status(), StatusCode::OK);
    drop(served);
    assert!(is_drained(&admission, 20 * MS).await);
}

#[tokio::test(start_paused = true)]
async fn the_exempt_come_in_and_are_not_waited_for() {
    let admission = one_place();
    let (service, mut inside) = behind(&admission.layer().exempt());
    admission.drain();
    let (_health, _answer) = admitted(&service, &mut inside);
    assert!(is_drained(&admission, 20 * MS).await);
}

#[tokio::test(start_paused = true)]
async fn who_needs_no_database_is_waited_for_as_well() {
    let (admission, elsewhere) = (one_place(), Database::new("elsewhere"));
    let class = NORMAL.needs(&elsewhere);
    let permit = admission.acquire(&class).await.expect("nothing is in its way");
    let snapshot = admission.snapshot();
    assert_eq!((snapshot.in_flight, snapshot.without_place), (0, 1));
    admission.drain();
    assert!(admission.acquire(&class).await.is_err());
    assert!(!is_drained(&admission, SECOND).await);
    drop(permit);
    assert_eq!(admission.snapshot().without_place, 0);
    assert!(is_drained(&admission, 20 * MS).await);
}

#[tokio::test(start_paused = true)]
async fn who_is_in_flight_gets_its_connection_though_it_drains() {
    let db = Database::new("shop");
    let admission = admission(&db, AdmissionBuilder::at_checkout);
    let inner = {
        let (admission, db) = (admission.clone(), db.clone());
        service_fn(move |_: Request<()>| {
            let (admission, db) = (admission.clone(), db.clone());
            async move {
                admission.drain();
                let lent = db.checkout(async { Ok::<_, io::Error>("connection") }).await;
                assert!(!is_drained(&admission, SECOND).await, "it is in flight");
                let status = if lent.is_ok() { StatusCode::OK } else { StatusCode::BAD_GATEWAY };
                Ok::<_, Infallible>(page(status))
            }
        })
    };
    let response = admission.layer().layer(inner).oneshot(get("/")).await.expect("infallible");
    assert_eq!(response.status(), StatusCode::OK);
    drop(response);
    assert!(is_drained(&admission, 20 * MS).await);
}

#[tokio::test(start_paused = true)]
async fn who_waits_for_the_answer_of_a_fleet_is_waited_for() {
    Key::seed_with("tests of the drain").expect("no key was made before");
    let buckets = Buckets::new();
    buckets.set(Mood::Hangs);
    let limit = RateLimit::new(Quota::per_second(10)).shared(Fleet::new("quotas", buckets));
    let builder = Admission::builder().rate(limit).concurrency(ConcurrencyLimit::new());
    let admission = builder.build().expect("it is valid");
    let mut asking = task::spawn(admission.acquire(&NORMAL));
    assert_pending!(asking.poll());
    admission.drain();
    let mut drained = task::spawn(admission.drained());
    assert_pending!(drained.poll(), "it has come before");
    let permit = asking.await.expect("without an answer, each has its share");
    let snapshot = admission.snapshot();
    assert_eq!((snapshot.in_flight, snapshot.without_place), (1, 0), "it has a place now");
    advance(SECOND).await;
    assert_pending!(drained.poll(), "and is in flight now");
    drop(permit);
    advance(SECOND).await;
    assert_ready!(drained.poll());
}

#[tokio::test(start_paused = true)]
async fn a_drain_that_is_called_off_leaves_no_trace() {
    let admission = one_place();
    let mut drained = task::spawn(admission.drained());
    assert_pending!(drained.poll(), "nobody drains");
    let permit = admission.acquire(&NORMAL).await.expect("there is room");
    admission.drain();
    advance(SECOND).await;
    assert_pending!(drained.poll());
    admission.resume();
    assert!(!admission.is_draining());
    drop(permit);
    advance(SECOND).await;
    assert_pending!(drained.poll(), "it was called off");
    drop(admission.acquire(&NORMAL).await.expect("it is as before"));
    admission.drain();
    advance(SECOND).await;
    assert_ready!(drained.poll());
}

#[tokio::test(start_paused = true)]
async fn a_drain_is_told_once_however_often_it_is_asked_for() {
    let told = Arc::new(Mutex::new(Vec::new()));
    let tell = {
        let told = told.clone();
        move |event: &Event| told.lock().expect("nobody panics").push(event.to_string())
    };
    let admission = Admission::builder().on_event(tell).build().expect("it is valid");
    admission.resume();
    admission.drain();
    advance(2 * SECOND).await;
    admission.drain();
    drop(task::spawn(admission.drained()));
    admission.drained().await;
    admission.drained().await;
    advance(SECOND).await;
    admission.resume();
    let expected = [
        "draining: nobody new is admitted",
        "drained: nothing is in flight any more, after 2.0s",
        "the drain was called off after 3.0s: requests are admitted again",
    ];
    assert_eq!(*told.lock().expect("nobody panics"), expected);
    let noted = admission.transitions().into_iter().map(|own| own.event.to_string());
    assert_eq!(noted.collect::<Vec<_>>(), expected);
}

#[tokio::test(start_paused = true)]
async fn a_drain_is_seen_by_who_looks_and_is_no_incident() {
    let admission = one_place();
    assert!(!admission.overview().draining);
    admission.drain();
    for _ in 0..20 {
        advance(SECOND / 2).await;
        assert!(admission.acquire(&NORMAL).await.is_err());
        assert_eq!(admission.incidents(), []);
    }
    let overview = admission.overview();
    assert!(overview.draining);
    assert_eq!(overview.health, Health::Well);
    assert!(overview.sentence.starts_with("Draining: "), "{}", overview.sentence);
    let text = admission.snapshot().to_string();
    assert!(text.starts_with("draining: ") && text.ends_with("refused 20: draining 20"), "{text}");
}

#[tokio::test(start_paused = true)]
async fn a_drain_refuses_also_where_all_gates_only_report() {
    let admission = admission(&Database::new("shop"), AdmissionBuilder::report_only);
    let permit = admission.acquire(&NORMAL).await.expect("there is room");
    admission.drain();
    let rejection = admission.acquire(&NORMAL).await.expect_err("it drains");
    assert_eq!(rejection.reason(), Reason::Draining);
    assert!(!is_drained(&admission, SECOND).await);
    drop(permit);
    assert!(is_drained(&admission, 20 * MS).await);
}

#[tokio::test(start_paused = true)]
async fn who_is_refused_for_a_drain_spends_no_cell_and_is_told_no_longer_wait() {
    let rate = |builder: AdmissionBuilder| builder.rate(RateLimit::new(Quota::per_day(1)));
    let admission = admission(&Database::new("shop"), rate);
    admission.force_level(1.0).expect("it is in range");
    admission.drain();
    for priority in Priority::ALL {
        let rejection = admission.acquire(&priority.into()).await.expect_err("it drains");
        assert_eq!(rejection.reason(), Reason::Draining);
        assert!(!rejection.is_final() && rejection.retry_after() < 3 * SECOND, "{rejection:?}");
    }
    admission.resume();
    assert!(admission.acquire(&NORMAL).await.is_ok(), "the cell is there");
}

#[tokio::test(start_paused = true)]
async fn a_grpc_call_is_told_in_its_own_way() {
    let admission = one_place();
    let (service, _inside) = behind(&admission.layer());
    admission.drain();
    let call = Request::post("/shop.Shop/Buy").header(header::CONTENT_TYPE, "application/grpc");
    let response = refused(&service, call.body(()).expect("it is valid"));
    let headers = response.headers();
    assert_eq!(
        (response.status(), &headers["grpc-status"]),
        (StatusCode::OK, &"14".parse().expect("a value"))
    );
    let wait = headers["grpc-retry-pushback-ms"].to_str().expect("it is text");
    assert!((1_000..=3_000).contains(&wait.parse::<u32>().expect("a number")), "{wait}");
    assert!(!headers.contains_key(header::CONNECTION));
}

/// What a layer's own answers are.
fn answered<S: Gated<Response = Response<B>>, B>(service: &S) -> (StatusCode, bool) {
    let response = refused(service, get("/"));
    (response.status(), response.headers().contains_key(header::CONNECTION))
}

#[tokio::test(start_paused = true)]
async fn a_fallback_answers_and_has_its_clients_come_by_another_connection() {
    let admission = one_place();
    let layer = admission.layer().fallback_with(|_, _| Some(page(StatusCode::ACCEPTED)));
    let (service, _inside) = behind(&layer);
    admission.drain();
    assert_eq!(answered(&service), (StatusCode::ACCEPTED, true));
}

/// What it does between its first look at the drain and its place is told to whoever observes.
#[tokio::test(start_paused = true)]
async fn who_is_on_the_way_in_when_the_drain_begins_is_refused_as_well() {
    for queue in [0, 9] {
        let own = Arc::new(OnceLock::<Admission>::new());
        let drain = {
            let own = own.clone();
            move |event: &Event| {
                if matches!(event, Event::Downgraded { .. }) {
                    own.get().expect("it was built").drain();
                }
            }
        };
        let limit = ConcurrencyLimit::new().algorithm(Fixed::new(1)).queue(queue);
        let rate = RateLimit::new(Quota::per_day(1)).downgrade_to(Priority::Sheddable);
        let builder = Admission::builder().concurrency(limit).rate(rate).on_event(drain);
        let admission = own.get_or_init(|| builder.build().expect("it is valid"));
        // Its cell was the last. Where it goes, there is room; where it stays, a queue.
        let first = admission.acquire(&NORMAL).await.expect("there is room");
        let _held = (queue > 0).then_some(first);
        let mut second = task::spawn(admission.acquire(&NORMAL));
        let rejection = assert_ready!(second.poll()).expect_err("it drains");
        assert_eq!(rejection.reason(), Reason::Draining);
        let snapshot = admission.snapshot();
        assert_eq!((snapshot.in_flight, snapshot.waiting), (usize::from(queue > 0), 0));
    }
}

/// Threads that come and go as fast as they can: who got in was seen by the drain.
#[test]
fn nobody_is_in_flight_once_it_is_drained_however_many_threads_there_are() {
    let mut runtime = tokio::runtime::Builder::new_multi_thread();
    let runtime = runtime.worker_threads(4).enable_all().build().expect("it is to be had");
    let elsewhere = Database::new("elsewhere");
    for round in 0..40 {
        // Every other round they need no database.
        let class = if round % 2 == 0 { NORMAL } else { NORMAL.needs(&elsewhere) };
        let (admission, inside) = (one_place(), Arc::new(AtomicUsize::new(0)));
        runtime.block_on(within_a_minute(async {
            let crowd = (0..4).map(|_| {
                let (admission, inside) = (admission.clone(), inside.clone());
                tokio::spawn(async move {
                    loop {
                        match admission.acquire(&class).await {
                            Ok(_permit) => {
                                inside.fetch_add(1, Ordering::SeqCst);
                                tokio::task::yield_now().await;
                                inside.fetch_sub(1, Ordering::SeqCst);
                            }
                            Err(rejection) if rejection.reason() == Reason::Draining => return,
                            Err(_) => {}
                        }
                    }
                })
            });
            let crowd: Vec<_> = crowd.collect();
            tokio::time::sleep(MS).await;
            admission.drain();
            admission.drained().await;
            assert_eq!(inside.load(Ordering::SeqCst), 0, "round {round}");
            for one in crowd {
                one.await.expect("it ends well");
            }
        }));
    }
}

#[tokio::test(start_paused = true)]
async fn a_timeout_around_it_gives_up_and_the_drain_goes_on() {
    let admission = one_place();
    let permit = admission.acquire(&NORMAL).await.expect("there is room");
    admission.drain();
    let since = Instant::now();
    assert!(!is_drained(&admission, 20 * SECOND).await);
    assert_eq!(since.elapsed(), 20 * SECOND);
    assert!(admission.is_draining());
    drop(permit);
    assert!(is_drained(&admission, 20 * MS).await);
}
