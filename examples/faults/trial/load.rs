//! The open loop: customers come when they come, however slow the shop is.

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
