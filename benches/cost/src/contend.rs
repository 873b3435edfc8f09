//! What two workers do at once, against what one does.

use std::{
    future::poll_fn,
    time::{Duration, Instant},
};

use brownout::{ConcurrencyLimitLayer, Database, RateLimitLayer};
use http::Request;
use tokio::{
    runtime::{Builder, Runtime},
    task,
};
use tower::{Layer, Service, limit::GlobalConcurrencyLimitLayer};
use tower_resilience_adaptive::{AdaptiveLimiterLayer, Vegas};

use crate::{
    cases::{PLENTY, VALID, Whose, all_three},
    service::Bare,
};

/// What many tasks call.
pub struct Contended {
    pub name: &'static str,
    pub whose: Whose,
    /// How long so many calls take on the workers of a runtime.
    pub take: Box<Take>,
}

type Take = dyn Fn(&Runtime, u64) -> Duration;

pub fn all() -> Vec<Contended> {
    let db = Database::new("shop");
    let rate = RateLimitLayer::new(PLENTY).expect(VALID);
    let acc = tower_acc::ConcurrencyLimitLayer::new(tower_acc::Vegas::default());
    let vegas = Vegas::builder().build().expect(VALID);
    vec![
        contended(Whose::Nobodys, "bare service", Bare),
        contended(Whose::Ours, "concurrency limit", {
            ConcurrencyLimitLayer::protecting(&db).layer(Bare)
        }),
        contended(Whose::Ours, "rate limit", rate.layer(Bare)),
        contended(Whose::Ours, "all three", all_three(&db).layer().layer(Bare)),
        contended(Whose::Peers, "tower, global limit", {
            GlobalConcurrencyLimitLayer::new(100).layer(Bare)
        }),
        contended(Whose::Peers, "tower-acc, Vegas", acc.layer(Bare)),
        contended(Whose::Peers, "tower-resilience, adaptive", {
            AdaptiveLimiterLayer::new(vegas).layer(Bare)
        }),
    ]
}

/// One with so many workers.
pub fn runtime(workers: usize) -> Runtime {
    let runtime = Builder::new_multi_thread().worker_threads(workers).enable_time().build();
    runtime.expect("threads can be started")
}

fn contended<S>(whose: Whose, name: &'static str, service: S) -> Contended
where
    S: Service<Request<()>, Future: Send> + Clone + Send + 'static,
    S::Error: Send,
    S::Response: Send,
{
    let take = move |runtime: &_, calls| take(&service, runtime, calls);
    Contended { name, whose, take: Box::new(take) }
}

fn take<S>(service: &S, runtime: &Runtime, calls: u64) -> Duration
where
    S: Service<Request<()>, Future: Send> + Clone + Send + 'static,
    S::Error: Send,
    S::Response: Send,
{
    let each = calls / TASKS + 1;
    let tasks = || (0..TASKS).map(|_| runtime.spawn(go_on(service.clone(), each)));
    let began = Instant::now();
    let tasks: Vec<_> = tasks().collect();
    for task in tasks {
        runtime.block_on(task).expect("no call panics");
    }
    began.elapsed()
}

/// Calls again and again, and lets others come by as a server does.
async fn go_on<S: Service<Request<()>>>(mut service: S, calls: u64) {
    for call in 1..=calls {
        let ready = poll_fn(|cx| service.poll_ready(cx)).await;
        let answer = match ready {
            Ok(()) => service.call(Request::new(())).await,
            Err(error) => Err(error),
        };
        assert!(answer.is_ok(), "nobody is refused");
        // Or its permit would be held while others come by.
        drop(answer);
        if call % 16 == 0 {
            task::yield_now().await;
        }
    }
}

const TASKS: u64 = 64;
