//: brownout = { path = "../brownout", default-features = false, features = ["redis"] }

use brownout::{Fleet, Key, Quota, RateLimit, redis::RedisBuckets};

fn main() -> Result<(), Box<dyn std::error::Error>> {
    Key::seed_with("the same in each process")?;
    let buckets = RedisBuckets::open("redis://127.0.0.1:6379", "shop")?;
    let fleet = Fleet::new("redis", buckets).lease(10);
    let limit = RateLimit::new(Quota::per_second(10)).per_key().shared(&fleet);
    println!("{:?}", limit.gate()?.snapshot());
    Ok(())
}
