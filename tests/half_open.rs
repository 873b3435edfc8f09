//! The circuit that tries: probes, and what becomes of them.

#![cfg(feature = "http")]

mod support;

use brownout::{Admission, Circuit, ConcurrencyLimit, Database, Reason, limit::Fixed};
use http::StatusCode;
use support::{
    MS, SECOND,
    controlled::{admitted, behind, get, launch, page, refused},
    slow_database::{SLOW, bad_queries, database, opened, rejection},
};
use tokio::time::advance;
use tokio_test::assert_ready;

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
async fn time_in_the_queue_does_not_make_a_probe_slow() {
    let db = Database::builder("shop").slow_after(50 * MS).build().expect("it is valid");
    let one = ConcurrencyLimit::new().algorithm(Fixed::new(1)).queue(1);
    let admission = Admission::builder().protect(&db).concurrency(one).build();
    let admission = admission.expect("it is valid");
    let (service, mut inside) = behind(&admission.layer());
    let (_straggler, _answer) = admitted(&service, &mut inside);
    bad_queries(&db).await;
    advance(SECOND).await;
    let mut probe = launch(&service, get("/"));
    advance(401 * MS).await;
    assert_eq!(rejection(&assert_ready!(probe.poll()).expect("ok")).reason(), Reason::QueueTimeout);
    let circuit = admission.snapshot().circuit;
    assert_eq!(circuit, Circuit::HalfOpen, "the probe never came near the database");
}
