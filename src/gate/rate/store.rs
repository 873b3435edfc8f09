//! Where the buckets live: one, or a bounded number by key.

use std::{
    convert::Infallible,
    fmt,
    hash::{BuildHasherDefault, Hasher},
    sync::Arc,
    time::Duration,
};

use governor::{
    nanos::Nanos,
    state::{InMemoryState, NotKeyed, StateStore},
};
use quick_cache::{UnitWeighter, sync::Cache};

use crate::class::Key;

/// The buckets behind a rate gate. Clones share them.
#[derive(Clone)]
pub(super) struct Store(Arc<Buckets>);

enum Buckets {
    One(InMemoryState),
    PerKey {
        /// For requests without a key.
        nobody: InMemoryState,
        keys: Cache<Key, Arc<InMemoryState>, UnitWeighter, BuildHasherDefault<Unhashed>>,
    },
}

impl Store {
    pub(super) fn one() -> Self {
        Self(Arc::new(Buckets::One(InMemoryState::default())))
    }

    pub(super) fn per_key(max_keys: usize) -> Self {
        let keys = Cache::with(
            max_keys,
            max_keys as u64,
            UnitWeighter,
            BuildHasherDefault::default(),
            Default::default(),
        );
        Self(Arc::new(Buckets::PerKey { nobody: InMemoryState::default(), keys }))
    }

    /// Hands back a cell that was spent on a request which something else refused.
    pub(super) fn hand_back(&self, key: Option<Key>, interval: Duration) {
        let interval = Nanos::from(interval);
        let earlier = |arrival: Option<Nanos>| {
            Ok::<_, Infallible>(((), arrival.unwrap_or_default().saturating_sub(interval)))
        };
        let Ok(()) = self.measure_and_replace(&key, earlier);
    }
}

impl StateStore for Store {
    type Key = Option<Key>;

    fn measure_and_replace<T, F, E>(&self, key: &Self::Key, f: F) -> Result<T, E>
    where
        F: Fn(Option<Nanos>) -> Result<(T, Nanos), E>,
    {
        let alone = &NotKeyed::NonKey;
        match (&*self.0, key) {
            (Buckets::One(bucket) | Buckets::PerKey { nobody: bucket, .. }, None)
            | (Buckets::One(bucket), Some(_)) => bucket.measure_and_replace(alone, f),
            (Buckets::PerKey { keys, .. }, Some(key)) => {
                let fresh = || Ok::<_, Infallible>(Arc::default());
                let Ok(bucket) = keys.get_or_insert_with(key, fresh);
                bucket.measure_and_replace(alone, f)
            }
        }
    }
}

impl fmt::Debug for Store {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match &*self.0 {
            Buckets::One(_) => f.write_str("One"),
            Buckets::PerKey { keys, .. } => f.debug_tuple("PerKey").field(&keys.len()).finish(),
        }
    }
}

/// A [`Key`] is a seeded hash already.
#[derive(Default)]
struct Unhashed(u64);

impl Hasher for Unhashed {
    fn finish(&self) -> u64 {
        self.0
    }

    fn write(&mut self, bytes: &[u8]) {
        for byte in bytes {
            self.0 = self.0.rotate_left(8) ^ u64::from(*byte);
        }
    }

    fn write_u64(&mut self, hash: u64) {
        self.0 = hash;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_flood_of_keys_stays_within_the_bound() {
        let store = Store::per_key(1_000);
        for client in 0..50_000 {
            let touch = |_| Ok::<_, Infallible>(((), Nanos::from(1)));
            let Ok(()) = store.measure_and_replace(&Some(Key::of(&client)), touch);
        }
        let Buckets::PerKey { keys, .. } = &*store.0 else { panic!("it is keyed") };
        assert!(keys.len() <= 1_000, "{}", keys.len());
    }
}
