//! A database that fails, and the circuit that opens for it.

use std::time::Duration;

use brownout::{Circuit, CircuitBreakerLayer, Database, Outcome, Rejection};
use http::{Response, StatusCode};
use tokio::time::advance;

use super::{
    MS,
    controlled::{Gated, get, refused},
};

pub(crate) const SLOW: Duration = MS.saturating_mul(100);

pub(crate) fn database() -> Database {
    Database::builder("shop").slow_after(SLOW).build().expect("it is valid")
}

pub(crate) fn protecting(db: &Database) -> CircuitBreakerLayer {
    CircuitBreakerLayer::protecting(db)
}

/// Twenty bad queries within the time of a signal, which the next passer-by sends.
pub(crate) async fn bad_queries(db: &Database) {
    for _ in 0..20 {
        db.record(2 * SLOW, Outcome::Overload);
    }
    advance(100 * MS).await;
    db.record(MS, Outcome::Success);
}

pub(crate) async fn opened(db: &Database) -> CircuitBreakerLayer {
    let layer = protecting(db);
    bad_queries(db).await;
    assert_eq!(layer.gate().circuit(), Circuit::Open);
    layer
}

pub(crate) fn rejection<B>(response: &Response<B>) -> Rejection {
    assert_eq!(response.status(), StatusCode::SERVICE_UNAVAILABLE);
    response.extensions().get::<Rejection>().expect("a refusal says why").clone()
}

/// For how long the service refuses yet.
pub(crate) fn retry_after<S, B>(service: &S) -> Duration
where
    S: Gated<Response = Response<B>>,
{
    rejection(&refused(service, get("/"))).retry_after()
}

/// Waits for as long as a refusal says.
pub(crate) async fn wait_out<S, B>(service: &S)
where
    S: Gated<Response = Response<B>>,
{
    advance(retry_after(service)).await;
}

/// True if it is that, give or take a fifth, or up to twice that: those who are refused for as
/// long do not come back together.
pub(crate) fn spread_from(duration: Duration, expected: Duration) -> bool {
    (expected.mul_f64(0.8)..=expected.mul_f64(2.4)).contains(&duration)
}
