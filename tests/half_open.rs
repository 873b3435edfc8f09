//! The circuit that tries: probes, and what becomes of them.

#![cfg(feature = "http")]

mod support;

use brownout::{
    Admission, Circuit, CircuitBreaker, Class, ConcurrencyLimit, Database, Outcome, Priority,
    Reason, limit::Fixed,
};
use http::StatusCode;
use support::{
    MS, SECOND,
    controlled::{admitted, behind, get, launch, page, refused},
    slow_database::{
        SLOW, bad_queries, database, opened, rejection, retry_after, spread_from, wait_out,
    },
};
use tokio::time::advance;
use tokio_test::assert_ready;

#[tokio::test(start_paused = true)]
async fn half_open_lets_its_probes_through_and_closes_when_they_pass() {
    let db = database();
    let layer = opened(&db).await;
    let (service, mut inside) = behind(&layer);
    wait_out(&service).await;
    let probes: Vec<_> = (0..3).map(|_| admitted(&service, &mut inside)).collect();
    assert_eq!(layer.gate().circuit(), Circuit::HalfOpen);
    assert_eq!(rejection(&refused(&service, get("/"))).reason(), Reason::CircuitOpen);
    for (mut flight, answer) in probes {
        assert_eq!(layer.gate().circuit(), Circuit::HalfOpen);
        answer.send_response(page(StatusCode::OK));
        assert_eq!(assert_ready!(flight.poll()).expect("it is answered").status(), 200);
    }
    assert_eq!(layer.gate().circuit(), Circuit::Partial, "it ramps up");
    let (critical, mut inside) = behind(&layer.priority(Priority::Critical));
    let crowd: Vec<_> = (0..50).map(|_| admitted(&critical, &mut inside)).collect();
    drop(crowd);
}

#[tokio::test(start_paused = true)]
async fn after_it_closed_a_growing_share_gets_in() {
    let db = database();
    let layer = CircuitBreaker::new().probes(1).protecting(&db).expect("it is valid");
    let (service, mut inside) = behind(&layer);
    bad_queries(&db).await;
    wait_out(&service).await;
    let (mut probe, answer) = admitted(&service, &mut inside);
    answer.send_response(page(StatusCode::OK));
    assert!(probe.poll().is_ready());
    let (mut let_in, search) = (Vec::new(), Class::new(Priority::Sheddable));
    for _ in 0..32 {
        db.record(MS, Outcome::Success);
        advance(100 * MS).await;
        let_in.push((0..20).filter(|_| layer.gate().check(&search).is_ok()).count());
    }
    assert_eq!((let_in[0], let_in[31]), (0, 20), "{let_in:?}");
    let steps: Vec<_> = let_in.windows(2).map(|pair| pair[1].abs_diff(pair[0])).collect();
    assert!(let_in.is_sorted() && steps.iter().all(|step| *step <= 3), "{let_in:?}");
    assert_eq!(layer.gate().circuit(), Circuit::Closed);
}

#[tokio::test(start_paused = true)]
async fn a_slow_or_failed_probe_opens_it_for_twice_as_long() {
    let db = database();
    let layer = opened(&db).await;
    let (service, mut inside) = behind(&layer);
    wait_out(&service).await;
    let (mut slow, answer) = admitted(&service, &mut inside);
    advance(2 * SLOW).await;
    answer.send_response(page(StatusCode::OK));
    assert!(slow.poll().is_ready());
    assert!(spread_from(retry_after(&service), 2 * SECOND));
    wait_out(&service).await;
    let (mut failed, answer) = admitted(&service, &mut inside);
    answer.send_response(page(StatusCode::GATEWAY_TIMEOUT));
    assert!(failed.poll().is_ready());
    assert!(spread_from(retry_after(&service), 4 * SECOND));
}

#[tokio::test(start_paused = true)]
async fn a_cancelled_probe_gives_its_place_back() {
    let db = database();
    let layer = opened(&db).await;
    let (service, mut inside) = behind(&layer);
    wait_out(&service).await;
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
    wait_out(&service).await;
    let mut probe = launch(&service, get("/"));
    advance(401 * MS).await;
    assert_eq!(rejection(&assert_ready!(probe.poll()).expect("ok")).reason(), Reason::QueueTimeout);
    let circuit = admission.snapshot().circuit;
    assert_eq!(circuit, Circuit::HalfOpen, "the probe never came near the database");
}

#[tokio::test(start_paused = true)]
async fn stragglers_have_no_say_once_it_tries() {
    let db = database();
    let old: Vec<_> = (0..100).map(|_| db.statement("old").start()).collect();
    let layer = opened(&db).await;
    let (service, mut inside) = behind(&layer);
    wait_out(&service).await;
    for _ in 0..3 {
        let (mut flight, answer) = admitted(&service, &mut inside);
        answer.send_response(page(StatusCode::OK));
        assert!(flight.poll().is_ready());
    }
    assert_eq!(layer.gate().circuit(), Circuit::Partial);
    let old = old.into_iter().enumerate();
    for (number, straggler) in old {
        straggler.finish(Outcome::Overload);
        if number % 10 == 9 {
            advance(100 * MS).await;
            db.record(MS, Outcome::Success);
        }
    }
    let snapshot = layer.gate().snapshot();
    assert_eq!(snapshot.circuit, Circuit::Partial, "{snapshot:?}");
    assert!(snapshot.bad_share < 1e-9 && snapshot.level < 2.2, "{snapshot:?}");
}

#[tokio::test(start_paused = true)]
async fn a_lock_that_is_released_is_found_out_at_once() {
    let db = database();
    let layer = CircuitBreaker::new().open_for(10 * SECOND).protecting(&db).expect("it is valid");
    let (service, mut inside) = behind(&layer);
    let locked: Vec<_> = (0..5).map(|_| db.statement("locked").start()).collect();
    bad_queries(&db).await;
    assert!(retry_after(&service) > 5 * SECOND);
    advance(500 * MS).await;
    locked.into_iter().for_each(|query| query.finish(Outcome::Success));
    advance(100 * MS).await;
    let (_probe, _answer) = admitted(&service, &mut inside);
    assert_eq!(layer.gate().circuit(), Circuit::HalfOpen);
}
