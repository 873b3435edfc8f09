//! The open loop: customers come when they come, however slow the shop is.

use std::sync::{Arc, Mutex};
use std::time::Duration;

use tokio::task::JoinSet;
use tokio::time::{Instant, sleep_until};

use super::customers::Customers;
use super::errand::Errand;
use super::record::Exchange;

/// Sends the whole schedule and waits for its last answer.
pub(crate) async fn run(
    start: Instant,
    schedule: Vec<Errand>,
    customers: Customers,
) -> Vec<Exchange> {
    let mut out = JoinSet::new();
    let mut exchanges = Vec::new();
    for errand in schedule {
        sleep_until(start + errand.at).await;
        let customers = customers.clone();
        out.spawn(async move { serve(&customers, errand, start).await });
        while let Some(exchange) = out.try_join_next() {
            exchanges.push(exchange.expect("a customer does not panic"));
        }
    }
    exchanges.extend(out.join_all().await);
    exchanges
}

/// Successes per second of customers who come as soon as the one before is served, in a
/// few queues.
pub(crate) async fn without_pause(schedule: Vec<Errand>, customers: &Customers) -> f64 {
    let start = Instant::now();
    let errands = Arc::new(Mutex::new(schedule.into_iter()));
    let mut queues = JoinSet::new();
    for _ in 0..QUEUES {
        let (customers, errands) = (customers.clone(), Arc::clone(&errands));
        queues.spawn(async move {
            let next = || errands.lock().expect("nobody panics with it").next();
            let mut served = 0_u32;
            while let Some(errand) = next().filter(|_| start.elapsed() < MEASURED) {
                served += u32::from(serve(&customers, errand, start).await.succeeded());
            }
            served
        });
    }
    let served: u32 = queues.join_all().await.into_iter().sum();
    f64::from(served) / start.elapsed().as_secs_f64()
}

async fn serve(customers: &Customers, errand: Errand, start: Instant) -> Exchange {
    let lag = start.elapsed().saturating_sub(errand.at);
    let answers = customers.go(&errand).await;
    Exchange { route: errand.route, arrived: errand.at, lag, answers, order: errand.order }
}

/// How late the generator was with nearly all.
pub(crate) fn lag(exchanges: &[Exchange]) -> Duration {
    let mut lags: Vec<_> = exchanges.iter().map(|exchange| exchange.lag).collect();
    lags.sort();
    lags.get(lags.len() * 99 / 100).copied().unwrap_or_default()
}

/// How many customers are served at once, and for how long, to see what the server does.
const QUEUES: usize = 12;
const MEASURED: Duration = Duration::from_secs(2);
