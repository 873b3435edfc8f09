//! Services that do not speak HTTP.

#![cfg(feature = "http")]

mod support;

use std::rc::Rc;

use brownout::{
    Admission, CircuitBreakerLayer, Class, ConcurrencyLimit, ConcurrencyLimitLayer, Database,
    Gates, Quota, RateLimitLayer, Reason, Rejection, limit::Fixed,
};
use support::{careful::Careful, reserving::Reserving};
use tokio_test::{assert_pending, assert_ready_err, assert_ready_ok, task};
use tower::{
    BoxError, Layer, Service, ServiceBuilder, ServiceExt, service_fn, util::BoxCloneService,
};
use tower_test::{assert_request_eq, mock};

fn limit(limit: usize, queue: usize) -> ConcurrencyLimitLayer {
    let settings = ConcurrencyLimit::new().algorithm(Fixed::new(limit)).queue(queue);
    settings.layer().expect("it is valid")
}

#[tokio::test(start_paused = true)]
async fn a_refusal_is_an_error_that_downcasts() {
    let layer = limit(1, 0).refuse_with_error();
    let (mut service, mut handle) = mock::spawn_layer::<_, &str, _>(layer);
    assert_ready_ok!(service.poll_ready());
    let mut first = task::spawn(service.call("first"));
    assert_pending!(first.poll());
    assert_ready_ok!(service.poll_ready());
    let mut second = task::spawn(service.call("second"));
    let error = assert_ready_err!(second.poll());
    let rejection = error.downcast_ref::<Rejection>().expect("it is a rejection");
    assert_eq!(rejection.reason(), Reason::QueueFull);
    assert_request_eq!(handle, "first").send_response("answer");
    assert_eq!(assert_ready_ok!(first.poll()), "answer");
}

#[derive(Debug)]
enum Own {
    Busy(Reason),
    Broken,
}

impl From<Rejection> for Own {
    fn from(rejection: Rejection) -> Self {
        Self::Busy(rejection.reason())
    }
}

#[tokio::test(start_paused = true)]
async fn an_error_type_of_ones_own_takes_the_rejection() {
    let layer = RateLimitLayer::new(Quota::per_second(1)).expect("it is valid");
    let service = layer.refuse_with_error().layer(service_fn(|ok: bool| async move {
        if ok { Ok("answer") } else { Err(Own::Broken) }
    }));
    let answer = service.clone().oneshot(false).await;
    assert!(matches!(answer, Err(Own::Broken)), "the service's own errors pass: {answer:?}");
    let answer = service.oneshot(true).await;
    assert!(matches!(answer, Err(Own::Busy(Reason::Quota))), "{answer:?}");
}

#[tokio::test(start_paused = true)]
async fn layers_stack_in_a_service_builder_and_box() {
    let db = Database::new("shop");
    let concurrency = limit(1, 0);
    let service = ServiceBuilder::new()
        .layer(RateLimitLayer::new(Quota::per_second(2)).expect("it is valid").refuse_with_error())
        .layer(CircuitBreakerLayer::protecting(&db).refuse_with_error())
        .layer(concurrency.clone().refuse_with_error())
        .service(service_fn(|number: u32| async move { Ok::<_, BoxError>(number + 1) }));
    let boxed = BoxCloneService::new(service);
    assert_eq!(boxed.clone().oneshot(1).await.expect("there is room"), 2);
    let held = concurrency.gate().acquire(&Class::default()).await.expect("there is room");
    let reason = |error: BoxError| error.downcast_ref::<Rejection>().map(Rejection::reason);
    assert_eq!(boxed.clone().oneshot(1).await.map_err(reason), Err(Some(Reason::QueueFull)));
    drop(held);
    assert_eq!(boxed.oneshot(1).await.map_err(reason), Err(Some(Reason::Quota)));
}

#[tokio::test(start_paused = true)]
async fn poll_ready_is_the_inner_services() {
    let layer = limit(1, 0).refuse_with_error();
    let (mut service, mut handle) = mock::spawn_layer::<&str, &str, _>(layer);
    handle.allow(0);
    assert_pending!(service.poll_ready());
    handle.allow(1);
    assert!(service.is_woken());
    assert_ready_ok!(service.poll_ready());
    let _answer = service.call("first");
    handle.send_error("gone");
    assert_eq!(assert_ready_err!(service.poll_ready()).to_string(), "gone");
}

#[tokio::test(start_paused = true)]
async fn poll_ready_never_refuses_and_a_ready_clone_holds_nothing() {
    let layer = limit(1, 0);
    let (mut service, _handle) =
        mock::spawn_layer::<&str, &str, _>(layer.clone().refuse_with_error());
    assert_ready_ok!(service.poll_ready());
    assert_eq!(layer.gate().in_flight(), 0);
    let _held = layer.gate().acquire(&Class::default()).await.expect("there is room");
    let mut clone = service.clone();
    assert_ready_ok!(service.poll_ready());
    assert_ready_ok!(clone.poll_ready());
    assert_eq!((layer.gate().in_flight(), layer.gate().waiting()), (1, 0));
}

#[tokio::test(start_paused = true)]
async fn an_admitted_call_goes_to_the_service_that_was_polled_ready() {
    let mut service = limit(1, 0).refuse_with_error().layer(Careful::default());
    let ready = service.ready().await.expect("it is ready");
    assert_eq!(ready.call("answer").await.expect("there is room"), "answer");
}

#[tokio::test(start_paused = true)]
async fn a_call_after_a_wait_goes_to_a_service_polled_ready() {
    let layer = limit(1, 9);
    let mut service = layer.clone().refuse_with_error().layer(Careful::default());
    let held = layer.gate().acquire(&Class::default()).await.expect("there is room");
    let ready = service.ready().await.expect("it is ready");
    let mut waiting = task::spawn(ready.call("answer"));
    assert_pending!(waiting.poll());
    drop(held);
    assert!(waiting.is_woken());
    assert_eq!(assert_ready_ok!(waiting.poll()), "answer");
}

#[tokio::test(start_paused = true)]
async fn a_fallback_is_polled_ready_before_it_is_called() {
    let layer = limit(1, 0);
    let service =
        layer.clone().refuse_with_error().fallback(Careful::default()).layer(Careful::default());
    let _held = layer.gate().acquire(&Class::default()).await.expect("there is room");
    assert_eq!(service.oneshot("answer").await.expect("the fallback answers"), "answer");
}

#[tokio::test(start_paused = true)]
async fn who_is_too_many_for_a_fallback_gets_the_refusal_as_an_error() {
    let layer = limit(1, 0);
    let fallback = layer.clone().refuse_with_error().fallback(Careful::default()).limit(0);
    let service = fallback.layer(Careful::default());
    let _held = layer.gate().acquire(&Class::default()).await.expect("there is room");
    let error = service.oneshot("answer").await.expect_err("nobody answers");
    assert!(error.is::<Rejection>());
    assert_eq!(fallback.snapshot().over_limit, 1);
}

#[tokio::test(start_paused = true)]
async fn after_a_wait_the_inner_service_may_still_have_to_get_ready() {
    let layer = limit(1, 9);
    let (mut service, mut handle) =
        mock::spawn_layer::<_, &str, _>(layer.clone().refuse_with_error());
    let held = layer.gate().acquire(&Class::default()).await.expect("there is room");
    assert_ready_ok!(service.poll_ready());
    let mut waiting = task::spawn(service.call("request"));
    assert_pending!(waiting.poll());
    handle.allow(0);
    drop(held);
    assert_pending!(waiting.poll());
    assert_eq!(layer.gate().in_flight(), 1, "it is admitted");
    handle.allow(1);
    assert!(waiting.is_woken());
    assert_pending!(waiting.poll());
    assert_request_eq!(handle, "request").send_response("answer");
    assert_eq!(assert_ready_ok!(waiting.poll()), "answer");
    assert_eq!(layer.gate().in_flight(), 0);
}

#[tokio::test(start_paused = true)]
async fn a_request_that_waits_is_not_kept_out_by_what_was_reserved_for_it() {
    let layer = limit(1, 9);
    let inner = Reserving::one_place();
    let mut service = layer.clone().refuse_with_error().layer(inner);
    let held = layer.gate().acquire(&Class::default()).await.expect("there is room");
    let mut waiting = task::spawn(service.ready().await.expect("it is ready").call("answer"));
    assert_pending!(waiting.poll());
    drop(held);
    // The caller keeps the service, as one does that sends one request after another.
    assert_eq!(assert_ready_ok!(waiting.poll()), "answer");
    drop(service);
}

#[tokio::test(start_paused = true)]
async fn while_a_request_waits_nothing_is_reserved_for_it() {
    let (layer, inner) = (limit(1, 1), Reserving::one_place());
    let places = inner.places();
    let mut service = layer.clone().refuse_with_error().layer(inner);
    let _held = layer.gate().acquire(&Class::default()).await.expect("there is room");
    let _waiting = service.ready().await.expect("it is ready").call("waits");
    assert_eq!(places.available_permits(), 1);
}

#[tokio::test(start_paused = true)]
async fn after_a_request_was_refused_nothing_is_reserved_for_it() {
    let (layer, inner) = (limit(1, 0), Reserving::one_place());
    let places = inner.places();
    let mut service = layer.clone().refuse_with_error().layer(inner);
    let _held = layer.gate().acquire(&Class::default()).await.expect("there is room");
    assert!(service.ready().await.expect("it is ready").call("is refused").await.is_err());
    assert_eq!(places.available_permits(), 1);
}

fn assert_send<T: Send>(_: &T) {}

#[tokio::test(start_paused = true)]
async fn response_future_is_send_when_its_parts_are() {
    let inner = service_fn(|number: u32| async move { Ok::<_, BoxError>(number) });
    let admission: brownout::AdmissionLayer =
        Admission::builder().build().expect("it is valid").layer();
    let mut one = limit(1, 1).refuse_with_error().layer(inner);
    let mut all = admission.refuse_with_error().layer(inner);
    assert_send(&one.call(1));
    assert_send(&all.call(1));
    fn send_and_sync<T: Send + Sync>() {}
    send_and_sync::<Gates>();
    send_and_sync::<ConcurrencyLimitLayer>();
}

#[tokio::test(start_paused = true)]
async fn parts_that_are_not_send_are_taken_too() {
    let inner =
        service_fn(|shared: Rc<u32>| async move { Ok::<_, BoxError>(Rc::new(*shared + 1)) });
    let service = limit(1, 1).refuse_with_error().layer(inner);
    assert_eq!(*service.oneshot(Rc::new(1)).await.expect("there is room"), 2);
}
