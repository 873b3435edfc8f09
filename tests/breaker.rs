//! The circuit breaker, as a layer that follows a database.

#![cfg(feature = "http")]

mod support;

use std::{future::pending, io, sync::Arc, time::Duration};

use brownout::{
    Admission, Circuit, CircuitBreaker, CircuitBreakerLayer, Database, Event, Outcome, Reason,
    Rejection,
};
use http::{Response, StatusCode, header};
use support::{
    MS, SECOND,
    controlled::{admitted, behind, get, page, refused},
};
use tokio::{
    task::JoinHandle,
    time::{advance, timeout},
};
use tokio_test::assert_ready;

const SLOW: Duration = MS.saturating_mul(100);

fn database() -> Database {
    Database::builder("shop").slow_after(SLOW).build().expect("it is valid")
}

fn protecting(db: &Database) -> CircuitBreakerLayer {
    CircuitBreakerLayer::protecting(db)
}

/// Twenty bad queries within the time of a signal, which the next passer-by sends.
async fn bad_queries(db: &Database) {
    for _ in 0..20 {
        db.record(2 * SLOW, Outcome::Success);
    }
    advance(100 * MS).await;
    db.record(MS, Outcome::Success);
}

async fn opened(db: &Database) -> CircuitBreakerLayer {
    let layer = protecting(db);
    bad_queries(db).await;
    assert_eq!(layer.gate().circuit(), Circuit::Open);
    layer
}

fn rejection<B>(response: &Response<B>) -> Rejection {
    assert_eq!(response.status(), StatusCode::SERVICE_UNAVAILABLE);
    *response.extensions().get().expect("a refusal says why")
}

#[tokio::test(start_paused = true)]
async fn slow_queries_open_the_circuit_and_refusals_say_for_how_long() {
    let db = database();
    let (service, mut inside) = behind(&opened(&db).await);
    let response = refused(&service, get("/"));
    assert_eq!(rejection(&response), Rejection::new(Reason::CircuitOpen, SECOND));
    assert_eq!(response.headers()[header::RETRY_AFTER], "1");
    advance(400 * MS).await;
    let response = refused(&service, get("/"));
    assert_eq!(rejection(&response).retry_after(), 600 * MS);
    assert_eq!(response.headers()[header::RETRY_AFTER], "1", "in whole seconds, rounded up");
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
async fn half_open_lets_its_probes_through_and_closes_when_they_pass() {
    let db = database();
    let layer = opened(&db).await;
    let (service, mut inside) = behind(&layer);
    advance(SECOND).await;
    let probes: Vec<_> = (0..3).map(|_| admitted(&service, &mut inside)).collect();
    assert_eq!(layer.gate().circuit(), Circuit::HalfOpen);
    assert_eq!(rejection(&refused(&service, get("/"))).reason(), Reason::CircuitOpen);
    for (mut flight, answer) in probes {
        assert_eq!(layer.gate().circuit(), Circuit::HalfOpen);
        answer.send_response(page(StatusCode::OK));
        assert_eq!(assert_ready!(flight.poll()).expect("it is answered").status(), 200);
    }
    assert_eq!(layer.gate().circuit(), Circuit::Closed);
    let crowd: Vec<_> = (0..50).map(|_| admitted(&service, &mut inside)).collect();
    drop(crowd);
}

#[tokio::test(start_paused = true)]
async fn a_slow_or_failed_probe_opens_it_for_twice_as_long() {
    let db = database();
    let layer = opened(&db).await;
    let (service, mut inside) = behind(&layer);
    advance(SECOND).await;
    let (mut slow, answer) = admitted(&service, &mut inside);
    advance(2 * SLOW).await;
    answer.send_response(page(StatusCode::OK));
    assert!(slow.poll().is_ready());
    assert_eq!(rejection(&refused(&service, get("/"))).retry_after(), 2 * SECOND);
    advance(2 * SECOND).await;
    let (mut failed, answer) = admitted(&service, &mut inside);
    answer.send_response(page(StatusCode::GATEWAY_TIMEOUT));
    assert!(failed.poll().is_ready());
    assert_eq!(rejection(&refused(&service, get("/"))).retry_after(), 4 * SECOND);
}

#[tokio::test(start_paused = true)]
async fn a_cancelled_probe_gives_its_place_back() {
    let db = database();
    let layer = opened(&db).await;
    let (service, mut inside) = behind(&layer);
    advance(SECOND).await;
    for _ in 0..20 {
        let probes: Vec<_> = (0..3).map(|_| admitted(&service, &mut inside)).collect();
        drop(refused(&service, get("/")));
        drop(probes);
    }
    assert_eq!(layer.gate().circuit(), Circuit::HalfOpen);
    let (slow, _answer) = admitted(&service, &mut inside);
    advance(2 * SLOW).await;
    drop(slow);
    assert_eq!(layer.gate().circuit(), Circuit::Open, "it was slow when it was given up");
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
    advance(SECOND).await;
    drop(admitted(&service, &mut inside));
    assert_eq!(layer.gate().circuit(), Circuit::Closed, "five are too few to judge by");
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
    assert_eq!(layer.gate().circuit(), Circuit::Open, "half of the queries were given up slow");
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
    for _ in 0..10 {
        let (mut flight, answer) = admitted(&service, &mut inside);
        answer.send_response(page(StatusCode::BAD_GATEWAY));
        assert!(flight.poll().is_ready());
    }
    advance(100 * MS).await;
    assert_eq!(rejection(&refused(&service, get("/"))).reason(), Reason::CircuitOpen);
}

#[tokio::test(start_paused = true)]
async fn every_transition_is_told() {
    let (db, told) = (database(), Arc::new(std::sync::Mutex::new(Vec::new())));
    let heard = told.clone();
    let admission = Admission::builder()
        .protect(&db)
        .observe(move |event: &Event| {
            if let Event::Circuit { from, to } = event {
                heard.lock().expect("nobody panicked").push((*from, *to));
            }
        })
        .build()
        .expect("it is valid");
    let (service, mut inside) = behind(&admission.layer());
    bad_queries(&db).await;
    advance(SECOND).await;
    for _ in 0..3 {
        let (mut flight, answer) = admitted(&service, &mut inside);
        answer.send_response(page(StatusCode::OK));
        assert!(flight.poll().is_ready());
    }
    use Circuit::{Closed, HalfOpen, Open};
    let told = told.lock().expect("nobody panicked").clone();
    assert_eq!(told, [(Closed, Open), (Open, HalfOpen), (HalfOpen, Closed)]);
}
