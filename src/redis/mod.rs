//! Quotas that a fleet shares, in [Redis](https://redis.io) or [Valkey](https://valkey.io).
//!
//! [`RedisBuckets`] keeps the buckets of all processes in one place, for a
//! [`Fleet`](crate::Fleet) that asks for them. Each decision is one script there, so it is
//! one step, and its clock is the server's.
//!
//! ```
//! use brownout::{Fleet, Key, Quota, RateLimit, redis::RedisBuckets};
//!
//! # #[tokio::main(flavor = "current_thread")]
//! # async fn main() -> Result<(), Box<dyn std::error::Error>> {
//! # let secret = "hunter2";
//! Key::seed_with(secret)?; // the same in every process, or they make different keys
//! // Connects when it is first needed, so a service starts without it.
//! let buckets = RedisBuckets::open("redis://127.0.0.1:6379", "shop")?;
//! let fleet = Fleet::new("redis", buckets);
//! let limit = RateLimit::new(Quota::per_second(10)).per_key().shared(&fleet);
//! # let _ = limit.gate()?;
//! # Ok(()) }
//! ```
//!
//! For TLS, add the crate `redis` 1.x to your own dependencies, with one of its features, such as
//! `tokio-rustls-comp`. [`RedisBuckets::new`] takes a client of it.
//!
//! Only a broken address is an error when the service starts. That nothing answers there, that
//! the password is wrong or that the user may not run a script shows as
//! [`Event::FleetLost`](crate::Event::FleetLost) with the first request, which tells which of
//! these it is. A first connection may also take longer than the
//! [time bound](crate::Fleet::time_bound): then the event is followed by
//! [`Event::FleetFound`](crate::Event::FleetFound) with a later request.
//!
//! # What is kept
//!
//! | key | |
//! |---|---|
//! | `brownout:shop:0123456789abcdef` | a client's bucket: its theoretical arrival times, one for each rate, as text |
//! | `brownout:shop:all` | the bucket of all requests without a key |
//! | `brownout:shop:members` | a sorted set of the processes, by when they last told that they are there |
//!
//! A bucket expires by itself when it is whole again, and a script touches one key only, so
//! it works on a cluster. Persistence is not needed: what is lost are the debts of some
//! clients. The server should have memory for all that are not whole (some 170 bytes each) or
//! refuse to grow (`noeviction`): who is evicted starts afresh. A user of its own needs
//! `EVALSHA`, `SCRIPT LOAD`, `TIME`, `GET`, `SET`, `ZADD`, `ZREMRANGEBYSCORE`, `PEXPIRE` and
//! `ZCARD` on `brownout:*`; on a cluster also `CLUSTER SLOTS` and `PING`.
//!
//! # Exactness
//!
//! The server's clock has microseconds, debts are kept in nanoseconds, and no step rounds
//! before the year 2150. So a quota holds from one a day to one a nanosecond. A wait is
//! rounded up to whole microseconds of the server's clock, and is the longest of all rates.
//! If that clock is set back, nobody waits for longer than a burst.

mod buckets;
mod doubt;
#[cfg(fuzzing)]
#[doc(hidden)]
pub mod fuzzing;
mod link;
mod members;
mod take;

pub use buckets::RedisBuckets;
