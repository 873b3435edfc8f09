//! The gate in front of the connections.

#![cfg(feature = "http")]

mod support;

use std::{convert::Infallible, future::Future, io, pin::pin};

use brownout::{
    Admission, AdmissionBuilder, CheckoutError, Class, ConcurrencyLimit, Database, Lent, Priority,
    Quota, RateLimit, Reason, Rejection, Route, limit::Fixed,
};
use http::{Request, Response, StatusCode};
use http_body_util::Full;
use support::MS;
use tower::{Layer, ServiceExt, service_fn};

type Page = Response<Full<&'static [u8]>>;

async fn connect(db: &Database) -> Result<Lent<&'static str>, CheckoutError<io::Error>> {
    db.checkout(async { Ok("connection") }).await
}

fn admission(db: &Database, settings: fn(AdmissionBuilder) -> AdmissionBuilder) -> Admission {
    let limit = ConcurrencyLimit::new().algorithm(Fixed::new(1)).queue(0);
    let builder = settings(Admission::builder().protect(db).concurrency(limit));
    builder.build().expect("it is valid")
}

fn page(status: StatusCode) -> Result<Page, Infallible> {
    let mut page = Response::new(Full::new(&b"page"[..]));
    *page.status_mut() = status;
    Ok(page)
}

/// Sends one request through the layer to this handler.
async fn send<F, C>(admission: &Admission, class: Class, handler: C) -> Answer
where
    C: Fn() -> F + Clone,
    F: Future<Output = StatusCode>,
{
    let service = service_fn(move |_: Request<()>| {
        let answer = handler();
        async move { page(answer.await) }
    });
    let service = admission.layer().classify(class).layer(service);
    let response = service.oneshot(Request::new(())).await.expect("it is infallible");
    let rejection = response.extensions().get::<Rejection>().map(Rejection::reason);
    Answer { status: response.status(), rejection }
}

#[derive(Debug, PartialEq)]
struct Answer {
    status: StatusCode,
    rejection: Option<Reason>,
}

const NORMAL: Class = Class::new(Priority::Normal);

#[tokio::test(start_paused = true)]
async fn a_request_with_a_permit_need_not_ask_again() {
    let db = Database::new("shop");
    let admission = admission(&db, |builder| builder);
    let handler = || async {
        let first = connect(&db).await.expect("its permit is enough");
        let second = connect(&db).await.expect("its permit is enough");
        assert_eq!((*first, *second), ("connection", "connection"));
        StatusCode::OK
    };
    assert_eq!(send(&admission, NORMAL, handler).await.status, StatusCode::OK);
    assert_eq!(admission.snapshot().in_flight, 0);
}

#[tokio::test(start_paused = true)]
async fn at_the_checkout_a_place_lasts_as_long_as_the_connection() {
    let db = Database::new("shop");
    let admission = admission(&db, AdmissionBuilder::at_checkout);
    let handler = || async {
        assert_eq!(admission.snapshot().in_flight, 0, "it holds nothing yet");
        let lent = connect(&db).await.expect("there is room");
        assert_eq!(admission.snapshot().in_flight, 1);
        let nested = connect(&db).await.expect("who holds one may take another");
        drop((lent, nested));
        assert_eq!(admission.snapshot().in_flight, 0);
        StatusCode::OK
    };
    assert_eq!(send(&admission, NORMAL, handler).await.status, StatusCode::OK);
}

#[tokio::test(start_paused = true)]
async fn a_refusal_at_the_checkout_is_the_answer_if_the_handler_fails_for_it() {
    let db = Database::new("shop");
    let admission = admission(&db, AdmissionBuilder::at_checkout);
    let (holder, refused) = (
        pin!(send(&admission, NORMAL, || async {
            let _lent = connect(&db).await.expect("it is the first");
            tokio::time::sleep(10 * MS).await;
            StatusCode::OK
        })),
        pin!(async {
            tokio::time::sleep(MS).await;
            let fails = || async {
                match connect(&db).await {
                    Ok(_) => StatusCode::OK,
                    Err(CheckoutError::Refused(_)) => StatusCode::INTERNAL_SERVER_ERROR,
                    Err(CheckoutError::Pool(error)) => panic!("{error}"),
                }
            };
            let copes = || async {
                assert!(connect(&db).await.is_err());
                StatusCode::OK
            };
            (send(&admission, NORMAL, fails).await, send(&admission, NORMAL, copes).await)
        }),
    );
    let (held, (failed, coped)) = tokio::join!(holder, refused);
    assert_eq!(held.status, StatusCode::OK);
    let refusal =
        Answer { status: StatusCode::SERVICE_UNAVAILABLE, rejection: Some(Reason::QueueFull) };
    assert_eq!(failed, refusal);
    assert_eq!(coped, Answer { status: StatusCode::OK, rejection: None });
    assert_eq!(admission.snapshot().refused(Reason::QueueFull), 2);
    assert_eq!(db.snapshot().errors, 0, "no query failed");
}

#[tokio::test(start_paused = true)]
async fn a_failure_of_another_kind_stays_what_it_is() {
    let db = Database::new("shop");
    let admission = admission(&db, AdmissionBuilder::at_checkout);
    let answer = send(&admission, NORMAL, || async { StatusCode::BAD_GATEWAY }).await;
    assert_eq!(answer, Answer { status: StatusCode::BAD_GATEWAY, rejection: None });
}

#[tokio::test(start_paused = true)]
async fn a_route_that_was_not_expected_to_need_a_database_asks_at_the_connection() {
    let db = Database::new("shop");
    let admission = admission(&db, |builder| builder);
    let class = NORMAL.route(Route::named("rarely a query"));
    for _ in 0..60 {
        send(&admission, class, || async { StatusCode::OK }).await;
    }
    let place = admission.acquire(&NORMAL).await.expect("there is room");
    let handler = || async {
        match connect(&db).await {
            Ok(_) => StatusCode::OK,
            Err(_) => StatusCode::INTERNAL_SERVER_ERROR,
        }
    };
    let refused = send(&admission, class, handler).await;
    assert_eq!(refused.rejection, Some(Reason::QueueFull));
    drop(place);
    assert_eq!(send(&admission, class, handler).await.status, StatusCode::OK);
}

#[tokio::test(start_paused = true)]
async fn what_is_exempt_or_no_request_takes_what_it_wants() {
    let db = Database::new("shop");
    let admission = admission(&db, AdmissionBuilder::at_checkout);
    let place = admission.acquire(&NORMAL).await.expect("there is room");
    assert!(admission.acquire(&NORMAL).await.is_err(), "there was room for one");
    let handler = || async {
        connect(&db).await.expect("nobody asks it");
        StatusCode::OK
    };
    assert_eq!(send(&admission, Class::exempt(), handler).await.status, StatusCode::OK);
    connect(&db).await.expect("nobody asks it");
    drop(place);
}

#[tokio::test(start_paused = true)]
async fn the_wait_for_a_connection_is_counted_and_a_failed_one_is_judged() {
    let db = Database::new("shop");
    let timed_out = db.checkout(async {
        tokio::time::sleep(30 * MS).await;
        Err::<(), _>(io::Error::from(io::ErrorKind::TimedOut))
    });
    assert!(matches!(timed_out.await, Err(CheckoutError::Pool(_))));
    let snapshot = db.snapshot();
    assert_eq!((snapshot.finished, snapshot.overloads), (1, 1));
    assert!(snapshot.p50 >= Some(30 * MS));
}

#[tokio::test(start_paused = true)]
async fn responses_tell_what_was_spent_if_asked_to() {
    let db = Database::new("the \"shop\"");
    let admission = Admission::builder().protect(&db).build().expect("it is valid");
    let handler = service_fn(|_: Request<()>| {
        let db = db.clone();
        async move {
            for _ in 0..2 {
                let query = async {
                    tokio::time::sleep(6 * MS).await;
                    Ok::<_, io::Error>(())
                };
                db.observe(query).await.expect("it succeeds");
            }
            page(StatusCode::OK)
        }
    });
    let ask = |layer: brownout::AdmissionLayer<_, _>| layer.layer(handler);
    let service = ask(admission.layer().server_timing());
    let response = service.oneshot(Request::new(())).await.expect("it is infallible");
    assert_eq!(response.headers()["server-timing"], "db;desc=\"the shop\";dur=12.0");
}

#[tokio::test(start_paused = true)]
async fn a_request_that_is_refused_at_the_checkout_hands_its_cell_back() {
    let db = Database::new("shop");
    let admission =
        admission(&db, |builder| builder.at_checkout().rate(RateLimit::new(Quota::per_day(2))));
    let connects = || async {
        match connect(&db).await {
            Ok(_) => StatusCode::OK,
            Err(_) => StatusCode::INTERNAL_SERVER_ERROR,
        }
    };
    let held = admission.acquire(&NORMAL).await.expect("it is the first");
    for _ in 0..3 {
        assert_eq!(send(&admission, NORMAL, connects).await.rejection, Some(Reason::QueueFull));
    }
    drop(held);
    assert_eq!(send(&admission, NORMAL, connects).await.status, StatusCode::OK);
    assert_eq!(send(&admission, NORMAL, connects).await.rejection, Some(Reason::Quota));
}
