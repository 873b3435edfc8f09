//! Other crates, each as its documentation sets it up, where they admit.

use std::{
    convert::Infallible,
    num::NonZeroU32,
    sync::Arc,
    task::{Context, Waker},
    time::Duration,
};

use axum::body::Body;
use congestion_limiter::{
    limiter::{DefaultLimiter, Limiter, Outcome},
    limits,
};
use failsafe::futures::CircuitBreaker;
use governor::{
    DefaultDirectRateLimiter, DefaultKeyedRateLimiter, Quota, RateLimiter, clock::QuantaInstant,
    middleware::NoOpMiddleware,
};
use http::{Request, Response, StatusCode};
use little_loadshedder::{LoadShedLayer, LoadShedResponse};
use recloser::{AsyncRecloser, Recloser};
use tower::{
    BoxError, Layer, Service, ServiceBuilder, limit::GlobalConcurrencyLimitLayer,
    load_shed::LoadShed, service_fn,
};
use tower_governor::{
    GovernorError, GovernorLayer, governor::GovernorConfigBuilder, key_extractor::KeyExtractor,
};
use tower_resilience_adaptive::AdaptiveLimiterLayer;
use tower_resilience_circuitbreaker::CircuitBreakerLayer;
use tower_resilience_ratelimiter::RateLimiterLayer;

use super::{Area::*, BARE, CLIENTS, Case, NOTHING, PAGE, VALID, next_client, peer};
use crate::service::{Bare, Call, answers, at_once, call, judged};

pub fn all() -> Vec<Case> {
    vec![
        peer(Concurrency, "tower, global limit, shed", BARE, || {
            let layers = ServiceBuilder::new().load_shed();
            went(layers.layer(GlobalConcurrencyLimitLayer::new(100)).service(Bare))
        }),
        peer(Concurrency, "tower-acc, Gradient2", BARE, || {
            went(tower_acc::ConcurrencyLimit::new(Bare, tower_acc::Gradient2::default()))
        }),
        peer(Concurrency, "tower-acc, Vegas", BARE, || {
            went(tower_acc::ConcurrencyLimit::new(Bare, tower_acc::Vegas::default()))
        }),
        peer(Concurrency, "tower-resilience, adaptive", BARE, || {
            let vegas = tower_resilience_adaptive::Vegas::builder().build().expect(VALID);
            went(AdaptiveLimiterLayer::new(vegas).layer(Bare))
        }),
        peer(Concurrency, "little-loadshedder", BARE, || {
            let service = LoadShedLayer::new(0.01, Duration::from_millis(500)).layer(Bare);
            judged(service, |answer| matches!(answer, Ok(LoadShedResponse::Inner(_))))
        }),
        peer(Concurrency, "congestion-limiter, Vegas", BARE, congestion),
        peer(Breaker, "tower-resilience, breaker", BARE, || {
            went(CircuitBreakerLayer::standard().build().expect(VALID).layer(Bare))
        }),
        peer(Breaker, "failsafe", BARE, || {
            let breaker = failsafe::Config::new().build();
            went(service_fn(move |request| breaker.call(Bare.call(request))))
        }),
        peer(Breaker, "recloser", BARE, || {
            let breaker = AsyncRecloser::from(Recloser::default());
            went(service_fn(move |request| breaker.call(Bare.call(request))))
        }),
        peer(Rate, "governor, the check alone", NOTHING, || {
            let limiter: DefaultDirectRateLimiter = RateLimiter::direct(plenty());
            Call::of(move || limiter.check().is_ok())
        }),
        peer(Rate, "tower-resilience, rate limiter", BARE, || {
            let limit = RateLimiterLayer::per_second(1_000_000_000);
            went(limit.build().expect(VALID).layer(Bare))
        }),
        peer(RatePerKey, "governor, the check alone, by key", NOTHING, || {
            let limiter: DefaultKeyedRateLimiter<u64> = RateLimiter::keyed(plenty());
            Call::of(move || limiter.check_key(&next_client()).is_ok())
        }),
        peer(RatePerKey, "tower_governor", PAGE, || governed(u32::MAX, StatusCode::OK)),
        peer(Together, "tower_governor, tower-resilience's breaker, tower-acc", PAGE, || {
            let limit = tower_acc::ConcurrencyLimit::new(page(), tower_acc::Gradient2::default());
            let breaker = CircuitBreakerLayer::standard().build().expect(VALID);
            went(per_client(u32::MAX).layer(breaker.layer(limit)))
        }),
        peer(RefusedWithError, "tower, global limit, shed: refused", NOTHING, || {
            let limit = GlobalConcurrencyLimitLayer::new(1).layer(Bare);
            shed(limit)
        }),
        peer(RefusedWithError, "tower-acc, shed: refused", NOTHING, || {
            shed(tower_acc::ConcurrencyLimit::new(Bare, tower_acc::Gradient2::default()))
        }),
        peer(Decision, "governor, the check alone: refused", NOTHING, || {
            let limiter: DefaultDirectRateLimiter = RateLimiter::direct(one());
            let _ = limiter.check();
            Call::of(move || limiter.check().is_err())
        }),
        peer(Refusal, "tower_governor, 429", NOTHING, || {
            governed(1, StatusCode::TOO_MANY_REQUESTS)
        }),
        peer(Decision, "congestion-limiter, the decision", NOTHING, || {
            let limiter = DefaultLimiter::new(limits::Fixed::new(1));
            let inside = at_once(limiter.try_acquire());
            let call = Call::of(move || at_once(limiter.try_acquire()).is_none());
            call.besides(move || assert!(inside.is_some()))
        }),
    ]
}

/// It is no Tower service: a token for each call, tried for and given back.
fn congestion() -> Call {
    let limiter = DefaultLimiter::new(limits::Vegas::new_with_initial_limit(10));
    let limiter = Arc::new(limiter);
    went(service_fn(move |request| {
        let limiter = limiter.clone();
        async move {
            let token = limiter.try_acquire().await.ok_or("refused")?;
            let Ok(answer) = Bare.call(request).await;
            limiter.release(token, Some(Outcome::Success)).await;
            Ok::<_, &str>(answer)
        }
    }))
}

/// As many are inside as may be; what comes then is shed.
fn shed<S>(limit: S) -> Call
where
    S: Service<Request<()>> + Clone + 'static,
    S::Error: Into<BoxError>,
{
    let mut inside = vec![limit.clone()];
    while inside.last_mut().is_some_and(is_ready) {
        inside.push(limit.clone());
    }
    let call = judged(LoadShed::new(limit), |answer| answer.is_err());
    call.besides(move || assert!(inside.len() > 1))
}

fn is_ready<S: Service<Request<()>>>(service: &mut S) -> bool {
    service.poll_ready(&mut Context::from_waker(Waker::noop())).is_ready()
}

fn went<S: Service<Request<()>> + 'static>(service: S) -> Call {
    judged(service, |answer| answer.is_ok())
}

fn governed(burst: u32, status: StatusCode) -> Call {
    let mut service = per_client(burst).layer(page());
    (0..if burst == 1 { CLIENTS } else { 0 }).for_each(|_| _ = call(&mut service));
    answers(service, status)
}

fn per_client(burst: u32) -> GovernorLayer<Client, NoOpMiddleware<QuantaInstant>, Body> {
    let mut config = GovernorConfigBuilder::default().key_extractor(Client);
    let config = config.per_second(3_600).burst_size(burst).finish().expect(VALID);
    GovernorLayer::new(config)
}

/// A bare service of axum, to which tower_governor is bound.
pub fn page()
-> impl Service<Request<()>, Response = Response<Body>, Error = Infallible, Future: Send> + Clone {
    service_fn(async |_: Request<()>| Ok(Response::new(Body::from("ok"))))
}

/// One of many clients, each in turn.
#[derive(Clone, Copy)]
struct Client;

impl KeyExtractor for Client {
    type Key = u64;

    fn extract<T>(&self, _request: &Request<T>) -> Result<u64, GovernorError> {
        Ok(next_client())
    }
}

fn plenty() -> Quota {
    Quota::per_second(NonZeroU32::MAX)
}

fn one() -> Quota {
    Quota::per_hour(NonZeroU32::MIN)
}
