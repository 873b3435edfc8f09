//! Two thousand requests with random fates, on paused time: nothing is left behind.

#![cfg(feature = "http")]

mod support;

use std::{convert::Infallible, time::Duration};

use brownout::{
    Admission, CircuitBreaker, Class, ConcurrencyLimit, Priority, Quota, RateLimit, Reason,
    limit::Fixed,
};
use bytes::Bytes;
use http::{Request, Response, StatusCode};
use http_body_util::BodyExt;
use rand::{Rng, SeedableRng, rngs::StdRng};
use support::{MS, chunks::Chunks};
use tokio::{
    task::JoinSet,
    time::{sleep, timeout},
};
use tower::{Layer, ServiceExt, service_fn};

const REQUESTS: u64 = 2_000;

/// What is to happen to one request.
#[derive(Clone, Copy, Debug)]
struct Fate {
    arrives: Duration,
    head: Duration,
    body: Duration,
    cancelled: Duration,
    panics: bool,
    class: Class,
}

impl Fate {
    fn draw(random: &mut StdRng) -> Self {
        let mut up_to = |most: u32| MS * random.random_range(0..most);
        // Half of them steadily, half of them in ten surges.
        let (steadily, surge) = (up_to(5_000), 500 * up_to(10) + up_to(10));
        let (head, body) = (up_to(30), up_to(30));
        let cancelled = up_to(200);
        let arrives = if random.random() { steadily } else { surge };
        let panics = random.random_ratio(1, 50);
        let class = Class::new(Priority::ALL[random.random_range(0..4)]);
        Self { arrives, head, body, cancelled, panics, class }
    }
}

#[derive(Clone, Copy, Debug, PartialEq)]
enum End {
    Served,
    Refused(Reason),
    Cancelled,
}

async fn handle(request: Request<Fate>) -> Result<Response<Chunks>, Infallible> {
    let fate = *request.body();
    sleep(fate.head).await;
    if fate.panics {
        std::panic::resume_unwind(Box::new("the handler panics"));
    }
    let (chunks, body) = Chunks::channel();
    tokio::spawn(async move {
        sleep(fate.body).await;
        let _ = chunks.send(Bytes::from_static(b"page"));
    });
    Ok(Response::new(body))
}

fn admission() -> Admission {
    Admission::builder()
        .rate(RateLimit::new(Quota::per_second(200).burst(15)))
        .breaker(CircuitBreaker::new().trip_share(1.0))
        .concurrency(ConcurrencyLimit::new().algorithm(Fixed::new(8)).queue(5).max_wait(12 * MS))
        .build()
        .expect("it is valid")
}

async fn storm(seed: u64) {
    let (admission, mut random) = (admission(), StdRng::seed_from_u64(seed));
    let layer = admission.layer().classify(|request: &Request<Fate>| request.body().class);
    let service = layer.layer(service_fn(handle));
    let mut crowd = JoinSet::new();
    for _ in 0..REQUESTS {
        let (fate, service) = (Fate::draw(&mut random), service.clone());
        crowd.spawn(async move {
            sleep(fate.arrives).await;
            let whole = async {
                let response = service.oneshot(Request::new(fate)).await.expect("infallible");
                let refusal = response.extensions().get::<brownout::Rejection>().cloned();
                response.into_body().collect().await.expect("infallible");
                refusal.map_or(End::Served, |refusal| End::Refused(refusal.reason()))
            };
            timeout(fate.cancelled, whole).await.unwrap_or(End::Cancelled)
        });
    }
    let (mut ends, mut panics) = (Vec::new(), 0);
    while let Some(end) = crowd.join_next().await {
        match end {
            Ok(end) => ends.push(end),
            Err(error) => panics += u32::from(error.is_panic()),
        }
    }
    let snapshot = admission.snapshot();
    assert_eq!((snapshot.in_flight, snapshot.waiting), (0, 0), "seed {seed}: {snapshot:?}");
    // A storm in which something never happens would prove nothing about it.
    assert!(panics > 0, "seed {seed}");
    let reasons = [Reason::Quota, Reason::QueueFull, Reason::QueueTimeout, Reason::Evicted];
    let refusals = reasons.map(End::Refused);
    for end in [End::Served, End::Cancelled].into_iter().chain(refusals) {
        assert!(ends.contains(&end), "seed {seed}: none was {end:?}");
    }
    sleep(Duration::from_secs(1)).await;
    let calm = Fate { panics: false, ..Fate::draw(&mut random) };
    let response = service.oneshot(Request::new(calm)).await.expect("infallible");
    assert_eq!(response.status(), StatusCode::OK, "seed {seed}: it works as before");
    assert_eq!(admission.snapshot().in_flight, 1, "seed {seed}");
    drop(response);
    assert_eq!(admission.snapshot().in_flight, 0, "seed {seed}");
}

#[tokio::test(start_paused = true)]
async fn a_storm_of_cancellations_and_panics_leaves_nothing_behind() {
    for seed in 0..5 {
        storm(seed).await;
    }
}
