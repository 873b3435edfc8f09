//! What is remembered of routes, statements, clients, answers, transitions and seconds is bounded,
//! whatever comes: after a million of them no more of the heap is held than after a tenth of it.
//!
//! A debug build is slow, and has a tenth: `cargo test --release --test bounds` has the million.

#![cfg(all(feature = "console", feature = "stale"))]

mod support;

use std::convert::Infallible;

use allocation_counter::measure;
use brownout::{
    Admission, Class, ConcurrencyLimit, Database, Gate, Outcome, Quota, RateLimit, Route,
    StaleLayer, limit::Fixed,
};
use bytes::Bytes;
use http::{Request, Response};
use http_body_util::{BodyExt, Full};
use support::{MS, SECOND};
use tokio::{
    runtime::{Builder, Runtime},
    time::{Instant, advance},
};
use tokio_test::task;
use tower::{BoxError, Layer, ServiceExt, service_fn};

const MANY: usize = if cfg!(debug_assertions) { 100_000 } else { 1_000_000 };
/// Of what is remembered for seconds, and of what takes seconds.
const SECONDS: usize = MANY / 30;
const INCIDENTS: usize = MANY / 500;

const KB: i64 = 1 << 10;
const MB: i64 = 1 << 20;

/// How much more a table may set aside for as much as it had before.
const LITTLE: i64 = 8 * KB;

/// What is held of the heap, in bytes.
#[derive(Debug)]
struct Held {
    /// After a tenth of all, with what is there from the beginning.
    early: i64,
    /// How much more after all.
    more: i64,
}

/// Feeds what is made for it with so many, one after the other.
fn held<T>(all: usize, make: impl FnOnce() -> T, mut feed: impl FnMut(&T, usize)) -> Held {
    let mut made = None;
    let early = measure(|| {
        let own = made.insert(make());
        (0..all / 10).for_each(|number| feed(own, number));
    });
    let own = made.expect("it was made");
    let more = measure(|| (all / 10..all).for_each(|number| feed(&own, number)));
    Held { early: early.bytes_current, more: more.bytes_current }
}

impl Held {
    /// As it is documented. Less than half of it would be a test of something that is not there.
    fn is_bounded_by(&self, bytes: i64) {
        println!("{self:?} of {bytes}");
        assert!((bytes / 2..=bytes).contains(&self.early), "{self:?} of {bytes}");
        assert!(self.more <= LITTLE, "{self:?}");
    }
}

/// On paused time.
fn runtime() -> Runtime {
    let runtime = Builder::new_current_thread().enable_time().start_paused(true).build();
    runtime.expect("a runtime is to be had")
}

fn shop() -> (Database, Admission) {
    let db = Database::new("shop");
    let limit = ConcurrencyLimit::new().algorithm(Fixed::new(1)).queue(200);
    let admission = Admission::builder().protect(&db).concurrency(limit).build();
    (db, admission.expect("it is valid"))
}

#[test]
fn a_thousand_routes_take_2_kb_at_each_database() {
    let runtime = runtime();
    let _time = runtime.enter();
    let held = held(MANY, shop, |(db, admission), number| {
        let route = Route::of("GET", &format!("/products/{number}"));
        let query = service_fn(|_: ()| async {
            db.record(MS, Outcome::Success);
            Ok::<_, BoxError>(())
        });
        let layer = admission.layer().refuse_with_error().classify(Class::default().route(route));
        runtime.block_on(layer.layer(query).oneshot(())).expect("there is room");
        runtime.block_on(advance(MS));
    });
    held.is_bounded_by(2 * MB);
}

#[test]
fn statements_take_two_thirds_of_a_mb_at_each_database() {
    let runtime = runtime();
    let _time = runtime.enter();
    let database = || Database::new("shop");
    let named = held(MANY, database, |db, number| {
        db.statement(&format!("product {number}")).record(MS, Outcome::Success);
    });
    named.is_bounded_by(2 * MB / 3);
    let written = held(MANY / 2, database, |db, number| {
        db.sql(&format!("select * from products_{number}")).record(MS, Outcome::Success);
    });
    written.is_bounded_by(2 * MB / 3);
}

#[test]
fn a_client_with_a_quota_takes_52_bytes_for_as_many_as_are_remembered() {
    const REMEMBERED: usize = MANY / 20;
    let limit = RateLimit::new(Quota::per_day(1)).per_key().max_keys(REMEMBERED);
    let now = Instant::now().into_std();
    let gate = || limit.gate().expect("it is valid");
    let held = held(MANY, gate, |gate, client| {
        drop(gate.enter(&Class::default().key(&client), now));
    });
    held.is_bounded_by(52 * REMEMBERED as i64 + 8 * KB);
}

#[test]
fn of_clients_who_wait_and_leave_nothing_is_left() {
    let runtime = runtime();
    let _time = runtime.enter();
    let full = || {
        let (_db, admission) = shop();
        let place = runtime.block_on(admission.acquire(&Class::default()));
        (admission, place.expect("it is free"))
    };
    let held = held(MANY, full, |(admission, _), client| {
        let class = Class::default().key(&client);
        let mut waits = task::spawn(admission.acquire(&class));
        assert!(waits.poll().is_pending(), "it waits");
    });
    held.is_bounded_by(64 * KB);
}

#[test]
fn twenty_incidents_and_a_hundred_transitions_are_remembered() {
    let runtime = runtime();
    let _time = runtime.enter();
    let held = held(INCIDENTS, shop, |(db, admission), number| {
        // As many transitions as of one are kept, and some more; evidence after two seconds.
        for toggle in 0..35 {
            admission.breaker().force_open();
            db.statement(&format!("product {}", toggle % 7)).record(MS, Outcome::Success);
            runtime.block_on(advance(100 * MS));
            drop((toggle % 10 == 0).then(|| admission.incidents()));
            admission.breaker().force_closed();
        }
        runtime.block_on(advance(11 * SECOND));
        let incidents = admission.incidents();
        let last = incidents.last().expect("it was one");
        assert!(last.end.is_some() && last.omitted > 0);
        assert_eq!((last.timeline.len(), last.evidence[0].statements.len()), (60, 5));
        assert_eq!(incidents.len(), (number + 1).min(20));
    });
    held.is_bounded_by(512 * KB);
}

#[test]
fn kept_answers_take_as_many_bytes_as_they_may() {
    let runtime = runtime();
    let _time = runtime.enter();
    let layer = || StaleLayer::new().max_bytes(MB as u64);
    let page = Response::new(Full::new(Bytes::from_static(b"page")));
    let held = held(MANY / 2, layer, |layer, number| {
        let answers = service_fn(|_: Request<()>| async { Ok::<_, Infallible>(page.clone()) });
        let request = Request::get(format!("/products/{number}")).body(()).expect("it is valid");
        runtime.block_on(async {
            let answer = layer.layer(answers).oneshot(request).await.expect("it is infallible");
            answer.into_body().collect().await.expect("it is whole");
        });
    });
    held.is_bounded_by(MB);
}

#[test]
fn a_console_keeps_five_minutes_of_1_kb_a_second() {
    let runtime = runtime();
    let _time = runtime.enter();
    let watched = || {
        let (db, admission) = shop();
        let console = admission.console();
        (db, admission, console)
    };
    let held = held(SECONDS, watched, |(db, _, _), _| {
        runtime.block_on(advance(SECOND));
        db.record(MS, Outcome::Success);
    });
    held.is_bounded_by(300 * KB);
}
