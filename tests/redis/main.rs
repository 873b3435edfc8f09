//! Buckets in a real Redis: at the address in `REDIS_URL`, or in one that is started to be
//! harmed.

#![cfg(feature = "redis")]

mod exact;
mod network;
mod outages;
mod promises;
#[allow(dead_code, reason = "the faults use the rest")]
#[path = "../../examples/faults/trial/proxy/mod.rs"]
mod proxy;
#[path = "../../examples/fleet/server.rs"]
mod server;

use std::{
    sync::{
        Arc,
        atomic::{AtomicU32, Ordering},
    },
    time::{Duration, SystemTime},
};

use brownout::{Key, Order, SharedBuckets, SharedRate, Taken, redis::RedisBuckets};
use redis::{Client, Commands, Connection};

const MS: Duration = Duration::from_millis(1);
const SECOND: Duration = Duration::from_secs(1);
const DAY: Duration = Duration::from_secs(24 * 3600);

/// A name that nobody else uses on the server for tests. All its keys go with it.
struct Own {
    client: Client,
    name: String,
}

impl Own {
    fn new() -> Self {
        static NEXT: AtomicU32 = AtomicU32::new(0);
        let url = std::env::var("REDIS_URL").expect("set REDIS_URL to a Redis for tests");
        let client = Client::open(url).expect("it is an address");
        let time = SystemTime::UNIX_EPOCH.elapsed().expect("it is later").as_nanos();
        let name = format!("test-{time}-{}", NEXT.fetch_add(1, Ordering::Relaxed));
        Self { client, name }
    }

    fn buckets(&self) -> RedisBuckets {
        RedisBuckets::new(self.client.clone(), &self.name)
    }

    fn connection(&self) -> Connection {
        self.client.get_connection().expect("the server is there")
    }

    fn key(&self, end: &str) -> String {
        format!("brownout:{}:{end}", self.name)
    }

    fn keys(&self) -> Vec<String> {
        let mut connection = self.connection();
        let keys = connection.scan_match(self.key("*")).expect("the server is there");
        keys.map(|key| key.expect("it is text")).collect()
    }
}

impl Drop for Own {
    fn drop(&mut self) {
        let keys = self.keys();
        if !keys.is_empty() {
            let _: usize = self.connection().del(keys).expect("the server is there");
        }
    }
}

fn rates(rates: &[(Duration, u32)]) -> Arc<[SharedRate]> {
    rates.iter().map(|(interval, burst)| SharedRate::new(*interval, *burst)).collect()
}

/// So many units of the bucket of `client`.
fn order(client: &str, rates: &Arc<[SharedRate]>, least: u32, most: u32) -> Order {
    Order::new(Some(Key::of(client)), Arc::clone(rates), least, most)
}

async fn take(buckets: &RedisBuckets, order: &Order) -> Taken {
    buckets.take(order.clone()).await.expect("the server is there")
}

/// None: there were too few.
fn units(taken: &Taken) -> Option<u32> {
    match taken {
        Taken::Units { units, .. } => Some(*units),
        Taken::Lack { .. } => None,
    }
}
