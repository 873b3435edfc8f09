//! The circuit breaker, as a layer that follows a database.

#![cfg(feature = "http")]

mod support;

use std::{future::pending, io, sync::Arc};

use brownout::{Admission, Circuit, CircuitBreaker, Database, Event, Outcome, Reason, Rejection};
use http::{StatusCode, header};
use support::{
    MS, SECOND,
    controlled::{admitted, behind, get, page, refused},
    slow_database::{SLOW, bad_queries, database, opened, protecting, rejection},
};
use tokio::{
    task::JoinHandle,
    time::{advance, timeout},
};

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
        .on_event(move |event: &Event| {
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
