//! What a service makes of requests that were tried before.

use brownout::{
    Admission, AdmissionLayer, Class, ConcurrencyLimit, Reason, Rejection, WithRetries,
    http::Attempt, limit::Fixed,
};
use bytes::Bytes;
use http::{Request, Response, StatusCode, header};
use http_body_util::Full;
use tokio_test::assert_ready;
use tower::{Layer, ServiceExt, service_fn};

use crate::support::{
    controlled::{Flight, Gated, Page, admitted, behind, get, launch, page, refused},
    on_paused_time,
};

type Retried = AdmissionLayer<WithRetries<Class, Attempt>>;

fn admission(limit: usize, queue: usize) -> Admission {
    let limit = ConcurrencyLimit::new().algorithm(Fixed::new(limit)).queue(queue);
    Admission::builder().concurrency(limit).build().expect("it is valid")
}

fn layer(admission: &Admission) -> Retried {
    admission.layer().retries(Attempt::default())
}

fn again(path: &str) -> Request<()> {
    Request::get(path).header("x-retry-attempt", 1).body(()).expect("it is valid")
}

fn rejection<B>(response: &Response<B>) -> Rejection {
    response.extensions().get::<Rejection>().expect("it is refused").clone()
}

fn reason<S, B>(flight: &mut Flight<S>) -> Reason
where
    S: Gated<Response = Response<B>>,
{
    let answer = assert_ready!(flight.poll()).map_err(|_| "an error");
    rejection(&answer.expect("a refusal is no error")).reason()
}

#[tokio::test(start_paused = true)]
async fn a_first_try_takes_the_place_of_a_retry_and_a_retry_nobodys() {
    let (service, mut inside) = behind(&layer(&admission(1, 1)));
    let holding = admitted(&service, &mut inside);
    let mut retry = launch(&service, again("/"));
    let mut first = launch(&service, get("/"));
    assert_eq!(reason(&mut retry), Reason::Evicted);
    assert_eq!(rejection(&refused(&service, again("/"))).reason(), Reason::QueueFull);
    holding.1.send_response(page(StatusCode::OK));
    let mut holding = holding.0;
    assert!(holding.poll().is_ready());
    assert!(first.is_woken() && first.poll().is_pending(), "it goes on");
    drop(inside.take());
}

#[tokio::test(start_paused = true)]
async fn a_first_try_that_came_later_goes_first() {
    let (service, mut inside) = behind(&layer(&admission(1, 9)));
    let holding = admitted(&service, &mut inside);
    let mut waiting = [again("/again"), get("/first"), again("/again"), get("/first")]
        .map(|request| launch(&service, request));
    drop(holding);
    let mut order = Vec::new();
    while order.len() < 4 {
        let next = waiting.iter_mut().find(|flight| flight.is_woken()).expect("one goes on");
        assert!(next.poll().is_pending());
        let (request, answer) = inside.arrived().expect("it is inside");
        order.push(request.uri().path().to_owned());
        answer.send_response(page(StatusCode::OK));
        assert!(next.poll().is_ready());
    }
    assert_eq!(order, ["/first", "/first", "/again", "/again"]);
}

#[tokio::test(start_paused = true)]
async fn without_a_queue_the_last_places_are_for_first_tries() {
    let (service, mut inside) = behind(&layer(&admission(10, 0)));
    inside.allow(20);
    let _retries: Vec<_> = (0..9).map(|_| launch(&service, again("/"))).collect();
    assert_eq!(rejection(&refused(&service, again("/"))).reason(), Reason::QueueFull);
    let _first = launch(&service, get("/"));
    assert_eq!(rejection(&refused(&service, get("/"))).reason(), Reason::QueueFull);
}

#[tokio::test(start_paused = true)]
async fn while_many_are_retries_they_are_told_not_to_come_back_and_first_tries_are_not() {
    let admission = admission(1, 0);
    let (service, mut inside) = behind(&layer(&admission));
    let _holding = admitted(&service, &mut inside);
    let refuse = |request| {
        let response = refused(&service, request);
        let told = response.headers().get("x-should-retry").cloned();
        (rejection(&response).is_final(), told)
    };
    for _ in 0..40 {
        assert_eq!(refuse(get("/")), (false, None));
    }
    for _ in 0..10 {
        assert_eq!(refuse(again("/")), (false, None), "a fifth are not many");
    }
    assert_eq!(refuse(again("/")), (true, Some("false".parse().expect("it is plain"))));
    assert_eq!(refuse(get("/")), (false, None));
    let grpc = Request::post("/shop.Stock/Take")
        .header(header::CONTENT_TYPE, "application/grpc")
        .header("x-retry-attempt", 1);
    let response = refused(&service, grpc.body(()).expect("it is valid"));
    assert_eq!(response.headers()["grpc-retry-pushback-ms"], "-1");
    assert_eq!(admission.snapshot().retries, 12);
}

#[tokio::test(start_paused = true)]
async fn those_refused_at_once_are_spread_over_whole_seconds_and_milliseconds() {
    let (service, mut inside) = behind(&layer(&admission(1, 0)));
    let _holding = admitted(&service, &mut inside);
    let mut told: Vec<_> = (0..100)
        .map(|_| refused(&service, get("/")).headers()[header::RETRY_AFTER].clone())
        .collect();
    told.sort();
    let half = told.iter().filter(|seconds| *seconds == "2").count();
    assert!((told[0] == "2") && (told[99] == "3") && (30..70).contains(&half), "{told:?}");
}

/// Whatever comes, as many are admitted as without anybody knowing of retries, and no retry is
/// while a first try of the same priority is refused at the same time.
#[test]
fn no_retry_is_served_in_the_place_of_a_first_try() {
    use proptest::prelude::*;

    let arrivals = prop::collection::vec(any::<bool>(), 1..40);
    proptest!(ProptestConfig::with_cases(64), |(arrivals in arrivals, queue in 1..10_usize)| {
        let served = on_paused_time(served(&arrivals, queue));
        let first = arrivals.iter().filter(|is_retry| !**is_retry).count();
        let admitted = served.iter().filter(|(_, served)| *served).count();
        // One is served at once, whatever it is; then those who wait go on, first tries first.
        prop_assert_eq!(admitted, arrivals.len().min(1 + queue));
        let first_refused = served.iter().any(|(is_retry, served)| !is_retry && !served);
        let retries = served.iter().skip(1).filter(|(is_retry, served)| *is_retry && *served);
        prop_assert!(!first_refused || retries.count() == 0, "{served:?}");
        prop_assert!(first <= arrivals.len());
    });
}

/// All come at once to one place and a queue; who of them is served.
async fn served(arrivals: &[bool], queue: usize) -> Vec<(bool, bool)> {
    let slow = service_fn(async |_: Request<()>| {
        tokio::time::sleep(std::time::Duration::from_millis(1)).await;
        Ok::<Page, std::convert::Infallible>(Response::new(Full::<Bytes>::from("page")))
    });
    let service = layer(&admission(1, queue)).layer(slow);
    let calls = arrivals.iter().map(|is_retry| {
        let request = if *is_retry { again("/") } else { get("/") };
        (*is_retry, tokio_test::task::spawn(service.clone().oneshot(request)))
    });
    let mut calls: Vec<_> = calls.collect();
    let mut served = vec![None; calls.len()];
    while served.iter().any(Option::is_none) {
        for ((_, call), served) in calls.iter_mut().zip(&mut served) {
            if served.is_none()
                && let std::task::Poll::Ready(answer) = call.poll()
            {
                *served = Some(answer.expect("it is infallible").status() == StatusCode::OK);
            }
        }
        tokio::time::advance(std::time::Duration::from_millis(1)).await;
    }
    let is_retry = calls.iter().map(|(is_retry, _)| *is_retry);
    is_retry.zip(served.into_iter().flatten()).collect()
}
