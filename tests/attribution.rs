//! To which request and route a query is counted.

#![cfg(feature = "http")]

mod support;

use std::{convert::Infallible, future::Future, time::Duration};

use brownout::{
    Admission, AdmissionBuilder, AdmissionLayer, Class, ConcurrencyLimit, Database, GatesPermit,
    Outcome, Priority, Route, limit::Fixed,
};
use bytes::Bytes;
use http::{Request, Response, StatusCode};
use http_body::Body;
use http_body_util::{BodyExt, Empty};
use support::{MS, export::Export};
use tokio::time::{sleep, timeout};
use tower::{Layer, ServiceExt, service_fn};

const NORMAL: Class = Class::new(Priority::Normal);

fn admission(db: &Database, limit: usize) -> Admission {
    built(db, limit, |builder| builder)
}

fn built(
    db: &Database,
    limit: usize,
    settings: fn(AdmissionBuilder) -> AdmissionBuilder,
) -> Admission {
    let limit = ConcurrencyLimit::new().algorithm(Fixed::new(limit)).queue(0);
    let builder = settings(Admission::builder().protect(db).concurrency(limit));
    builder.build().expect("it is valid")
}

async fn query(db: &Database, time: Duration) {
    let query = async {
        sleep(time).await;
        Ok::<_, std::io::Error>(())
    };
    db.observe(query).await.expect("it succeeds");
}

/// Sends one request to a handler that does `work`.
async fn send<B, F>(layer: AdmissionLayer, route: &str, work: impl Fn() -> F) -> StatusCode
where
    B: Body<Data = Bytes> + Send + 'static,
    B::Error: std::fmt::Debug,
    F: Future<Output = B>,
{
    let work = &work;
    let handler =
        service_fn(|_: Request<()>| async { Ok::<_, Infallible>(Response::new(work().await)) });
    let class = NORMAL.route(Route::named(route));
    let service = layer.classify(class).layer(handler);
    let response = service.oneshot(Request::new(())).await.expect("it is infallible");
    let status = response.status();
    response.into_body().collect().await.expect("it does not break off");
    status
}

async fn nothing() -> Empty<Bytes> {
    Empty::new()
}

/// Takes all places.
async fn fill(admission: &Admission) -> Vec<GatesPermit> {
    let mut full = Vec::new();
    while let Ok(permit) = admission.acquire(&NORMAL).await {
        full.push(permit);
    }
    full
}

/// Whether requests of the route are let in although all places are taken.
async fn is_free(admission: &Admission, route: &str) -> bool {
    let full = fill(admission).await;
    let status = send(admission.layer(), route, nothing).await;
    drop(full);
    status == StatusCode::OK
}

#[tokio::test(start_paused = true)]
async fn requests_whose_clients_leave_in_their_first_query_are_requests() {
    let db = Database::new("shop");
    let admission = admission(&db, 10);
    for _ in 0..50 {
        let abandoned = send(admission.layer(), "left early", async || {
            query(&db, Duration::from_secs(10)).await;
            Empty::<Bytes>::new()
        });
        assert!(timeout(10 * MS, abandoned).await.is_err());
    }
    let one = async || {
        query(&db, MS).await;
        Empty::<Bytes>::new()
    };
    send(admission.layer(), "left early", one).await;
    let routes = db.report().routes;
    assert_eq!((routes[0].requests, routes[0].queries), (51, 1.0));
}

#[tokio::test(start_paused = true)]
async fn a_burst_that_queries_at_once_and_ends_at_once_needs_the_database() {
    let db = Database::new("shop");
    let admission = admission(&db, 200);
    let work = async || {
        query(&db, MS).await;
        sleep(50 * MS).await;
        Empty::<Bytes>::new()
    };
    for _ in 0..5 {
        let burst = (0..200).map(|_| send(admission.layer(), "burst", work));
        futures_util::future::join_all(burst).await;
    }
    assert!(!is_free(&admission, "burst").await);
}

#[tokio::test(start_paused = true)]
async fn a_request_that_is_refused_its_connection_says_nothing_about_its_route() {
    let db = Database::new("shop");
    let admission = built(&db, 1, AdmissionBuilder::at_checkout);
    let work = async || {
        let connection = db.checkout(async { Ok::<_, std::io::Error>(()) }).await;
        if connection.is_ok() {
            query(&db, MS).await;
        }
        Empty::<Bytes>::new()
    };
    for _ in 0..50 {
        send(admission.layer(), "refused inside", work).await;
    }
    let full = fill(&admission).await;
    for _ in 0..50 {
        send(admission.layer(), "refused inside", work).await;
    }
    drop(full);
    let routes = db.report().routes;
    assert_eq!((routes[0].requests, routes[0].queries), (50, 1.0));
}

/// As a transaction does, whose rollback goes out when it is dropped.
struct RollsBack<'a>(&'a Database);

impl Drop for RollsBack<'_> {
    fn drop(&mut self) {
        self.0.statement("ROLLBACK").start().finish(Outcome::Success);
    }
}

#[tokio::test(start_paused = true)]
async fn what_a_handler_does_while_it_is_dropped_it_does_for_its_request() {
    let db = Database::new("shop");
    let admission = admission(&db, 10);
    for _ in 0..60 {
        send(admission.layer(), "static", nothing).await;
    }
    for _ in 0..60 {
        let abandoned = send(admission.layer(), "transaction", async || {
            let _transaction = RollsBack(&db);
            query(&db, Duration::from_secs(10)).await;
            Empty::<Bytes>::new()
        });
        assert!(timeout(10 * MS, abandoned).await.is_err());
    }
    assert!(is_free(&admission, "static").await, "no query is of nobody known");
}

#[tokio::test(start_paused = true)]
async fn what_a_spawned_task_does_while_it_is_dropped_it_does_for_its_request() {
    let db = Database::new("shop");
    let admission = admission(&db, 10);
    for _ in 0..60 {
        send(admission.layer(), "static", nothing).await;
    }
    for _ in 0..60 {
        let abandoned = brownout::attributed(async {
            let _transaction = RollsBack(&db);
            query(&db, Duration::from_secs(10)).await;
        });
        assert!(timeout(10 * MS, abandoned).await.is_err());
    }
    assert!(is_free(&admission, "static").await, "no query is of nobody known");
}

#[tokio::test(start_paused = true)]
async fn what_a_body_asks_of_the_database_as_it_streams_it_asks_for_its_request() {
    let db = Database::new("shop");
    let admission = admission(&db, 10);
    let products = async || {
        for _ in 0..40 {
            query(&db, MS).await;
        }
        Empty::<Bytes>::new()
    };
    let export = async || Export::new(1, MS, &db);
    for _ in 0..60 {
        send(admission.layer(), "products", products).await;
        send(admission.layer(), "export", export).await;
    }
    assert!(!is_free(&admission, "export").await);
    let of_export = db.report().routes.into_iter().find(|own| &*own.route == "export");
    assert!(of_export.is_some_and(|own| own.queries > 0.9));
}
