//! The open loop: customers come when they come, however slow the shop is.
//!
//! A closed loop would wait for the shop and so spare it, which no surge does.
//! Latency therefore counts from the intended arrival, not from the moment at
//! which a late generator got round to sending.

use std::collections::HashSet;
use std::time::Duration;

use tokio::sync::mpsc::{UnboundedReceiver, unbounded_channel};
use tokio::time::{Instant, interval, sleep_until};

use crate::client::Customers;
use crate::errand::Errand;
use crate::protection::Guard;
use crate::record::{Exchange, Record};
use crate::shop::Shop;
use crate::timeline::Timeline;
use crate::watching::progress::Progress;

const SAMPLE_EVERY: Duration = Duration::from_millis(100);

/// Sends the whole schedule and waits for its last answer.
pub(crate) async fn run(
    timeline: Timeline,
    schedule: Vec<Errand>,
    customers: &Customers,
    shop: &Shop,
    progress: Progress,
) -> Record {
    let start = Instant::now();
    let (results, finished) = unbounded_channel();
    let collector = tokio::spawn(collect(finished, progress, timeline, start));
    let sampler = tokio::spawn(sample(shop.clone(), start, timeline.end()));
    for errand in schedule {
        sleep_until(start + errand.at).await;
        let (customers, results) = (customers.clone(), results.clone());
        tokio::spawn(async move {
            // The collector outlives every sender.
            let _ = results.send(serve(&customers, errand, start).await);
        });
    }
    drop(results);
    let figures = sampler.await.expect("the sampler does not panic");
    let exchanges = collector.await.expect("the collector does not panic");
    Record { timeline, before: HashSet::new(), exchanges, figures }
}

async fn serve(customers: &Customers, errand: Errand, start: Instant) -> Exchange {
    let lag = start.elapsed().saturating_sub(errand.at);
    let replies = customers.insist(&errand).await;
    Exchange {
        route: errand.route,
        path: errand.path,
        arrived: errand.at,
        lag,
        ended: start.elapsed(),
        whole: replies.last().is_some_and(|reply| reply.whole),
        answers: replies.into_iter().map(|reply| reply.answer).collect(),
        order: errand.order,
    }
}

async fn collect(
    mut finished: UnboundedReceiver<Exchange>,
    mut progress: Progress,
    timeline: Timeline,
    start: Instant,
) -> Vec<Exchange> {
    let mut exchanges = Vec::new();
    let mut refresh = interval(SAMPLE_EVERY);
    loop {
        tokio::select! {
            exchange = finished.recv() => match exchange {
                Some(exchange) => {
                    progress.note(exchange.succeeded());
                    exchanges.push(exchange);
                }
                None => break,
            },
            _ = refresh.tick() => {
                let at = start.elapsed();
                progress.tick(at, timeline.phase(at).name());
            }
        }
    }
    progress.end();
    exchanges
}

async fn sample(shop: Shop, start: Instant, end: Duration) -> Vec<(Duration, Guard)> {
    let mut figures = Vec::new();
    let mut clock = interval(SAMPLE_EVERY);
    while start.elapsed() < end {
        clock.tick().await;
        figures.push((start.elapsed(), shop.figures()));
    }
    figures
}
