//! The peers, each as its documentation sets it up.

use std::{sync::Arc, time::Duration};

use brownout::simulate::Guard;
use congestion_limiter::limits;
use little_loadshedder::LoadShed;
use rate_limiter_aimd::adaptive_concurrency::{
    AdaptiveConcurrencySettings, retries::RetryLogic, service::AdaptiveConcurrencyLimit,
};
use tower::limit::ConcurrencyLimit;
use tower_acc::Algorithm;
use tower_resilience_adaptive::{AdaptiveService, ConcurrencyAlgorithm};

use crate::{
    congestion::Congestion,
    contest::{Contestant, Role},
    driven::Driven,
    query::{Database, Failed},
};

/// All peers where the pool is touched, and some around the whole application.
pub fn peers() -> Vec<Contestant> {
    let peer = |name, guard| Contestant { name, role: Role::Other, guard };
    vec![
        peer("tower limit 16", || tower(16)),
        peer("tower limit 100", || tower(100)),
        peer("tower limit 100, around all", || tower(100).around_all()),
        peer("tower-acc Gradient2", || acc(tower_acc::Gradient2::default())),
        peer("tower-acc Gradient2, around all", || {
            acc(tower_acc::Gradient2::default()).around_all()
        }),
        peer("tower-acc Vegas", || acc(tower_acc::Vegas::default())),
        peer("tower-acc AIMD", || acc(tower_acc::Aimd::default())),
        peer("tower-resilience Gradient2", || resilience(resilience_gradient2())),
        peer("tower-resilience Vegas", || resilience(resilience_vegas())),
        peer("tower-resilience AIMD", || resilience(resilience_aimd())),
        peer("little-loadshedder", little),
        peer("congestion-limiter Gradient, caught", || {
            congestion(limits::Gradient::new_with_initial_limit(10))
        }),
        peer("congestion-limiter Vegas", || congestion(limits::Vegas::new_with_initial_limit(10))),
        peer("congestion-limiter AIMD", || congestion(limits::Aimd::new_with_initial_limit(10))),
        peer("rate_limiter_aimd (Vector ARC)", vector),
    ]
}

fn tower(limit: usize) -> Guard {
    Guard::other(Driven::new(ConcurrencyLimit::new(Database, limit), |_| 0))
}

fn acc<A: Algorithm + 'static>(algorithm: A) -> Guard {
    Guard::other(Driven::new(tower_acc::ConcurrencyLimit::new(Database, algorithm), |_| 0))
}

fn resilience<A: ConcurrencyAlgorithm + 'static>(algorithm: A) -> Guard {
    let service = AdaptiveService::new(Database, Arc::new(algorithm));
    Guard::other(Driven::new(service, AdaptiveService::limit))
}

fn resilience_gradient2() -> tower_resilience_adaptive::Gradient2 {
    tower_resilience_adaptive::Gradient2::builder().build().expect("the defaults are right")
}

fn resilience_vegas() -> tower_resilience_adaptive::Vegas {
    tower_resilience_adaptive::Vegas::builder().build().expect("the defaults are right")
}

fn resilience_aimd() -> tower_resilience_adaptive::Aimd {
    tower_resilience_adaptive::Aimd::builder().build().expect("the defaults are right")
}

/// The weight is that of its example; the target is half of what a customer waits.
fn little() -> Guard {
    let service = LoadShed::new(Database, 0.01, Duration::from_millis(500));
    Guard::other(Driven::new(service, LoadShed::concurrency))
}

fn congestion<T>(algorithm: T) -> Guard
where
    T: limits::LimitAlgorithm + std::fmt::Debug + Sync + 'static,
{
    Guard::other(Congestion::new(algorithm))
}

fn vector() -> Guard {
    let settings = AdaptiveConcurrencySettings::default();
    Guard::other(Driven::new(
        AdaptiveConcurrencyLimit::new(Database, NoRetry, None, settings),
        |_| 0,
    ))
}

/// A query that failed at once was no sign of pressure.
#[derive(Clone, Debug)]
struct NoRetry;

impl RetryLogic for NoRetry {
    type Error = Failed;
    type Response = ();

    fn is_retriable_error(&self, _error: &Failed) -> bool {
        false
    }
}
