//! One process of the fleet: what it protects, and what it is offered.

use std::{
    cell::RefCell,
    rc::Rc,
    time::{Duration, SystemTime},
};

use brownout::{Class, Fleet, Key, Quota, RateGate, RateLimit, Reason, redis::RedisBuckets};
use redis::Client;
use tokio::{
    runtime::Builder,
    task::{JoinSet, LocalSet},
    time::{Instant, interval, sleep_until},
};

use crate::{
    Result,
    args::{Order, Terms},
    ledger::Ledger,
};

/// Clients that want most, all of them at every process.
pub(crate) const HOT: usize = 3;
/// Clients that seldom come.
const COLD: u32 = 500;
/// How often one of those comes: each so many requests.
const SELDOM: u64 = 20;

/// Serves as long as it was told, and prints its ledger.
pub(crate) fn run(order: &Order) -> Result<()> {
    let runtime = Builder::new_current_thread().enable_all().build()?;
    let ledger = LocalSet::new().block_on(&runtime, serve(order))?;
    println!("{}", ledger.to_json());
    Ok(())
}

fn gate(url: &str, terms: Terms) -> Result<RateGate> {
    Key::seed_with("the secret of this fleet")?;
    let buckets = RedisBuckets::new(Client::open(url)?, "example");
    let patience = Duration::from_millis(terms.patience);
    let fleet = Fleet::new("redis", buckets).lease(terms.lease).time_bound(patience);
    let quota = Quota::per_second(terms.rate).burst(terms.burst());
    Ok(RateLimit::new(quota).per_key().shared(&fleet).gate()?)
}

async fn serve(order: &Order) -> Result<Ledger> {
    let (gate, terms) = (gate(&order.url, order.terms)?, order.terms);
    let start = Instant::now() + until(order.start);
    greet(&gate, start).await;
    let before = gate.snapshot();
    let ledger = Rc::new(RefCell::new(Ledger::new(HOT)));
    let mut requests = JoinSet::new();
    let (end, mut ticks) = (start + Duration::from_secs(terms.seconds.into()), interval(TICK));
    let rate = terms.times * f64::from(terms.rate * HOT as u32) / f64::from(terms.processes);
    let rate = rate * SELDOM as f64 / (SELDOM - 1) as f64;
    let mut sent = 0;
    while Instant::now() < end {
        let due = (start.elapsed().as_secs_f64() * rate) as u64;
        for number in sent..due {
            requests.spawn_local(request(gate.clone(), start, number, ledger.clone()));
        }
        sent = due;
        while requests.try_join_next().is_some() {}
        ticks.tick().await;
    }
    requests.join_all().await;
    let (after, mut ledger) = (gate.snapshot(), ledger.take());
    ledger.asked = after.asked - before.asked;
    ledger.alone = after.alone - before.alone;
    Ok(ledger)
}

/// Connects, and makes itself known, before it counts.
async fn greet(gate: &RateGate, start: Instant) {
    while Instant::now() + WARM_UP < start {
        // Whether it is admitted does not matter.
        let _ = gate.acquire(&Class::default().key("warm-up")).await;
        tokio::time::sleep(WARM_UP).await;
    }
    sleep_until(start).await;
}

async fn request(gate: RateGate, start: Instant, number: u64, ledger: Rc<RefCell<Ledger>>) {
    let hot = (number % SELDOM != 0).then_some(number as usize % HOT);
    let class = match hot {
        Some(client) => Class::default().key(&("hot", client)),
        None => Class::default().key(&("cold", rand::random_range(0..COLD))),
    };
    let asked = Instant::now();
    let result = gate.acquire(&class).await;
    let took = asked.elapsed();
    let mut ledger = ledger.borrow_mut();
    match result {
        Ok(_) => ledger.admit(hot, start.elapsed(), took),
        Err(rejection) => ledger.refuse(hot, rejection.reason() == Reason::Quota, took),
    }
}

fn until(start: u64) -> Duration {
    let now = SystemTime::UNIX_EPOCH.elapsed().unwrap_or_default();
    Duration::from_millis(start).saturating_sub(now)
}

const TICK: Duration = Duration::from_millis(1);
const WARM_UP: Duration = Duration::from_millis(100);
