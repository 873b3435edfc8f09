//! The priority of a request, and what is left of its time, in the calls that it makes.

#![cfg(feature = "http")]

mod support;

use std::{
    convert::Infallible,
    future::{Ready, ready},
    net::SocketAddr,
    pin::Pin,
    task::{Context, Poll},
    time::Duration,
};

use brownout::{
    Admission, Class, Classify, ConcurrencyLimit, Priority, attributed,
    http::{Propagate, Propagated, Timeout, key::PeerAddr},
    limit::Fixed,
    time_left,
};
use bytes::Bytes;
use http::{HeaderMap, HeaderName, HeaderValue, Request, Response};
use http_body::{Body, Frame};
use http_body_util::{BodyExt, Empty};
use support::{
    MS, SECOND,
    controlled::{admitted, behind, launch},
};
use tokio::time::sleep;
use tower::{Layer, Service, ServiceExt, service_fn};

const PRIORITY: HeaderName = HeaderName::from_static("x-request-priority");
const BAGGAGE: HeaderName = HeaderName::from_static("baggage");
const TIMEOUT: HeaderName = HeaderName::from_static("grpc-timeout");

fn admission() -> Admission {
    let limit = ConcurrencyLimit::new().algorithm(Fixed::new(1)).queue(9).max_wait(SECOND);
    Admission::builder().concurrency(limit).build().expect("it is valid")
}

/// Answers with the headers that it gets, once it is ready.
#[derive(Default)]
struct Echo {
    ready: bool,
}

// Readiness belongs to one clone.
impl Clone for Echo {
    fn clone(&self) -> Self {
        Self::default()
    }
}

impl Service<Request<()>> for Echo {
    type Response = HeaderMap;
    type Error = Infallible;
    type Future = Ready<Result<HeaderMap, Infallible>>;

    fn poll_ready(&mut self, _: &mut Context<'_>) -> Poll<Result<(), Infallible>> {
        self.ready = true;
        Poll::Ready(Ok(()))
    }

    fn call(&mut self, request: Request<()>) -> Self::Future {
        assert!(self.ready, "called without having been polled ready");
        ready(Ok(request.into_parts().0.headers))
    }
}

fn request(headers: &[(HeaderName, &str)]) -> Request<()> {
    let mut request = Request::new(());
    for (name, value) in headers {
        request.headers_mut().append(name, value.parse().expect("it is valid"));
    }
    request
}

/// What a call comes with that is made with these headers.
async fn called(propagate: Propagate, headers: &[(HeaderName, &str)]) -> HeaderMap {
    propagate.layer(Echo::default()).oneshot(request(headers)).await.expect("it is infallible")
}

/// What `inside` gives in the middle of a request of this class.
async fn within<T>(class: Class, inside: impl AsyncFn() -> T) -> T {
    let given = std::cell::RefCell::new(None);
    let handler = service_fn(async |_: Request<()>| {
        let own = inside().await;
        given.replace(Some(own));
        Ok::<_, Infallible>(Response::new(Empty::<Bytes>::new()))
    });
    let service = admission().layer().classify(class).layer(handler);
    service.oneshot(Request::new(())).await.expect("it is infallible");
    given.take().expect("it was inside")
}

fn lines<'h>(headers: &'h HeaderMap, name: &HeaderName) -> Vec<&'h str> {
    let lines = headers.get_all(name).iter();
    lines.map(|line: &HeaderValue| line.to_str().expect("it is text")).collect()
}

#[tokio::test(start_paused = true)]
async fn a_call_tells_the_priority_of_the_request_for_which_it_is_made() {
    for priority in Priority::ALL {
        let headers =
            within(Class::new(priority), async || called(Propagate::new(), &[]).await).await;
        assert_eq!(lines(&headers, &PRIORITY), [priority.as_str()]);
        assert_eq!(lines(&headers, &BAGGAGE), [format!("brownout.priority={priority}")]);
        let mut call = Request::new(());
        *call.headers_mut() = headers;
        let there = Propagated::new().trusting_all();
        assert_eq!(there.classify(&call).priority, priority);
    }
}

#[tokio::test(start_paused = true)]
async fn names_are_what_both_ends_agree_on() {
    let name = HeaderName::from_static("criticality");
    let propagate = Propagate::new().header(name.clone()).baggage_key("shop.priority");
    let propagate = propagate.expect("it is a token");
    let bulk = Class::new(Priority::Bulk);
    let headers = within(bulk, async || called(propagate.clone(), &[]).await).await;
    assert_eq!(lines(&headers, &name), ["bulk"]);
    assert_eq!(lines(&headers, &BAGGAGE), ["shop.priority=bulk"]);
    assert!(!headers.contains_key(PRIORITY));
    let propagate = propagate.without_baggage();
    let headers = within(bulk, async || called(propagate.clone(), &[]).await).await;
    assert_eq!(headers.len(), 1);
}

#[tokio::test(start_paused = true)]
async fn outside_of_a_request_and_in_an_exempt_one_nothing_is_changed() {
    let propagate = || Propagate::new().deadline(Timeout::grpc().otherwise(SECOND));
    let own = [(PRIORITY, "critical"), (BAGGAGE, "a=1"), (TIMEOUT, "9S")];
    let expected = request(&own).into_parts().0.headers;
    assert_eq!(called(propagate(), &own).await, expected);
    assert_eq!(Priority::current(), None);
    let exempt = async || {
        assert_eq!(Priority::current(), None);
        (called(propagate(), &own).await, called(propagate(), &[]).await)
    };
    assert_eq!(within(Class::exempt(), exempt).await, (expected.clone(), HeaderMap::new()));
    let job = attributed(async { called(propagate(), &own).await });
    assert_eq!(job.await, expected, "it is no part of a request");
}

#[tokio::test(start_paused = true)]
async fn a_header_that_is_there_may_make_a_call_less_important_and_never_more() {
    let sheddable = Class::new(Priority::Sheddable);
    for (own, told) in [
        (&["critical"][..], "sheddable"),
        (&["bulk"], "bulk"),
        (&["critical", "bulk"], "bulk"),
        (&["urgent"], "sheddable"),
    ] {
        let own: Vec<_> = own.iter().map(|own| (PRIORITY, *own)).collect();
        let headers = within(sheddable, async || called(Propagate::new(), &own).await).await;
        assert_eq!(lines(&headers, &PRIORITY), [told], "{own:?}");
        assert_eq!(lines(&headers, &BAGGAGE), [format!("brownout.priority={told}")], "{own:?}");
    }
}

#[tokio::test(start_paused = true)]
async fn other_baggage_stays_and_what_was_carried_here_is_written_anew() {
    let carried = [
        (BAGGAGE, "userId=alice, brownout.priority=critical;p"),
        (BAGGAGE, "serverNode=DF%2028;x=y"),
    ];
    let bulk = Class::new(Priority::Bulk);
    let headers = within(bulk, async || called(Propagate::new(), &carried).await).await;
    let expected = "userId=alice,serverNode=DF%2028;x=y,brownout.priority=bulk";
    assert_eq!(lines(&headers, &BAGGAGE), [expected]);
}

#[tokio::test(start_paused = true)]
async fn a_task_tells_if_it_is_told_for_whom_it_works() {
    let spawned = async || {
        let call = || called(Propagate::new(), &[]);
        let own = tokio::spawn(attributed(call()));
        (own.await.expect("it ends"), tokio::spawn(call()).await.expect("it ends"))
    };
    let (own, alone) = within(Class::new(Priority::Critical), spawned).await;
    assert_eq!(lines(&own, &PRIORITY), ["critical"]);
    assert!(alone.is_empty());
}

/// One frame, with what a call would tell as it is streamed.
struct Telling(bool);

impl Body for Telling {
    type Data = Bytes;
    type Error = Infallible;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        _: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, Infallible>>> {
        let mut headers = HeaderMap::new();
        Propagate::new().write(&mut headers);
        let told = headers.remove(PRIORITY).map(|told| Bytes::copy_from_slice(told.as_bytes()));
        let is_last = std::mem::replace(&mut self.0, true);
        Poll::Ready((!is_last).then(|| Ok(Frame::data(told.unwrap_or_default()))))
    }
}

#[tokio::test(start_paused = true)]
async fn a_call_tells_as_a_body_streams() {
    let handler =
        service_fn(async |_: Request<()>| Ok::<_, Infallible>(Response::new(Telling(false))));
    let service = admission().layer().priority(Priority::Sheddable).layer(handler);
    let response = service.oneshot(Request::new(())).await.expect("it is infallible");
    let body = response.into_body().collect().await.expect("it is infallible");
    assert_eq!(body.to_bytes(), "sheddable");
}

#[tokio::test(start_paused = true)]
async fn a_call_has_the_time_that_is_left_and_no_more_than_it_asks_for() {
    let deadline = (tokio::time::Instant::now() + SECOND).into_std();
    let later = async |propagate: Propagate, own: &'static str| {
        sleep(10 * MS).await;
        called(propagate, &[(TIMEOUT, own)]).await[TIMEOUT].clone()
    };
    let grpc = || Propagate::new().deadline(Timeout::grpc());
    let class = Class::default().deadline(deadline);
    let told = within(class, async || {
        let bounded = Propagate::new().deadline(Timeout::grpc().at_most(500 * MS));
        [
            later(grpc(), "9S").await,
            later(grpc(), "").await,
            later(grpc(), "7m").await,
            later(bounded, "9S").await,
        ]
    });
    assert_eq!(told.await, ["990000u", "980000u", "7m", "500000u"]);
    let endless = within(Class::default(), async || {
        let bounded = Propagate::new().deadline(Timeout::grpc().otherwise(500 * MS));
        (later(grpc(), "9S").await, later(bounded, "").await)
    });
    assert_eq!(
        endless.await,
        (HeaderValue::from_static("9S"), HeaderValue::from_static("500000u"))
    );
}

/// What a service of this priority finds of a request 100 ms after it came, and what it tells
/// the one behind it.
async fn hop(
    priority: Priority,
    propagated: Propagated,
    headers: HeaderMap,
) -> ((Option<Priority>, Option<Duration>), HeaderMap) {
    let handler = service_fn(async |_: Request<()>| {
        sleep(100 * MS).await;
        let mut response = Response::new(Empty::<Bytes>::new());
        Propagate::new().deadline(Timeout::grpc()).write(response.headers_mut());
        response.extensions_mut().insert((Priority::current(), time_left()));
        Ok::<_, Infallible>(response)
    });
    let layer = admission().layer().priority(priority).propagated(propagated);
    let service = layer.deadline(Timeout::grpc().otherwise(SECOND)).layer(handler);
    let mut request = Request::new(());
    *request.headers_mut() = headers;
    let response = service.oneshot(request).await.expect("it is infallible");
    let found = *response.extensions().get().expect("it is told");
    (found, response.into_parts().0.headers)
}

#[tokio::test(start_paused = true)]
async fn a_call_tree_keeps_the_priority_of_its_root_and_has_ever_less_time() {
    let ours = || Propagated::new().trusting_all();
    let (found, told) = hop(Priority::Critical, Propagated::new(), HeaderMap::new()).await;
    assert_eq!(found, (Some(Priority::Critical), Some(900 * MS)));
    let (found, told) = hop(Priority::Bulk, ours(), told).await;
    assert_eq!(found, (Some(Priority::Critical), Some(800 * MS)));
    // The header is lost on the way, and the baggage is carried on.
    let told = told.into_iter().filter_map(|(name, value)| Some((name?, value)));
    let told = told.filter(|(name, _)| *name != PRIORITY).collect();
    let (found, told) = hop(Priority::Bulk, ours(), told).await;
    assert_eq!(found, (Some(Priority::Critical), Some(700 * MS)));
    // To somebody else's service it is a wish like any other.
    let (found, _) = hop(Priority::Bulk, Propagated::new(), told).await;
    assert_eq!(found, (Some(Priority::Bulk), Some(600 * MS)));
}

#[tokio::test(start_paused = true)]
async fn an_admission_around_a_client_takes_the_priority_from_the_call() {
    let around = admission().layer().propagated(Propagated::new().trusting_all());
    let inside = service_fn(async |request: Request<()>| {
        assert_eq!(Priority::current(), Some(Priority::Critical));
        let mut response = Response::new(Empty::<Bytes>::new());
        *response.headers_mut() = request.into_parts().0.headers;
        Ok::<_, Infallible>(response)
    });
    let client = Propagate::new().layer(around.layer(inside));
    let call = async || client.clone().oneshot(Request::new(())).await.expect("it is infallible");
    let response = within(Class::new(Priority::Critical), call).await;
    assert_eq!(lines(response.headers(), &PRIORITY), ["critical"]);
}

#[tokio::test(start_paused = true)]
async fn who_is_trusted_goes_before_others_and_a_made_up_header_does_not() {
    let propagated = Propagated::new().trusting(["10.0.0.0/8"]).expect("it is a network");
    let (service, mut inside) = behind(&admission().layer().propagated(propagated));
    let from = |peer: [u8; 4], told: &str| {
        let mut request = request(&[(PRIORITY, told)]);
        *request.uri_mut() = format!("/{}/{told}", peer[0]).parse().expect("it is valid");
        request.extensions_mut().insert(PeerAddr(SocketAddr::from((peer, 443))));
        request
    };
    let holding = admitted(&service, &mut inside);
    let (ours, outside) = ([10, 0, 0, 1], [192, 0, 2, 1]);
    let mut waiting = vec![
        launch(&service, from(outside, "bulk")),
        launch(&service, from(outside, "critical")),
        launch(&service, from(ours, "sheddable")),
        launch(&service, from(ours, "critical")),
    ];
    drop(holding);
    let mut order = Vec::new();
    while !waiting.is_empty() {
        let next = waiting.iter().position(|flight| flight.is_woken()).expect("one is let in");
        assert!(waiting[next].poll().is_pending());
        order.push(inside.arrived().expect("it has come in").0.uri().path().to_owned());
        drop(waiting.remove(next));
    }
    assert_eq!(order, ["/10/critical", "/192/critical", "/10/sheddable", "/192/bulk"]);
}
