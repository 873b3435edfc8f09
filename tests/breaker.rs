//! The circuit breaker, as a layer that follows a database.

#![cfg(feature = "http")]

mod support;

use std::{future::pending, io, sync::Arc};

use brownout::{
    Admission, BreakerMode, Circuit, CircuitBreaker, CircuitBreakerLayer, Database, Event, Outcome,
    Priority, Reason,
};
use http::{StatusCode, header};
use support::{
    MS, SECOND,
    controlled::{admitted, behind, get, page, refused},
    slow_database::{
        SLOW, bad_queries, database, opened, protecting, rejection, retry_after, spread_from,
        wait_out,
    },
};
use tokio::{
    task::JoinHandle,
    time::{advance, timeout},
};

#[tokio::test(start_paused = true)]
async fn queries_that_fail_open_the_circuit_and_refusals_say_for_how_long() {
    let db = database();
    let (service, mut inside) = behind(&opened(&db).await);
    let first = rejection(&refused(&service, get("/")));
    assert_eq!(first.reason(), Reason::CircuitOpen);
    assert!(spread_from(first.retry_after(), SECOND), "{first}");
    advance(400 * MS).await;
    let response = refused(&service, get("/"));
    let wait = rejection(&response).retry_after();
    assert!((400 * MS..1_800 * MS).contains(&wait), "400 ms less, and spread over 1 s: {wait:?}");
    let told = response.headers()[header::RETRY_AFTER].to_str().expect("it is text");
    assert!(SECOND * told.parse().expect("whole seconds") >= wait, "rounded up: {told}");
    assert!(inside.is_empty());
}

#[tokio::test(start_paused = true)]
async fn a_third_of_slow_queries_leaves_it_closed() {
    let db = database();
    let layer = protecting(&db);
    for round in 0..100 {
        let latency = if round % 3 == 0 { 2 * SLOW } else { MS };
        db.record(latency, Outcome::Success);
        advance(20 * MS).await;
    }
    assert_eq!(layer.gate().circuit(), Circuit::Closed);
}

#[tokio::test(start_paused = true)]
async fn nine_calls_are_too_few_to_judge_by() {
    let db = database();
    let layer = protecting(&db);
    for _ in 0..8 {
        db.record(2 * SLOW, Outcome::Success);
    }
    advance(100 * MS).await;
    db.record(2 * SLOW, Outcome::Success);
    assert_eq!(layer.gate().circuit(), Circuit::Closed);
}

#[tokio::test(start_paused = true)]
async fn errors_open_it_if_the_judge_says_overload() {
    let broken = || async { Err::<(), _>(io::Error::other("unique violation")) };
    let strict = Database::builder("strict").judge(|_| Outcome::Overload).build();
    let (lenient, strict) = (Database::new("lenient"), strict.expect("it is valid"));
    let (calm, alarmed) = (protecting(&lenient), protecting(&strict));
    for db in [&lenient, &strict] {
        for _ in 0..12 {
            assert!(db.observe(broken()).await.is_err());
            advance(10 * MS).await;
        }
    }
    // Whoever comes by sends the signal.
    advance(100 * MS).await;
    let (through, mut inside) = behind(&calm);
    drop(admitted(&through, &mut inside));
    let (stopped, _inside) = behind(&alarmed);
    assert_eq!(rejection(&refused(&stopped, get("/"))).reason(), Reason::CircuitOpen);
}

fn hanging(db: &Database, queries: usize) -> Vec<JoinHandle<Result<(), io::Error>>> {
    let hang = |_| tokio::spawn(db.observe(pending::<Result<(), io::Error>>()));
    (0..queries).map(hang).collect()
}

#[tokio::test(start_paused = true)]
async fn a_stall_opens_it_while_other_requests_come_by() {
    let db = database();
    let layer = protecting(&db);
    let (service, mut inside) = behind(&layer);
    let queries = hanging(&db, 5);
    tokio::task::yield_now().await;
    advance(900 * MS).await;
    drop(admitted(&service, &mut inside));
    assert_eq!(layer.gate().circuit(), Circuit::Closed, "something may still come back");
    advance(100 * MS).await;
    assert_eq!(rejection(&refused(&service, get("/"))).reason(), Reason::CircuitOpen);
    queries.iter().for_each(JoinHandle::abort);
}

#[tokio::test(start_paused = true)]
async fn one_query_that_hangs_is_no_stall() {
    let db = database();
    let (service, mut inside) = behind(&protecting(&db));
    let queries = hanging(&db, 1);
    tokio::task::yield_now().await;
    for _ in 0..50 {
        advance(100 * MS).await;
        drop(admitted(&service, &mut inside));
    }
    queries.iter().for_each(JoinHandle::abort);
}

#[tokio::test(start_paused = true)]
async fn a_query_given_up_when_it_was_slow_already_counts_as_slow() {
    let db = database();
    let layer = protecting(&db);
    for _ in 0..20 {
        let hang = db.observe(pending::<Result<(), io::Error>>());
        assert!(timeout(3 * SLOW, hang).await.is_err());
        let _ = db.observe(async { Ok::<_, io::Error>(()) }).await;
    }
    assert_eq!(layer.gate().circuit(), Circuit::Partial, "half of the queries were given up slow");
}

#[tokio::test(start_paused = true)]
async fn without_a_database_it_watches_the_service_behind_it() {
    let layer = CircuitBreaker::new().layer().expect("it is valid");
    let (service, mut inside) = behind(&layer);
    for _ in 0..50 {
        let (mut flight, answer) = admitted(&service, &mut inside);
        answer.send_response(page(StatusCode::NOT_FOUND));
        assert!(flight.poll().is_ready());
        advance(20 * MS).await;
    }
    assert_eq!(layer.gate().circuit(), Circuit::Closed, "not found is no overload");
    // Until the not-founds have left the window.
    advance(10 * SECOND).await;
    for _ in 0..50 {
        let (mut flight, answer) = admitted(&service, &mut inside);
        answer.send_response(page(StatusCode::BAD_GATEWAY));
        assert!(flight.poll().is_ready());
    }
    advance(100 * MS).await;
    assert_eq!(rejection(&refused(&service, get("/"))).reason(), Reason::CircuitOpen);
}

#[tokio::test(start_paused = true)]
async fn every_transition_is_told_with_its_cause() {
    let (db, told) = (database(), Arc::new(std::sync::Mutex::new(Vec::new())));
    let heard = told.clone();
    let admission = Admission::builder()
        .protect(&db)
        .on_event(move |event: &Event| {
            if let Event::Circuit { from, to, cause, .. } = event {
                heard.lock().expect("nobody panicked").push((*from, *to, cause.to_string()));
            }
        })
        .build()
        .expect("it is valid");
    let (service, mut inside) = behind(&admission.layer());
    let query = db.statement("orders.select");
    (0..20).for_each(|_| query.record(840 * MS, Outcome::Success));
    (0..200).for_each(|_| query.record(10 * MS, Outcome::Overload));
    advance(100 * MS).await;
    query.record(10 * MS, Outcome::Success);
    wait_out(&service).await;
    for _ in 0..3 {
        let (mut flight, answer) = admitted(&service, &mut inside);
        answer.send_response(page(StatusCode::OK));
        assert!(flight.poll().is_ready());
    }
    for _ in 0..32 {
        advance(100 * MS).await;
        query.record(10 * MS, Outcome::Success);
    }
    use Circuit::{Closed, HalfOpen, Open, Partial};
    let told = told.lock().expect("nobody panicked").clone();
    let steps: Vec<_> = told.iter().map(|(from, to, _)| (*from, *to)).collect();
    let cycle = [(Closed, Open), (Open, HalfOpen), (HalfOpen, Partial), (Partial, Closed)];
    assert_eq!(steps, cycle, "{told:?}");
    let causes: Vec<_> = told.iter().map(|(_, _, cause)| cause.as_str()).collect();
    let figures = "100 % of 221 calls in 1 s were slow or failed; \
                   most of them `orders.select`, which takes 800 ms";
    assert!(causes[0].starts_with(figures), "{causes:?}");
    assert!(causes[1].starts_with("it was open for "), "{causes:?}");
    assert_eq!(causes[2..], ["3 probes came back in time", "calls are good again"]);
}

/// A circuit that half of the queries made partial, with all but the critical refused.
async fn dimmed(db: &Database) -> CircuitBreakerLayer {
    let layer = protecting(db);
    dim(db).await;
    assert_eq!(layer.gate().circuit(), Circuit::Partial);
    layer
}

async fn dim(db: &Database) {
    for _ in 0..12 {
        for latency in [MS, 2 * SLOW, 2 * SLOW].repeat(5) {
            db.record(latency, Outcome::Success);
        }
        advance(100 * MS).await;
    }
}

#[tokio::test(start_paused = true)]
async fn a_partial_circuit_refuses_all_but_the_critical() {
    let db = database();
    let layer = dimmed(&db).await;
    for priority in [Priority::Normal, Priority::Sheddable, Priority::Bulk] {
        let (service, _inside) = behind(&layer.clone().priority(priority));
        let rejection = rejection(&refused(&service, get("/")));
        assert_eq!(rejection.reason(), Reason::CircuitOpen);
        assert!(spread_from(rejection.retry_after(), SECOND), "{rejection}");
    }
    let (service, mut inside) = behind(&layer.priority(Priority::Critical));
    (0..50).for_each(|_| drop(admitted(&service, &mut inside)));
}

#[tokio::test(start_paused = true)]
async fn a_lock_on_one_table_leaves_the_database_alone() {
    let db = database();
    let layer = protecting(&db);
    for _ in 0..50 {
        for _ in 0..15 {
            db.statement("products").record(2 * SLOW, Outcome::Success);
            db.statement("checkout").record(MS, Outcome::Success);
        }
        advance(100 * MS).await;
        assert_eq!(layer.gate().circuit(), Circuit::Closed);
    }
    assert!((layer.gate().snapshot().bad_share - 0.5).abs() < 0.01);
}

#[tokio::test(start_paused = true)]
async fn report_only_refuses_nothing_and_counts_what_it_would_have() {
    let db = database();
    let layer = CircuitBreaker::new().report_only().protecting(&db).expect("it is valid");
    let (service, mut inside) = behind(&layer);
    bad_queries(&db).await;
    let gate = layer.gate();
    assert_eq!((gate.circuit(), gate.snapshot().mode), (Circuit::Open, BreakerMode::ReportOnly));
    for count in 0..20 {
        assert_eq!(gate.would_have_refused(), count);
        drop(admitted(&service, &mut inside));
    }
    // An order counts all the same.
    gate.force_open();
    assert_eq!(rejection(&refused(&service, get("/"))).reason(), Reason::CircuitOpen);
    assert_eq!(gate.would_have_refused(), 20);
}

#[tokio::test(start_paused = true)]
async fn whoever_forces_a_circuit_decides_until_it_is_released() {
    let db = database();
    let layer = protecting(&db);
    let (service, mut inside) = behind(&layer);
    let gate = layer.gate();
    gate.force_open();
    assert_eq!((gate.circuit(), gate.snapshot().mode), (Circuit::Open, BreakerMode::ForcedOpen));
    advance(100 * SECOND).await;
    assert!(spread_from(retry_after(&service), SECOND));
    gate.force_closed();
    bad_queries(&db).await;
    drop(admitted(&service, &mut inside));
    let snapshot = gate.snapshot();
    assert_eq!((snapshot.circuit, snapshot.mode), (Circuit::Closed, BreakerMode::ForcedClosed));
    assert!(snapshot.bad_share > 0.9, "it goes on watching: {snapshot:?}");
    gate.release();
    advance(100 * MS).await;
    assert_eq!(rejection(&refused(&service, get("/"))).reason(), Reason::CircuitOpen);
    assert_eq!(gate.snapshot().mode, BreakerMode::Automatic);
}
