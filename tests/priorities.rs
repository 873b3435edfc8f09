//! Who goes first, who has to leave, and who passes everything.

#![cfg(feature = "http")]

mod support;

use std::time::Duration;

use brownout::{
    Admission, AdmissionLayer, Circuit, Class, ConcurrencyLimit, Database, Outcome, Priority,
    Reason, Rejection, http::Propagated, http::Routes, limit::Fixed,
};
use http::{HeaderName, Request, Response};
use support::{
    MS, SECOND,
    controlled::{Flight, Gated, Held, Inside, admitted, behind, get, launch, page, refused},
};
use tokio::time::{Instant, advance};
use tokio_test::assert_ready;

fn admission(queue: usize) -> Admission {
    let one = ConcurrencyLimit::new().algorithm(Fixed::new(1)).queue(queue);
    Admission::builder().concurrency(one).build().expect("it is valid")
}

fn reason<S, B>(flight: &mut Flight<S>) -> Reason
where
    S: Gated<Response = Response<B>>,
{
    let answer = assert_ready!(flight.poll().map(|result| result.map_err(|_| ())));
    reason_of(&answer.expect("a refusal is no error"))
}

fn reason_of<B>(response: &Response<B>) -> Reason {
    response.extensions().get::<Rejection>().expect("it is refused").reason()
}

/// Frees the one place again and again: the paths of those who wait, in the order in
/// which they get in.
fn order<S: Gated>(
    inside: &mut Inside,
    mut holding: (Flight<S>, Held),
    mut waiting: Vec<Flight<S>>,
) -> Vec<String> {
    let mut order = Vec::new();
    loop {
        holding.1.send_response(page(http::StatusCode::OK));
        assert!(holding.0.poll().is_ready());
        let Some(next) = waiting.iter().position(|flight| flight.is_woken()) else {
            return order;
        };
        let mut flight = waiting.swap_remove(next);
        assert!(flight.poll().is_pending());
        let (request, answer) = inside.arrived().expect("it is inside");
        order.push(request.uri().path().to_owned());
        holding = (flight, answer);
    }
}

fn routes() -> Routes {
    Routes::new()
        .route("/checkout", Priority::Critical)
        .route("/search", Priority::Sheddable)
        .route("/export", Priority::Bulk)
        .exempt("/health")
}

#[tokio::test(start_paused = true)]
async fn the_most_important_goes_first_by_route() {
    let admission = admission(9);
    let (service, mut inside) = behind(&admission.layer().classify(routes()));
    let holding = admitted(&service, &mut inside);
    let paths = ["/export", "/search/1", "/page", "/search/2", "/checkout"];
    let waiting = paths.map(|path| launch(&service, get(path))).into();
    let order = order(&mut inside, holding, waiting);
    assert_eq!(order, ["/checkout", "/page", "/search/1", "/search/2", "/export"]);
    assert_eq!(admission.snapshot().in_flight, 0);
}

#[tokio::test(start_paused = true)]
async fn the_most_important_goes_first_by_header() {
    let by_header = Propagated::new().header(HeaderName::from_static("x-priority"));
    let layer = admission(9).layer().classify(routes()).propagated(by_header);
    let (service, mut inside) = behind(&layer);
    let asking = |path: &str, priority: &str| {
        Request::get(path).header("x-priority", priority).body(()).expect("it is valid")
    };
    let holding = admitted(&service, &mut inside);
    let waiting = vec![
        launch(&service, asking("/search", "critical")),
        launch(&service, asking("/checkout", "bulk")),
        launch(&service, asking("/page", "normal")),
        launch(&service, get("/checkout/pay")),
    ];
    let order = order(&mut inside, holding, waiting);
    assert_eq!(order, ["/checkout/pay", "/page", "/search", "/checkout"]);
}

#[tokio::test(start_paused = true)]
async fn layers_with_priorities_of_their_own_share_one_queue() {
    let admission = admission(9);
    let layer = |priority| admission.layer().priority(priority);
    let (low, mut inside) = behind(&layer(Priority::Sheddable));
    let (high, mut checkout) = behind(&layer(Priority::Critical));
    let (holding, _answer) = admitted(&low, &mut inside);
    let (mut sheddable, mut critical) = (launch(&low, get("/")), launch(&high, get("/")));
    drop(holding);
    assert!(critical.is_woken() && !sheddable.is_woken());
    assert!(critical.poll().is_pending());
    drop((checkout.take(), critical));
    assert!(sheddable.is_woken() && sheddable.poll().is_pending());
    drop(inside.take());
}

#[tokio::test(start_paused = true)]
async fn a_full_queue_evicts_the_least_important_and_nobody_for_an_equal() {
    let admission = admission(2);
    let (service, mut inside) = behind(&admission.layer().classify(routes()));
    let (_holding, _answer) = admitted(&service, &mut inside);
    let mut sheddable = launch(&service, get("/search"));
    let mut bulk = launch(&service, get("/export"));
    let _critical = launch(&service, get("/checkout"));
    assert_eq!(reason(&mut bulk), Reason::Evicted);
    let _normal = launch(&service, get("/page"));
    assert_eq!(reason(&mut sheddable), Reason::Evicted);
    assert_eq!(reason_of(&refused(&service, get("/page"))), Reason::QueueFull);
    let snapshot = admission.snapshot();
    assert_eq!((snapshot.in_flight, snapshot.waiting), (1, 2));
    assert_eq!((snapshot.refused(Reason::Evicted), snapshot.refused(Reason::QueueFull)), (2, 1));
}

/// So long that its deadline is beyond the longest wait.
const FAR: &str = "/a-path-of-more-than-forty-letters-may-wait-longest";

/// Ten milliseconds in the queue for each letter of the path.
fn with_deadlines(layer: AdmissionLayer) -> AdmissionLayer<impl Fn(&Request<()>) -> Class + Clone> {
    layer.classify(|request: &Request<()>| {
        let letters = u32::try_from(request.uri().path().len()).expect("it is short");
        let deadline = Instant::now() + (letters - 1) * 30 * MS;
        Class::default().deadline(deadline.into_std())
    })
}

#[tokio::test(start_paused = true)]
async fn a_deadline_is_honoured_in_the_queue() {
    let (service, mut inside) = behind(&with_deadlines(admission(9).layer()));
    let _holding = (launch(&service, get(FAR)), inside.take());
    assert_eq!(reason_of(&refused(&service, get("/"))), Reason::Deadline, "it is past");
    let mut near = launch(&service, get("/ab"));
    let mut far = launch(&service, get(FAR));
    advance(19 * MS).await;
    assert!(near.poll().is_pending());
    advance(2 * MS).await;
    assert_eq!(reason(&mut near), Reason::Deadline);
    advance(379 * MS).await;
    assert!(far.is_woken());
    assert_eq!(reason(&mut far), Reason::QueueTimeout);
}

#[tokio::test(start_paused = true)]
async fn a_request_that_is_late_already_is_refused_even_where_there_is_room() {
    let (service, mut inside) = behind(&with_deadlines(admission(0).layer()));
    assert_eq!(reason_of(&refused(&service, get("/"))), Reason::Deadline);
    let _admitted = (launch(&service, get(FAR)), inside.take());
}

#[tokio::test(start_paused = true)]
async fn exempt_requests_pass_a_limit_that_stands_alone_uncounted() {
    let one = ConcurrencyLimit::new().algorithm(Fixed::new(1)).queue(0);
    let layer = one.layer().expect("it is valid").classify(routes());
    let (service, mut inside) = behind(&layer);
    let (_exempt, _answer) = (launch(&service, get("/health")), inside.take());
    assert_eq!(layer.gate().in_flight(), 0);
    let (_holding, _answer) = admitted(&service, &mut inside);
    let (_exempt, _answer) = (launch(&service, get("/health")), inside.take());
    assert_eq!(layer.gate().in_flight(), 1);
}

#[tokio::test(start_paused = true)]
async fn exempt_requests_pass_a_full_limit_and_an_open_circuit_uncounted() {
    let db = Database::new("shop");
    let one = ConcurrencyLimit::new().algorithm(Fixed::new(1)).queue(0);
    let admission = Admission::builder().protect(&db).concurrency(one).build();
    let admission = admission.expect("it is valid");
    let (service, mut inside) = behind(&admission.layer().classify(routes()));
    let (_holding, _answer) = admitted(&service, &mut inside);
    let mut flights = Vec::new();
    assert_eq!(reason_of(&refused(&service, get("/checkout"))), Reason::QueueFull);
    flights.push((launch(&service, get("/health")), inside.take()));
    (0..20).for_each(|_| db.record(Duration::ZERO, Outcome::Overload));
    advance(100 * MS).await;
    assert_eq!(reason_of(&refused(&service, get("/checkout"))), Reason::CircuitOpen);
    flights.push((launch(&service, get("/health/live")), inside.take()));
    let snapshot = admission.snapshot();
    assert_eq!((snapshot.circuit, snapshot.in_flight), (Circuit::Open, 1));
    assert_eq!(snapshot.admitted, 1, "the one that holds the place");
    for (mut flight, answer) in flights {
        answer.send_response(page(http::StatusCode::OK));
        assert!(flight.poll().is_ready());
    }
    // Nor is it a probe.
    advance(2 * SECOND).await;
    drop((launch(&service, get("/health")), inside.take()));
    assert_eq!(admission.snapshot().circuit, Circuit::Open);
}
