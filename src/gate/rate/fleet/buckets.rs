//! Buckets that the processes of a fleet share.

use std::{error::Error, future::Future, pin::Pin, sync::Arc, time::Duration};

use crate::class::Key;

/// Buckets that the processes of a fleet share, such as in Redis.
///
/// A [`Fleet`](crate::Fleet) makes a quota of them, and has everything that does not belong
/// to the store: it leases, remembers, bounds the time, and goes on without an answer. So an
/// implementation only asks, and fails where it is not answered.
pub trait SharedBuckets: Send + Sync + 'static {
    /// Takes from a bucket, at the time of whoever keeps it: in one step, as many units of
    /// all the rates as there are, from `least` to `most`; nothing if there are fewer.
    ///
    /// # Errors
    ///
    /// Whatever is in the way; the request is decided without the store then. So it is
    /// after a panic.
    ///
    /// # Cancel safety
    ///
    /// The future is dropped when the time is over or the client has left, at any point.
    /// What the store takes all the same is lost to the fleet.
    fn take(&self, order: Order) -> Shared<Taken>;

    /// Tells that this process is there, and how many there were of late with it: at
    /// least 1. Asked for every two seconds at most, in a task of its own, and given up
    /// after as long.
    ///
    /// # Errors
    ///
    /// Whatever is in the way; what was told last holds on.
    fn members(&self) -> Shared<usize>;
}

/// What a fleet shares, on its way.
pub type Shared<T> = Pin<Box<dyn Future<Output = Result<T, Box<dyn Error + Send + Sync>>> + Send>>;

/// What is to be taken from one bucket.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub struct Order {
    /// Whose bucket it is. `None`: that of all requests without a key.
    pub key: Option<Key>,
    /// The rates that hold for it, one to four. Each has a theoretical arrival time of its own.
    pub rates: Arc<[SharedRate]>,
    /// The fewest units that are of use, at least 1. More than a burst counts as a burst.
    pub least: u32,
    /// The most units that are wanted, at least as many.
    pub most: u32,
}

impl Order {
    /// From `least` to `most` units of each of these rates, of this client's bucket.
    #[must_use]
    pub fn new(key: Option<Key>, rates: Arc<[SharedRate]>, least: u32, most: u32) -> Self {
        Self { key, rates, least, most }
    }
}

/// One rate of the generic cell rate algorithm.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct SharedRate {
    /// In which one unit comes back, at least a nanosecond.
    pub interval: Duration,
    /// How many units may be taken at once after a pause, at least 1.
    pub burst: u32,
}

impl SharedRate {
    /// One unit back in each interval, and so many at once after a pause.
    #[must_use]
    pub const fn new(interval: Duration, burst: u32) -> Self {
        Self { interval, burst }
    }
}

/// The answer to an [`Order`].
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Taken {
    /// So many units.
    Units {
        /// From the least to the most that was wanted.
        units: u32,
        /// In how long each rate is whole again, in their order.
        full_after: Vec<Duration>,
    },
    /// There are too few.
    Lack {
        /// Of which rate.
        rate: usize,
        /// Until there are enough.
        wait: Duration,
        /// In how long each rate is whole again, in their order.
        full_after: Vec<Duration>,
    },
}
