//! Our own layers, where they admit.

use std::{future::Future, io, time::Instant};

use brownout::{
    Admission, CircuitBreakerLayer, Class, ConcurrencyLimitLayer, Database, Entry, Gate, Outcome,
    RateLimit, Route, Statement, tracing::Log,
};
use http::{Request, Response, StatusCode};
use tower::{Layer, Service, service_fn};

use super::{
    Area::*, BARE, Case, MILLISECOND, NOTHING, PAGE, PLENTY, READ, VALID, Whose, all_three, client,
    features::scraped, fed, mixed, ours, peers::page,
};
use crate::service::{Bare, Call, answers, at_once, cloned, read};

pub fn bare() -> Vec<Case> {
    let bare = |name, make| Case { whose: Whose::Nobodys, ..ours(Nothing, name, NOTHING, make) };
    vec![
        bare(NOTHING, || Call::of(|| true)),
        bare(BARE, || ok(Bare)),
        bare(READ, || read(Bare)),
        bare(PAGE, || ok(page())),
    ]
}

pub fn layers() -> Vec<Case> {
    vec![
        ours(Concurrency, "concurrency limit, following the service", BARE, || {
            ok(ConcurrencyLimitLayer::new().layer(Bare))
        }),
        ours(Concurrency, "concurrency limit, following a database", BARE, || {
            fed(|db| ok(ConcurrencyLimitLayer::protecting(db).layer(Bare)))
        }),
        ours(Breaker, "circuit breaker", BARE, || {
            fed(|db| ok(CircuitBreakerLayer::protecting(db).layer(Bare)))
        }),
        ours(Rate, "rate limit", BARE, || ok(rate().layer().expect(VALID).layer(Bare))),
        ours(Rate, "rate limit, the decision", NOTHING, || {
            admits(rate().gate().expect(VALID), Class::default)
        }),
        ours(RatePerKey, "rate limit per key, the decision", NOTHING, || {
            admits(rate().per_key().gate().expect(VALID), client)
        }),
        ours(RatePerKey, "three quotas per key, the decision", NOTHING, || {
            let three = rate().and(PLENTY.named("b")).and(PLENTY.named("c")).per_key();
            admits(three.gate().expect(VALID), client)
        }),
        ours(RatePerKey, "rate limit per key", BARE, || {
            let layer = rate().per_key().layer().expect(VALID);
            ok(layer.classify(|_: &Request<()>| client()).layer(Bare))
        }),
        ours(Together, "all three", BARE, || fed(|db| ok(all_three(db).layer().layer(Bare)))),
        ours(Together, "all three, with priorities", BARE, || {
            fed(|db| ok(all_three(db).layer().classify(|_: &Request<()>| mixed()).layer(Bare)))
        }),
        ours(Together, "all three, with priorities and a route", BARE, || {
            fed(|db| ok(all_three(db).layer().classify(routed()).layer(Bare)))
        }),
        Case {
            whose: Whose::OursOnHeap,
            ..ours(Together, "everything on, with a query, and the body read", READ, || {
                fed(everything)
            })
        },
    ]
}

pub fn around() -> Vec<Case> {
    vec![
        ours(Recording, "a query recorded", NOTHING, || {
            let db = Database::new("shop");
            Call::of(move || recorded(|| db.record(MILLISECOND, Outcome::Success)))
        }),
        ours(Recording, "a query of a statement recorded", NOTHING, || {
            let search = Database::new("shop").statement("search");
            Call::of(move || recorded(|| search.record(MILLISECOND, Outcome::Success)))
        }),
        ours(Recording, "a query observed", NOTHING, || {
            let search = Database::new("shop").statement("search");
            Call::of(move || at_once(query(&search)).is_ok())
        }),
        ours(Clones, "bare service, cloned for each call", BARE, || cloned(Bare)),
        ours(Clones, "concurrency limit, cloned for each call", BARE, || {
            fed(|db| cloned(ConcurrencyLimitLayer::protecting(db).layer(Bare)))
        }),
        ours(Clones, "all three, cloned for each call", BARE, || {
            fed(|db| cloned(all_three(db).layer().classify(|_: &Request<()>| mixed()).layer(Bare)))
        }),
    ]
}

/// All three gates, an observer and metrics; a request with a priority and a route, its query counted
/// for it, and its permit held to the end of the body.
fn everything(db: &Database) -> Call {
    let search = db.statement("search");
    let builder = Admission::builder().protect(db).rate(rate()).on_event(Log::new());
    let admission = builder.build().expect(VALID);
    let service = service_fn(move |request: Request<()>| {
        let query = query(&search);
        async move {
            let _ = query.await;
            Bare.call(request).await
        }
    });
    scraped(&admission, read(admission.layer().classify(routed()).layer(service)))
}

fn rate() -> RateLimit {
    RateLimit::new(PLENTY)
}

fn admits<G: Gate + 'static>(gate: G, class: impl Fn() -> Class + 'static) -> Call {
    let now = Instant::now();
    Call::of(move || matches!(gate.enter(&class(), now), Entry::Admitted(_)))
}

fn routed() -> impl Fn(&Request<()>) -> Class + Clone {
    let route = Route::named("/products");
    move |_| mixed().route(route)
}

fn query(statement: &Statement) -> impl Future<Output = Result<(), io::Error>> + use<> {
    statement.observe(std::future::ready(Ok(())))
}

fn recorded(record: impl FnOnce()) -> bool {
    record();
    true
}

fn ok<S, B>(service: S) -> Call
where
    S: Service<Request<()>, Response = Response<B>> + 'static,
{
    answers(service, StatusCode::OK)
}
