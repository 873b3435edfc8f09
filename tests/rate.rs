//! The rate limit, as a layer on paused time.

#![cfg(feature = "http")]

mod support;

use brownout::{
    Admission, CircuitBreaker, Class, ConcurrencyLimit, Database, Outcome, Quota, RateLimit,
    RateLimitLayer, Reason, Rejection, limit::Fixed,
};
use http::{Request, StatusCode, header};
use support::{
    MS, SECOND,
    controlled::{Gated, Inside, admitted, behind, get, launch, page, refused},
};
use tokio::time::advance;

fn layer(quota: Quota) -> RateLimitLayer {
    RateLimitLayer::new(quota).expect("it is valid")
}

/// Sends a request that gets through, and answers it.
fn passes<S: Gated>(service: &S, inside: &mut Inside, request: Request<()>) {
    let mut flight = launch(service, request);
    inside.take().send_response(page(StatusCode::OK));
    assert!(flight.poll().is_ready());
}

/// Sends a request that is refused for the quota: the exact wait.
fn over_quota<S, B>(service: &S, request: Request<()>) -> Rejection
where
    S: Gated<Response = http::Response<B>>,
{
    let response = refused(service, request);
    assert_eq!(response.status(), StatusCode::TOO_MANY_REQUESTS);
    let rejection: Rejection =
        response.extensions().get::<Rejection>().expect("a refusal says why").clone();
    assert_eq!(rejection.reason(), Reason::Quota);
    let told = response.headers()[header::RETRY_AFTER].to_str().expect("it is text");
    let told: u64 = told.parse().expect("it is a number");
    assert!(SECOND * u32::try_from(told).expect("it is short") >= rejection.retry_after());
    assert!(told >= 1);
    rejection
}

#[tokio::test(start_paused = true)]
async fn a_burst_passes_and_then_cells_come_back_one_by_one() {
    let (service, mut inside) = behind(&layer(Quota::per_second(10).burst(3)));
    for _ in 0..3 {
        passes(&service, &mut inside, get("/"));
    }
    assert_eq!(over_quota(&service, get("/")).retry_after(), 100 * MS);
    advance(100 * MS).await;
    passes(&service, &mut inside, get("/"));
    assert_eq!(over_quota(&service, get("/")).retry_after(), 100 * MS);
    advance(3600 * SECOND).await;
    for _ in 0..3 {
        passes(&service, &mut inside, get("/"));
    }
    assert_eq!(over_quota(&service, get("/")).retry_after(), 100 * MS, "a pause saves no more");
}

#[tokio::test(start_paused = true)]
async fn retry_after_is_rounded_up_to_whole_seconds() {
    let (service, mut inside) = behind(&layer(Quota::per_minute(25).burst(1)));
    passes(&service, &mut inside, get("/"));
    let response = refused(&service, get("/"));
    let rejection: &Rejection = response.extensions().get().expect("a refusal says why");
    assert_eq!(rejection.retry_after(), 2400 * MS);
    assert_eq!(response.headers()[header::RETRY_AFTER], "3");
}

#[tokio::test(start_paused = true)]
async fn one_hundred_per_second_is_one_hundred_each_second() {
    let gate = RateLimit::new(Quota::per_second(100)).gate().expect("it is valid");
    let mut each_second = Vec::new();
    for _ in 0..5 {
        let mut admitted = 0;
        for _ in 0..1_000 {
            admitted += u32::from(gate.acquire(&Class::default()).await.is_ok());
            advance(MS).await;
        }
        each_second.push(admitted);
    }
    assert_eq!(each_second[1..], [100; 4], "and at first the burst in addition");
    assert_eq!(each_second[0], 199);
}

fn per_client(quota: Quota) -> RateLimitLayer<impl Fn(&Request<()>) -> Class + Clone> {
    let settings = RateLimit::new(quota).per_key().layer().expect("it is valid");
    settings.classify(|request: &Request<()>| match request.uri().path() {
        "/nobody" => Class::default(),
        "/health" => Class::exempt(),
        client => Class::default().key(client),
    })
}

#[tokio::test(start_paused = true)]
async fn each_key_has_a_quota_of_its_own_and_requests_without_one_share() {
    let (service, mut inside) = behind(&per_client(Quota::per_second(1).burst(2)));
    for client in ["/anna", "/bert", "/nobody"] {
        passes(&service, &mut inside, get(client));
        passes(&service, &mut inside, get(client));
        over_quota(&service, get(client));
    }
    advance(SECOND).await;
    for client in ["/anna", "/bert", "/nobody"] {
        passes(&service, &mut inside, get(client));
        over_quota(&service, get(client));
    }
}

#[tokio::test(start_paused = true)]
async fn without_per_key_all_keys_share_one_quota() {
    let all = layer(Quota::per_second(1))
        .classify(|request: &Request<()>| Class::default().key(request.uri().path()));
    let (service, mut inside) = behind(&all);
    passes(&service, &mut inside, get("/anna"));
    over_quota(&service, get("/bert"));
}

#[tokio::test(start_paused = true)]
async fn exempt_requests_spend_nothing() {
    let (service, mut inside) = behind(&per_client(Quota::per_second(1)));
    for _ in 0..100 {
        tokio::task::yield_now().await;
        passes(&service, &mut inside, get("/health"));
    }
    passes(&service, &mut inside, get("/nobody"));
    over_quota(&service, get("/nobody"));
    passes(&service, &mut inside, get("/health"));
}

fn admission(db: &Database, queue: usize) -> Admission {
    let one = ConcurrencyLimit::new().algorithm(Fixed::new(1)).queue(queue);
    Admission::builder()
        .protect(db)
        .rate(RateLimit::new(Quota::per_minute(1).burst(2)))
        .breaker(CircuitBreaker::new().probes(1))
        .concurrency(one)
        .build()
        .expect("it is valid")
}

fn shed<S, B>(service: &S) -> Reason
where
    S: Gated<Response = http::Response<B>>,
{
    let response = refused(service, get("/"));
    assert_eq!(response.status(), StatusCode::SERVICE_UNAVAILABLE);
    response.extensions().get::<Rejection>().expect("a refusal says why").reason()
}

#[tokio::test(start_paused = true)]
async fn a_request_that_the_limit_refuses_hands_its_cell_back() {
    let (service, mut inside) = behind(&admission(&Database::new("shop"), 0).layer());
    let (flight, _answer) = admitted(&service, &mut inside);
    for _ in 0..10 {
        assert_eq!(shed(&service), Reason::QueueFull);
    }
    drop(flight);
    passes(&service, &mut inside, get("/"));
    over_quota(&service, get("/"));
}

#[tokio::test(start_paused = true)]
async fn a_request_that_waited_in_vain_hands_its_cell_back() {
    let (service, mut inside) = behind(&admission(&Database::new("shop"), 1).layer());
    let (flight, _answer) = admitted(&service, &mut inside);
    for _ in 0..10 {
        let mut waiting = launch(&service, get("/"));
        advance(401 * MS).await;
        assert!(waiting.poll().is_ready());
    }
    drop(flight);
    passes(&service, &mut inside, get("/"));
    over_quota(&service, get("/"));
}

#[tokio::test(start_paused = true)]
async fn a_request_that_an_open_circuit_refuses_hands_its_cell_back() {
    let db = Database::new("shop");
    let (service, mut inside) = behind(&admission(&db, 0).layer());
    (0..20).for_each(|_| db.record(2 * SECOND, Outcome::Overload));
    advance(100 * MS).await;
    for _ in 0..10 {
        assert_eq!(shed(&service), Reason::CircuitOpen);
    }
    advance(2 * SECOND).await;
    passes(&service, &mut inside, get("/"));
    // Until it has ramped up.
    advance(3 * SECOND).await;
    passes(&service, &mut inside, get("/"));
    over_quota(&service, get("/"));
}
