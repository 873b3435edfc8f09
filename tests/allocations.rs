//! What the decision on a request takes of the heap: nothing.

#![cfg(feature = "http")]

use std::{
    convert::Infallible,
    future::{Future, ready},
    pin::pin,
    task::{Context, Poll, Waker},
    time::Duration,
};

use allocation_counter::measure;
use brownout::{
    Admission, AdmissionBuilder, CircuitBreakerLayer, Class, Classify, Database, Entry, Gate,
    Outcome, Priority, Quota, RateLimit, Route, TimeoutOf,
    http::{Propagated, Timeout},
};
use http::{HeaderName, Request, Response, StatusCode};
use tokio::time::Instant;
use tower::{BoxError, Layer, Service, service_fn};

#[test]
fn a_rate_check_allocates_nothing_whatever_it_decides() {
    let one = RateLimit::new(Quota::per_day(1));
    let three = one.clone().and(Quota::per_hour(1)).and(Quota::per_minute(1));
    let now = Instant::now().into_std();
    for limit in [one.clone(), three.clone(), one.per_key(), three.per_key()] {
        let gate = limit.gate().expect("it is valid");
        let client = Class::default().key("client");
        // What a thread sets up for itself when it comes for the first time.
        let _ = gate.enter(&Class::default().key("another").cells(0), now);
        let mut entry = None;
        let admitted = measure(|| entry = Some(gate.enter(&client, now)));
        assert!(matches!(entry, Some(Entry::Admitted(_))), "and the key is new");
        assert_eq!(admitted.count_total, 0);
        let refused = measure(|| entry = Some(gate.enter(&client, now)));
        assert!(matches!(entry, Some(Entry::Refused(_))));
        assert_eq!(refused.count_total, 0);
    }
}

#[test]
fn a_request_with_its_queries_allocates_nothing_before_its_answer() {
    let databases = [Database::new("shop"), Database::new("stock")];
    let quota = Quota::per_second(1_000_000);
    let builder = databases.iter().fold(Admission::builder(), AdmissionBuilder::protect);
    let admission = builder.rate(RateLimit::new(quota)).build().expect("it is valid");
    let route = Route::named("allocations: a page");
    let inner = service_fn(move |(): ()| {
        databases.iter().for_each(|db| db.record(Duration::from_millis(1), Outcome::Success));
        ready(Ok::<_, BoxError>(()))
    });
    let layer = admission.layer().refuse_with_error().classify(Class::default().route(route));
    let mut service = layer.layer(inner);
    let mut call = || {
        let mut answer = pin!(service.call(()));
        let polled = answer.as_mut().poll(&mut Context::from_waker(Waker::noop()));
        assert!(matches!(polled, Poll::Ready(Ok(()))));
    };
    // What the thread and the tables set up when they are used for the first time.
    call();
    assert_eq!(measure(call).count_total, 0);
}

/// Two pieces for its headers, and three for its extensions, which hold the rejection.
#[test]
fn what_was_told_before_is_told_again_with_five_pieces_of_the_heap() {
    let limit = RateLimit::new(Quota::per_hour(1)).and(Quota::per_day(1));
    let quota = limit.layer().expect("it is valid");
    let circuit = CircuitBreakerLayer::protecting(&Database::new("shop"));
    circuit.gate().force_open();
    let statuses = [refused(quota.layer(page())), refused(circuit.layer(page()))];
    assert_eq!(statuses, [StatusCode::TOO_MANY_REQUESTS, StatusCode::SERVICE_UNAVAILABLE]);
}

fn page() -> impl Service<Request<()>, Response = Response<String>, Error = Infallible> + Clone {
    service_fn(|_| ready(Ok(Response::new(String::new()))))
}

/// Calls it until it has told all it has to say, and then once more.
fn refused<S, B>(mut service: S) -> StatusCode
where
    S: Service<Request<()>, Response = Response<B>, Error = Infallible>,
{
    let mut status = StatusCode::OK;
    let mut call = || {
        let mut answer = pin!(service.call(Request::new(())));
        match answer.as_mut().poll(&mut Context::from_waker(Waker::noop())) {
            Poll::Ready(Ok(answer)) => status = answer.status(),
            Poll::Ready(Err(never)) => match never {},
            Poll::Pending => panic!("nobody waits"),
        }
    };
    // Load is told with another wait each time, of a few seconds.
    (0..20).for_each(|_| call());
    assert_eq!(measure(call).count_total, 5);
    status
}

#[test]
fn a_timeout_is_read_without_the_heap_whatever_is_sent() {
    const NAME: HeaderName = HeaderName::from_static("grpc-timeout");
    for timeout in [Timeout::grpc(), Timeout::seconds(NAME), Timeout::milliseconds(NAME)] {
        for value in ["100m", "2.5", "250", "soon", "99999999999999999999999999999"] {
            let request = Request::get("/").header(NAME, value).body(()).expect("it is valid");
            let read = measure(|| {
                let _ = timeout.timeout(&request);
            });
            assert_eq!(read.count_total, 0, "{value}");
        }
    }
}

#[test]
fn a_priority_is_read_without_the_heap_whatever_is_sent() {
    let long = "a=%62ulk;p,".repeat(700) + "brownout.priority=%62ulk";
    let propagated = Propagated::new().trusting(["10.0.0.0/8"]).expect("it is a network");
    for (header, baggage, priority) in [
        ("bulk", "", Priority::Bulk),
        ("urgent, bulk", "", Priority::Bulk),
        ("urgent", "a=1,brownout.priority=bulk;p", Priority::Bulk),
        ("", &long, Priority::Bulk),
        ("critical", "brownout.priority=", Priority::Normal),
    ] {
        let request = Request::get("/").header("x-request-priority", header);
        let request = request.header("baggage", baggage).body(()).expect("it is valid");
        let mut class = Class::default();
        let read = measure(|| class = propagated.classify(&request));
        assert_eq!((class.priority, read.count_total), (priority, 0), "{header} {baggage}");
    }
}
