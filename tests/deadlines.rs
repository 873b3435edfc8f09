//! Requests that have only so much time.

#![cfg(feature = "http")]

mod support;

use std::{
    convert::Infallible,
    future::{pending, poll_fn},
    io,
    pin::Pin,
    task::{Context, Poll},
    time::Duration,
};

use brownout::{
    Admission, CheckoutError, Class, ConcurrencyLimit, Database, Priority, Reason, Rejection,
    attributed, http::Timeout, limit::Fixed, time_left,
};
use bytes::Bytes;
use http::{HeaderName, Request, Response, StatusCode};
use http_body::{Body, Frame};
use http_body_util::{BodyExt, Empty};
use support::{
    MS, SECOND,
    controlled::{admitted, behind, launch, refused},
};
use tokio::time::{advance, sleep};
use tower::{BoxError, Layer, Service, ServiceExt, service_fn};

const NAME: HeaderName = HeaderName::from_static("x-request-timeout");

/// One request at a time; others wait for up to a second.
fn admission() -> Admission {
    protecting(&Database::new("shop"))
}

fn protecting(db: &Database) -> Admission {
    let limit = ConcurrencyLimit::new().algorithm(Fixed::new(1)).queue(9).max_wait(SECOND);
    Admission::builder().protect(db).concurrency(limit).build().expect("it is valid")
}

fn asking(name: &HeaderName, value: &str) -> Request<()> {
    Request::get("/").header(name, value).body(()).expect("it is valid")
}

fn in_seconds(value: &str) -> Request<()> {
    asking(&NAME, value)
}

fn over_grpc(timeout: &str) -> Request<()> {
    let mut request = asking(&HeaderName::from_static("grpc-timeout"), timeout);
    let grpc = "application/grpc+proto".parse().expect("it is a value");
    request.headers_mut().insert(http::header::CONTENT_TYPE, grpc);
    *request.method_mut() = http::Method::POST;
    request
}

fn reason<B>(response: &Response<B>) -> Option<Reason> {
    response.extensions().get::<Rejection>().map(Rejection::reason)
}

fn header<'r, B>(response: &'r Response<B>, name: &str) -> Option<&'r str> {
    response.headers().get(name).map(|value| value.to_str().expect("it is text"))
}

#[tokio::test(start_paused = true)]
async fn a_request_without_time_is_refused_though_there_is_room() {
    let layer = admission().layer().deadline(Timeout::seconds(NAME));
    let (service, mut inside) = behind(&layer);
    let response = refused(&service, in_seconds("0"));
    assert_eq!(response.status(), StatusCode::SERVICE_UNAVAILABLE);
    assert_eq!(reason(&response), Some(Reason::Deadline));
    assert!(matches!(header(&response, "retry-after"), Some("2" | "3")));
    assert_eq!(header(&response, "x-should-retry"), Some("false"), "its caller has gone");
    for served in ["0.001", "soon", "-1", ""] {
        let _flight = launch(&service, in_seconds(served));
        drop(inside.take());
    }
    let snapshot = layer.gate().snapshot();
    assert_eq!((snapshot.refused(Reason::Deadline), snapshot.admitted), (1, 4));
}

#[tokio::test(start_paused = true)]
async fn over_grpc_it_is_deadline_exceeded() {
    let (service, mut inside) = behind(&admission().layer().deadline(Timeout::grpc()));
    let response = refused(&service, over_grpc("0m"));
    assert_eq!(response.status(), StatusCode::OK);
    assert_eq!(header(&response, "grpc-status"), Some("4"));
    assert_eq!(header(&response, "content-type"), Some("application/grpc+proto"));
    let _flight = launch(&service, over_grpc("1m"));
    drop(inside.take());
}

#[tokio::test(start_paused = true)]
async fn what_waits_is_refused_at_a_third_of_its_time_and_never_started() {
    let (service, mut inside) = behind(&admission().layer().deadline(Timeout::grpc()));
    let (_holding, _answer) = admitted(&service, &mut inside);
    let mut waiting = launch(&service, over_grpc("300m"));
    advance(99 * MS).await;
    assert!(waiting.poll().is_pending());
    advance(2 * MS).await;
    let Poll::Ready(Ok(response)) = waiting.poll() else { panic!("its time is over") };
    assert_eq!(header(&response, "grpc-status"), Some("4"));
    assert!(inside.is_empty());
}

#[tokio::test(start_paused = true)]
async fn what_is_let_in_too_late_is_not_started() {
    let (service, mut inside) = behind(&admission().layer().deadline(Timeout::seconds(NAME)));
    let (holding, answer) = admitted(&service, &mut inside);
    let mut waiting = launch(&service, in_seconds("0.3"));
    drop((holding, answer));
    assert!(waiting.is_woken(), "there is room");
    // The task gets no turn for as long.
    advance(SECOND).await;
    let Poll::Ready(Ok(response)) = waiting.poll() else { panic!("its time is over") };
    assert_eq!(reason(&response), Some(Reason::Deadline));
    assert!(inside.is_empty());
    let (_next, _answer) = admitted(&service, &mut inside);
}

#[tokio::test(start_paused = true)]
async fn a_request_that_needs_no_database_is_refused_when_it_is_late() {
    let no_database = Admission::builder().at_checkout().build().expect("it is valid");
    let (service, _inside) = behind(&no_database.layer().deadline(Duration::ZERO));
    assert_eq!(reason(&refused(&service, Request::new(()))), Some(Reason::Deadline));
}

#[tokio::test(start_paused = true)]
async fn an_exempt_request_is_never_late() {
    let layer = admission().layer().deadline(Duration::ZERO).exempt();
    let (service, mut inside) = behind(&layer);
    let _flight = launch(&service, Request::new(()));
    drop(inside.take());
}

/// What is left of the time where requests are served.
async fn left_in<L>(layer: L, request: Request<()>) -> Option<Duration>
where
    L: Layer<TellTime>,
    L::Service: Service<Request<()>, Response = Response<OneFrame>, Error = BoxError>,
{
    let response = layer.layer(TellTime).oneshot(request).await.expect("it answers");
    *response.extensions().get::<Option<Duration>>().expect("it is told")
}

type OneFrame = brownout::http::PermitBody<Empty<Bytes>, brownout::GatesPermit>;

/// Answers after 10 ms with the time that is left, in an extension.
#[derive(Clone)]
struct TellTime;

impl Service<Request<()>> for TellTime {
    type Response = Response<Empty<Bytes>>;
    type Error = BoxError;
    type Future = Pin<Box<dyn Future<Output = Result<Self::Response, BoxError>> + Send>>;

    fn poll_ready(&mut self, _: &mut Context<'_>) -> Poll<Result<(), BoxError>> {
        Poll::Ready(Ok(()))
    }

    fn call(&mut self, _: Request<()>) -> Self::Future {
        Box::pin(async {
            sleep(10 * MS).await;
            let mut response = Response::new(Empty::new());
            response.extensions_mut().insert(time_left());
            Ok(response)
        })
    }
}

#[tokio::test(start_paused = true)]
async fn a_handler_knows_the_time_that_is_left() {
    let layer = || admission().layer().deadline(Timeout::seconds(NAME).otherwise(SECOND));
    assert_eq!(left_in(layer(), in_seconds("0.5")).await, Some(490 * MS));
    assert_eq!(left_in(layer(), Request::new(())).await, Some(990 * MS));
    assert_eq!(left_in(layer(), in_seconds("0.005")).await, Some(Duration::ZERO), "never less");
    assert_eq!(left_in(admission().layer(), in_seconds("0.5")).await, None);
    assert_eq!(time_left(), None, "no request runs here");
}

#[tokio::test(start_paused = true)]
async fn of_several_deadlines_the_earliest_holds() {
    let by_header = || admission().layer().deadline(Timeout::seconds(NAME));
    let bounded = || by_header().deadline(SECOND);
    assert_eq!(left_in(bounded(), in_seconds("60")).await, Some(990 * MS));
    assert_eq!(left_in(bounded(), in_seconds("0.1")).await, Some(90 * MS));
    let classify = |_: &Request<()>| {
        let soon = tokio::time::Instant::now() + 50 * MS;
        Class::new(Priority::Critical).deadline(soon.into_std())
    };
    let classified = || admission().layer().classify(classify).deadline(Timeout::seconds(NAME));
    assert_eq!(left_in(classified(), in_seconds("60")).await, Some(40 * MS));
}

#[tokio::test(start_paused = true)]
async fn a_layer_inside_of_another_gives_no_more_time() {
    let handler = service_fn(|_: Request<()>| async {
        assert_eq!(time_left(), Some(SECOND));
        Ok::<_, Infallible>(Response::new(Empty::<Bytes>::new()))
    });
    let inner = admission().layer().deadline(60 * SECOND).layer(handler);
    let outer = admission().layer().deadline(SECOND).layer(inner);
    outer.oneshot(Request::new(())).await.expect("it is infallible");
}

#[tokio::test(start_paused = true)]
async fn a_task_knows_the_time_if_it_is_told_for_whom_it_works() {
    let handler = service_fn(|_: Request<()>| async {
        let (attributed, alone) = tokio::join!(
            tokio::spawn(attributed(async { time_left() })),
            tokio::spawn(async { time_left() })
        );
        assert_eq!(attributed.expect("it ends"), Some(SECOND));
        assert_eq!(alone.expect("it ends"), None);
        Ok::<_, Infallible>(Response::new(Empty::<Bytes>::new()))
    });
    let service = admission().layer().deadline(SECOND).layer(handler);
    service.oneshot(Request::new(())).await.expect("it is infallible");
}

/// One frame for each time that it is asked, with the milliseconds that are left.
struct Telling(u32);

impl Body for Telling {
    type Data = Bytes;
    type Error = Infallible;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        _: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, Infallible>>> {
        if self.0 == 0 {
            return Poll::Ready(None);
        }
        self.0 -= 1;
        let left = time_left().map(|left| left.as_millis());
        Poll::Ready(Some(Ok(Frame::data(format!("{left:?}").into()))))
    }
}

#[tokio::test(start_paused = true)]
async fn a_body_knows_the_time_as_it_streams() {
    let handler = service_fn(async |_: Request<()>| Ok::<_, Infallible>(Response::new(Telling(2))));
    let service = admission().layer().deadline(SECOND).layer(handler);
    let response = service.oneshot(Request::new(())).await.expect("it is infallible");
    let mut body = response.into_body();
    for expected in ["Some(1000)", "Some(600)"] {
        let frame = body.frame().await.expect("there is one").expect("it is infallible");
        assert_eq!(frame.into_data().expect("it is data"), expected);
        advance(400 * MS).await;
    }
}

/// Takes a connection of a pool that has none, for a request of 100 ms.
async fn check_out(db: &Database, status: StatusCode) -> (Duration, Response<impl Sized>) {
    let since = tokio::time::Instant::now();
    let handler = service_fn(async |_: Request<()>| {
        let waiting = db.checkout(pending::<Result<(), io::Error>>());
        let error = waiting.await.expect_err("there is none");
        assert!(matches!(error, CheckoutError::Refused(_)), "{error}");
        let mut response = Response::new(Empty::<Bytes>::new());
        *response.status_mut() = status;
        Ok::<_, Infallible>(response)
    });
    let service = protecting(db).layer().deadline(100 * MS).layer(handler);
    let response = service.oneshot(Request::new(())).await.expect("it is infallible");
    (since.elapsed(), response)
}

#[tokio::test(start_paused = true)]
async fn the_wait_for_a_connection_ends_at_the_deadline() {
    let db = Database::new("shop");
    let (took, response) = check_out(&db, StatusCode::INTERNAL_SERVER_ERROR).await;
    assert_eq!((took, response.status()), (100 * MS, StatusCode::SERVICE_UNAVAILABLE));
    assert_eq!(reason(&response), Some(Reason::Deadline));
    let (_, response) = check_out(&db, StatusCode::OK).await;
    assert_eq!(reason(&response), None, "the handler did without");
    let snapshot = db.snapshot();
    assert_eq!((snapshot.in_flight, snapshot.cancelled, snapshot.overloads), (0, 2, 0));
}

#[tokio::test(start_paused = true)]
async fn past_the_deadline_no_connection_is_asked_for() {
    let db = Database::new("shop");
    let handler = service_fn(async |_: Request<()>| {
        sleep(SECOND).await;
        let connect = poll_fn(|_| -> Poll<Result<(), io::Error>> { panic!("the pool was asked") });
        db.checkout(connect).await.expect_err("it is too late");
        Ok::<_, Infallible>(Response::new(Empty::<Bytes>::new()))
    });
    let service = protecting(&db).layer().deadline(100 * MS).layer(handler);
    service.oneshot(Request::new(())).await.expect("it is infallible");
    assert_eq!(db.snapshot().cancelled, 0);
}

#[tokio::test(start_paused = true)]
async fn a_service_that_speaks_no_http_has_deadlines_too() {
    let layer = admission().layer().refuse_with_error();
    let layer = layer.deadline(|call: &(u64, &str)| Some(Duration::from_millis(call.0)));
    let service = layer.layer(service_fn(async |_: (u64, &str)| Ok::<_, BoxError>(time_left())));
    let answer = service.clone().oneshot((250, "take")).await.expect("there is time");
    assert_eq!(answer, Some(250 * MS));
    let error = service.oneshot((0, "take")).await.expect_err("there is none");
    let rejection = error.downcast_ref::<Rejection>().expect("it is a refusal");
    assert_eq!(rejection.reason(), Reason::Deadline);
}

#[cfg(feature = "axum")]
#[tokio::test(start_paused = true)]
async fn a_handler_of_axum_knows_the_time() {
    use axum::{Router, body, routing::get};

    let app: Router = Router::new()
        .route("/", get(async || format!("{:?}", time_left())))
        .layer(admission().layer().deadline(Timeout::seconds(NAME).at_most(SECOND)));
    let request = in_seconds("9").map(|()| body::Body::empty());
    let response = app.clone().oneshot(request).await.expect("it is infallible");
    let text = body::to_bytes(response.into_body(), 99).await.expect("it is short");
    assert_eq!(text, "Some(1s)");
    let request = in_seconds("0").map(|()| body::Body::empty());
    let response = app.oneshot(request).await.expect("it is infallible");
    assert_eq!(response.status(), StatusCode::SERVICE_UNAVAILABLE);
}
