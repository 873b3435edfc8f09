//! A downstream that is a Tower service, timed as a database.

#![cfg(feature = "http")]

mod support;

use std::{
    io,
    ops::ControlFlow,
    sync::{Arc, Mutex},
};

use brownout::{Database, Outcome, QueryLayer, Signal};
use bytes::Bytes;
use http::{Request, Response, StatusCode};
use http_body_util::Empty;
use hyper_util::{client::legacy::Client, rt::TokioExecutor};
use support::{MS, SECOND, careful::Careful, reserving::Reserving, within_a_minute};
use tokio_test::{assert_pending, assert_ready_err, assert_ready_ok, task};
use tower::{BoxError, Layer, Service, ServiceBuilder, ServiceExt, service_fn};
use tower_test::{assert_request_eq, mock};

type Heard = Arc<Mutex<Vec<Signal>>>;

/// A database, and the signals that it sends.
fn heard() -> (Database, Heard) {
    let (db, heard) = (Database::new("stock"), Heard::default());
    let ears = heard.clone();
    db.subscribe(move |signal: &Signal| {
        ears.lock().expect("nobody panics").push(signal.clone());
        ControlFlow::Continue(())
    });
    (db, heard)
}

/// The statements of the signal that the next tick brings, with their calls.
async fn next_calls(heard: &Heard, tick: impl Fn()) -> Vec<(String, u64)> {
    tokio::time::advance(SECOND).await;
    tick();
    let signal = heard.lock().expect("nobody panics").pop().expect("one was due");
    signal.calls.iter().map(|calls| (calls.name.to_string(), calls.all)).collect()
}

#[tokio::test(start_paused = true)]
async fn a_call_is_a_query_from_the_call_to_the_result() {
    let db = Database::new("stock");
    let layer = db.layer().boxed_errors();
    let (mut service, mut handle) = mock::spawn_layer::<_, &str, _>(layer);
    assert_ready_ok!(service.poll_ready());
    assert_eq!(db.snapshot().in_flight, 0, "it was not called yet");
    let mut call = task::spawn(service.call("request"));
    assert_eq!(db.snapshot().in_flight, 1, "a service may start before it is polled");
    tokio::time::advance(80 * MS).await;
    assert_pending!(call.poll());
    assert_request_eq!(handle, "request").send_response("answer");
    assert_eq!(assert_ready_ok!(call.poll()), "answer");
    let snapshot = db.snapshot();
    assert_eq!((snapshot.in_flight, snapshot.finished, snapshot.overloads), (0, 1, 0));
    let p50 = snapshot.p50.expect("it came back");
    assert!((80 * MS..=90 * MS).contains(&p50), "{p50:?}");
}

#[tokio::test(start_paused = true)]
async fn a_call_whose_future_is_dropped_is_cancelled() {
    let db = Database::new("stock");
    let layer = db.layer().boxed_errors();
    let (mut service, _handle) = mock::spawn_layer::<&str, &str, _>(layer);
    for polled in [false, true] {
        assert_ready_ok!(service.poll_ready());
        let mut call = task::spawn(service.call("request"));
        if polled {
            assert_pending!(call.poll());
        }
        assert_eq!(db.snapshot().in_flight, 1);
        drop(call);
        assert_eq!(db.snapshot().in_flight, 0);
    }
    let snapshot = db.snapshot();
    assert_eq!((snapshot.cancelled, snapshot.finished), (2, 0));
}

#[tokio::test(start_paused = true)]
async fn readiness_is_the_inner_services() {
    let layer = Database::new("stock").layer().boxed_errors();
    let (mut service, mut handle) = mock::spawn_layer::<&str, &str, _>(layer);
    handle.allow(0);
    assert_pending!(service.poll_ready());
    handle.allow(1);
    assert!(service.is_woken());
    assert_ready_ok!(service.poll_ready());
    let _call = service.call("request");
    handle.send_error("gone");
    assert_eq!(assert_ready_err!(service.poll_ready()).to_string(), "gone");
}

#[tokio::test(start_paused = true)]
async fn the_service_that_was_polled_ready_is_called_and_no_clone_of_it() {
    let layer = Database::new("stock").layer().boxed_errors();
    let mut service = layer.layer(Careful::default());
    let ready = service.ready().await.expect("it is ready");
    assert_eq!(ready.call("answer").await.expect("it answers"), "answer");
}

#[tokio::test(start_paused = true)]
async fn a_call_leaves_nothing_reserved() {
    let inner = Reserving::one_place();
    let places = inner.places();
    let mut service = Database::new("stock").layer().boxed_errors().layer(inner);
    let call = service.ready().await.expect("it is ready").call("request");
    assert!(call.await.is_ok());
    assert_eq!(places.available_permits(), 1);
}

/// What a database with this layer makes of one call that ends so.
async fn counts<T, E, N, J>(
    layer: impl FnOnce(&Database) -> QueryLayer<N, J>,
    result: Result<T, E>,
) -> (u64, u64)
where
    N: Clone + brownout::StatementOf<()>,
    J: brownout::Judge<T, E> + Clone,
{
    let db = Database::new("stock");
    let result = Mutex::new(Some(result));
    let inner = service_fn(|()| {
        std::future::ready(result.lock().expect("nobody panics").take().expect("one call"))
    });
    let _result = layer(&db).layer(inner).oneshot(()).await;
    let snapshot = db.snapshot();
    assert_eq!(snapshot.finished, 1);
    (snapshot.overloads, snapshot.errors)
}

#[tokio::test(start_paused = true)]
async fn errors_are_judged_as_those_of_queries() {
    let refused = || io::Error::from(io::ErrorKind::ConnectionRefused);
    let missing = || io::Error::from(io::ErrorKind::NotFound);
    assert_eq!(counts(Database::layer, Ok::<_, io::Error>(())).await, (0, 0));
    assert_eq!(counts(Database::layer, Err::<(), _>(refused())).await, (1, 0));
    assert_eq!(counts(Database::layer, Err::<(), _>(missing())).await, (0, 1));
}

#[tokio::test(start_paused = true)]
async fn boxed_errors_are_judged_by_what_is_in_the_box() {
    let boxed = |kind: io::ErrorKind| Err::<(), _>(BoxError::from(io::Error::from(kind)));
    let layer = |db: &Database| db.layer().boxed_errors();
    assert_eq!(counts(layer, boxed(io::ErrorKind::ConnectionRefused)).await, (1, 0));
    assert_eq!(counts(layer, boxed(io::ErrorKind::NotFound)).await, (0, 1));
    assert_eq!(counts(layer, Ok::<_, BoxError>(())).await, (0, 0));
}

#[tokio::test(start_paused = true)]
async fn a_judge_of_ones_own_sees_the_whole_result() {
    let judge = |result: &Result<u32, &str>| match result {
        Ok(1) => Outcome::Success,
        Ok(_) => Outcome::Overload,
        Err(_) => Outcome::Ignore,
    };
    let layer = |db: &Database| db.layer().judge(judge);
    assert_eq!(counts(layer, Ok(1)).await, (0, 0));
    assert_eq!(counts(layer, Ok(2)).await, (1, 0));
    assert_eq!(counts(layer, Err("broken")).await, (0, 1));
}

#[tokio::test(start_paused = true)]
async fn statuses_are_judged_and_errors_as_before() {
    let status = |status: StatusCode| {
        let mut response = Response::new(());
        *response.status_mut() = status;
        Ok::<_, io::Error>(response)
    };
    let layer = |db: &Database| db.layer().http();
    assert_eq!(counts(layer, status(StatusCode::OK)).await, (0, 0));
    assert_eq!(counts(layer, status(StatusCode::SERVICE_UNAVAILABLE)).await, (1, 0));
    assert_eq!(counts(layer, status(StatusCode::NOT_FOUND)).await, (0, 1));
    let refused = io::Error::from(io::ErrorKind::ConnectionRefused);
    assert_eq!(counts(layer, Err::<Response<()>, _>(refused)).await, (1, 0));
}

#[tokio::test(start_paused = true)]
async fn a_statement_may_depend_on_the_request_and_the_table_stays_bounded() {
    let (db, heard) = heard();
    let layer = db.layer().boxed_errors().statement(|request: &String| request.as_str());
    let service =
        layer.layer(service_fn(|request: String| async move { Ok::<_, BoxError>(request) }));
    for request in ["get", "list", "get"] {
        service.clone().oneshot(request.into()).await.expect("it answers");
    }
    let calls = next_calls(&heard, || drop(db.statement("tick").start())).await;
    assert_eq!(calls, [("get".to_owned(), 2), ("list".to_owned(), 1)]);
    for number in 0..1000 {
        service.clone().oneshot(number.to_string()).await.expect("it answers");
    }
    let calls = next_calls(&heard, || drop(db.statement("tick").start())).await;
    assert!(calls.len() <= 101, "{} names", calls.len());
    assert_eq!(calls.iter().map(|(_, all)| all).sum::<u64>(), 1000);
}

#[tokio::test(start_paused = true)]
async fn a_statement_names_all_calls_of_a_service() {
    let (db, heard) = heard();
    let service = ServiceBuilder::new()
        .layer(db.statement("stock").layer().boxed_errors())
        .service(Careful::default());
    service.oneshot("request").await.expect("it answers");
    let calls = next_calls(&heard, || drop(db.statement("tick").start())).await;
    assert_eq!(calls, [("stock".to_owned(), 1)]);
}

#[tokio::test]
async fn a_refused_connection_of_an_http_client_is_an_overload() {
    let db = Database::new("nobody");
    let client: Client<_, Empty<Bytes>> = Client::builder(TokioExecutor::new()).build_http();
    let layer = db.layer().http().statement(|request: &Request<_>| request.method().as_str());
    let client = layer.layer(client);
    let request = Request::get("http://127.0.0.1:1/").body(Empty::new()).expect("it is valid");
    within_a_minute(client.oneshot(request)).await.expect_err("nobody listens there");
    let snapshot = db.snapshot();
    assert_eq!((snapshot.finished, snapshot.overloads), (1, 1));
}
