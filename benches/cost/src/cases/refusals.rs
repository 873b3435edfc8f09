//! Our own refusals: the decision, and the response that is made of it.

use std::{convert::Infallible, time::Instant};

use brownout::{
    Admission, CircuitBreaker, CircuitBreakerLayer, Class, ConcurrencyLimit, ConcurrencyLimitLayer,
    Database, Entry, Gate, GateLayer, Quota, RateLimit, Rejection, StaleLayer,
};
use http::{HeaderValue, Request, Response, StatusCode, header};
use tower::{Layer, Service, service_fn};

use super::{Area::*, CLIENTS, Case, NOTHING, VALID, Whose, all_three, client, ours};
use crate::service::{Bare, Call, answer, answers, judged, read_once};

pub fn all() -> Vec<Case> {
    let response = |name, make| {
        let case = ours(Refusal, name, NOTHING, make);
        Case { whose: Whose::OursOnHeap, ..case }
    };
    let decision = |name, make| ours(Decision, name, NOTHING, make);
    vec![
        decision("quota spent, the decision", || {
            refuses(spent(RateLimit::new(ONE).gate().expect(VALID)), Class::default)
        }),
        decision("quota of a key spent, the decision", || {
            refuses(spent(RateLimit::new(ONE).per_key().gate().expect(VALID)), client)
        }),
        decision("circuit open, the decision", || {
            let gate = CircuitBreaker::new().gate().expect(VALID);
            gate.force_open();
            refuses(gate, Class::default)
        }),
        decision("limit and queue full, the decision", || {
            full(|layer| refuses(layer.gate().clone(), Class::default))
        }),
        ours(RefusedWithError, "limit and queue full, an error", NOTHING, || {
            full(|layer| {
                let service = service_fn(async |_: Request<()>| Ok::<_, Rejection>(answer()));
                let service = layer.clone().refuse_with_error().layer(service);
                judged(service, |answer| answer.is_err())
            })
        }),
        response("quota spent, 429", || {
            let gate = spent(RateLimit::new(ONE).gate().expect(VALID));
            answers(GateLayer::of(gate).layer(Bare), StatusCode::TOO_MANY_REQUESTS)
        }),
        response("quota of a key spent, 429", || {
            let gate = spent(RateLimit::new(ONE).per_key().gate().expect(VALID));
            let layer = GateLayer::of(gate).classify(|_: &Request<()>| client());
            answers(layer.layer(Bare), StatusCode::TOO_MANY_REQUESTS)
        }),
        response("circuit open, 503", || {
            let layer = CircuitBreakerLayer::protecting(&Database::new("shop"));
            layer.gate().force_open();
            unavailable(layer.layer(Bare))
        }),
        response("limit and queue full, 503", || full(|layer| unavailable(layer.layer(Bare)))),
        response("all three, circuit open, 503", || unavailable(open().layer().layer(Bare))),
        response("refused, a closure answers", || {
            let layer = open().layer().fallback_with(|_, _| answer());
            answers(layer.limit(usize::MAX).layer(Bare), StatusCode::OK)
        }),
        response("refused, the last good answer", stale),
    ]
}

/// The gate's answer is no.
fn refuses<G: Gate + 'static>(gate: G, class: impl Fn() -> Class + 'static) -> Call {
    let now = Instant::now();
    Call::of(move || matches!(gate.enter(&class(), now), Entry::Refused(_)))
}

/// The same gate, when it has admitted what it may.
fn spent<G: Gate>(gate: G) -> G {
    (0..CLIENTS).for_each(|_| drop(gate.enter(&client(), Instant::now())));
    gate
}

/// A limit of one place, which is taken, and nobody may wait.
fn full(make: impl FnOnce(&ConcurrencyLimitLayer) -> Call) -> Call {
    let layer = ConcurrencyLimit::new().max(1).queue(0).layer().expect(VALID);
    let inside = layer.gate().enter(&Class::default(), Instant::now());
    make(&layer).besides(move || assert!(matches!(inside, Entry::Admitted(_))))
}

/// All three gates, the circuit of them open.
fn open() -> Admission {
    let admission = all_three(&Database::new("shop"));
    admission.breaker().force_open();
    admission
}

/// A good answer is kept, and then the circuit opens.
fn stale() -> Call {
    let admission = open();
    admission.breaker().force_closed();
    let page = service_fn(async |_: Request<()>| {
        let mut page = answer();
        page.headers_mut().insert(header::CACHE_CONTROL, HeaderValue::from_static("max-age=5"));
        Ok::<_, Infallible>(page)
    });
    let mut service = StaleLayer::new().layer(admission.layer().layer(page));
    assert!(read_once(&mut service), "it is kept when it was read");
    admission.breaker().force_open();
    answers(service, StatusCode::OK)
}

fn unavailable<S, B>(service: S) -> Call
where
    S: Service<Request<()>, Response = Response<B>> + 'static,
{
    answers(service, StatusCode::SERVICE_UNAVAILABLE)
}

const ONE: Quota = Quota::per_day(1);
