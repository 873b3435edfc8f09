//! How long a body that is sent holds its permit, where that is bounded.

#![cfg(feature = "http")]

mod support;

use std::{
    convert::Infallible,
    pin::Pin,
    task::{Context, Poll},
    time::Duration,
};

use brownout::{
    Admission, Class, ConcurrencyGate, ConcurrencyLimit, ConcurrencyLimitLayer, Database, Route,
    http::BodyWithin, limit::Fixed,
};
use bytes::Bytes;
use http::{Request, Response};
use http_body::{Body, Frame};
use http_body_util::{BodyExt, Empty};
use support::{
    MS, SECOND,
    chunks::Chunks,
    export::Export,
    tcp::{self, Client},
    within_a_minute,
};
use tokio::{sync::mpsc, time::sleep};
use tower::{Layer, ServiceExt, service_fn};

type Bounded = ConcurrencyLimitLayer<Class, BodyWithin<brownout::Http>>;

fn layer(limit: usize, within: Duration) -> Bounded {
    let settings = ConcurrencyLimit::new().algorithm(Fixed::new(limit)).queue(0);
    settings.layer().expect("it is valid").body_within(within)
}

/// The answer to a request whose handler sends what comes by the channel.
async fn streaming(
    layer: &Bounded,
) -> (mpsc::UnboundedSender<Bytes>, Response<impl Body<Data = Bytes> + use<>>) {
    let (chunks, body) = Chunks::channel();
    let body = std::sync::Arc::new(std::sync::Mutex::new(Some(body)));
    let handler = service_fn(move |_: Request<()>| {
        let body = body.lock().expect("nobody panicked").take().expect("it is called once");
        async { Ok::<_, Infallible>(Response::new(body)) }
    });
    let response = layer.layer(handler).oneshot(Request::new(())).await;
    (chunks, response.expect("it is infallible"))
}

fn in_flight(layer: &Bounded) -> usize {
    layer.gate().in_flight()
}

#[tokio::test(start_paused = true)]
async fn a_body_that_nobody_reads_gives_its_permit_back_in_time_and_goes_on() {
    let layer = layer(1, 5 * SECOND);
    let (chunks, response) = streaming(&layer).await;
    sleep(5 * SECOND - MS).await;
    assert_eq!(in_flight(&layer), 1);
    sleep(2 * MS).await;
    assert_eq!(in_flight(&layer), 0);
    chunks.send(Bytes::from_static(b"late")).expect("the body is there");
    drop(chunks);
    let body = response.into_body().collect().await;
    assert_eq!(body.ok().expect("it is whole").to_bytes(), "late");
    assert_eq!(in_flight(&layer), 0);
}

#[tokio::test(start_paused = true)]
async fn a_body_that_ends_in_time_gives_back_its_own_permit_once() {
    let layer = layer(2, 5 * SECOND);
    let (chunks, first) = streaming(&layer).await;
    drop(chunks);
    sleep(4 * SECOND).await;
    drop(first.into_body().collect().await);
    assert_eq!(in_flight(&layer), 0);
    let (_chunks, _second) = streaming(&layer).await;
    // The time of the first is over, and that of the second is not.
    sleep(2 * SECOND).await;
    assert_eq!(in_flight(&layer), 1);
    sleep(4 * SECOND).await;
    assert_eq!(in_flight(&layer), 0);
}

#[tokio::test(start_paused = true)]
async fn a_body_that_is_dropped_gives_its_permit_back_at_once_and_only_once() {
    let layer = layer(2, 5 * SECOND);
    let (_chunks, dropped) = streaming(&layer).await;
    let (_more, _kept) = streaming(&layer).await;
    assert_eq!(in_flight(&layer), 2);
    drop(dropped);
    assert_eq!(in_flight(&layer), 1);
    sleep(6 * SECOND).await;
    let (_chunks, late) = streaming(&layer).await;
    assert_eq!(in_flight(&layer), 1);
    drop(late);
    assert_eq!(in_flight(&layer), 0);
}

#[tokio::test(start_paused = true)]
async fn who_waits_gets_the_place_that_a_slow_body_gave_back() {
    let settings = ConcurrencyLimit::new().algorithm(Fixed::new(1)).queue(1).max_wait(SECOND);
    let layer = settings.layer().expect("it is valid").body_within(500 * MS);
    let (_chunks, _slow) = streaming(&layer).await;
    let waited = tokio::time::Instant::now();
    assert!(layer.gate().acquire(&Class::default()).await.is_ok());
    assert!((500 * MS..502 * MS).contains(&waited.elapsed()), "{:?}", waited.elapsed());
}

#[tokio::test(start_paused = true)]
async fn a_bound_of_nothing_ends_it_with_the_head() {
    let layer = layer(1, Duration::ZERO);
    let (_chunks, _response) = streaming(&layer).await;
    sleep(2 * MS).await;
    assert_eq!(in_flight(&layer), 0);
}

#[tokio::test(start_paused = true)]
async fn an_empty_body_holds_nothing_and_a_refusal_is_none() {
    let layer = layer(1, 5 * SECOND);
    let handler = service_fn(async |_: Request<()>| {
        Ok::<_, Infallible>(Response::new(Empty::<Bytes>::new()))
    });
    let service = layer.layer(handler);
    let response = service.clone().oneshot(Request::new(())).await.expect("it is infallible");
    assert_eq!((response.status().as_u16(), in_flight(&layer)), (200, 0));
    let _held = layer.gate().acquire(&Class::default()).await.expect("there is room");
    let refused = service.oneshot(Request::new(())).await.expect("it is infallible");
    assert_eq!((refused.status().as_u16(), in_flight(&layer)), (503, 1));
}

/// Requests and queries of a route whose bodies ask ten times for 10 ms each, and are to give their
/// permits back in this time.
async fn counted_for_its_route(within: Duration) -> (u64, f64) {
    let db = Database::new("shop");
    let admission = Admission::builder().protect(&db).build().expect("it is valid");
    let class = Class::default().route(Route::named("slow export"));
    let own = db.clone();
    let handler = service_fn(move |_: Request<()>| {
        let export = Export::new(10, 10 * MS, &own);
        async { Ok::<_, Infallible>(Response::new(export)) }
    });
    let service = admission.layer().body_within(within).classify(class).layer(handler);
    for _ in 0..10 {
        let response = service.clone().oneshot(Request::new(())).await.expect("it is infallible");
        let body = tokio::spawn(response.into_body().collect());
        sleep(50 * MS).await;
        let expected = usize::from(within > 50 * MS);
        assert_eq!(admission.snapshot().in_flight, expected);
        body.await.expect("it does not panic").expect("it is whole");
    }
    let routes = db.report().routes;
    let export = routes.iter().find(|own| &*own.route == "slow export").expect("it is known");
    (export.requests, export.queries)
}

#[tokio::test(start_paused = true)]
async fn what_a_body_asks_after_its_time_still_counts_for_its_route() {
    let unbounded = counted_for_its_route(3_600 * SECOND).await;
    let bounded = counted_for_its_route(15 * MS).await;
    assert_eq!(bounded, unbounded);
    assert!(bounded.0 == 10 && bounded.1 > 8.0, "{bounded:?}");
}

/// A client over a connection that asks and reads nothing at all: nobody polls the body
/// then, whatever timeout it has inside.
#[tokio::test(flavor = "multi_thread")]
async fn a_client_that_does_not_read_holds_no_place_for_longer() {
    let layer = layer(1, 100 * MS);
    let gate: ConcurrencyGate = layer.gate().clone();
    let handler = service_fn(async |_: Request<hyper::body::Incoming>| {
        Ok::<_, Infallible>(Response::new(Endless))
    });
    let service = layer.layer(handler);
    let address = tcp::serve(move |_| service.clone()).await;
    let mut client = Client::connect(address).await;
    let response = client.get("/").await;
    within_a_minute(async {
        while gate.in_flight() > 0 {
            sleep(MS).await;
        }
    })
    .await;
    let mut other = Client::connect(address).await;
    assert_eq!(other.get("/").await.status().as_u16(), 200);
    drop(response);
}

/// Never waits for anything but its reader.
struct Endless;

impl Body for Endless {
    type Data = Bytes;
    type Error = Infallible;

    fn poll_frame(
        self: Pin<&mut Self>,
        _cx: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, Infallible>>> {
        Poll::Ready(Some(Ok(Frame::data(Bytes::from_static(&[b'.'; 16 * 1_024])))))
    }
}
