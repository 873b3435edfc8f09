//! Where the buckets live: one, or a bounded number by key.

use std::{
    cell::Cell,
    fmt,
    hash::{BuildHasherDefault, Hasher},
};

use governor::state::InMemoryState;
use quick_cache::{
    UnitWeighter,
    sync::{Cache, EntryAction, EntryResult},
};

use super::{quotas::Set, spend::Bucket};
use crate::class::Key;

/// The buckets behind a rate gate.
pub(super) struct Store {
    /// For requests without a key.
    nobody: [InMemoryState; Set::MOST],
    keys: Option<Keys>,
}

type Keys = Cache<Key, Arrivals, UnitWeighter, BuildHasherDefault<Unhashed>>;

impl Store {
    pub(super) fn one() -> Self {
        Self { nobody: Default::default(), keys: None }
    }

    pub(super) fn per_key(max_keys: usize) -> Self {
        let (weighter, hasher) = (UnitWeighter, BuildHasherDefault::default());
        let keys = Cache::with(max_keys, max_keys as u64, weighter, hasher, Default::default());
        Self { nobody: Default::default(), keys: Some(keys) }
    }

    pub(super) fn is_per_key(&self) -> bool {
        self.keys.is_some()
    }

    /// How many keys are remembered.
    pub(super) fn len(&self) -> usize {
        self.keys.as_ref().map_or(0, Cache::len)
    }

    /// Shows the bucket of `key`, with a place for so many quotas.
    pub(super) fn visit<T>(
        &self,
        key: Option<Key>,
        quotas: usize,
        visit: impl FnOnce(Bucket<'_>) -> T,
    ) -> T {
        let (Some(keys), Some(key)) = (&self.keys, key) else {
            return visit(Bucket::Shared(&self.nobody));
        };
        let mut visit = Some(visit);
        let mut once = |arrivals: &mut Arrivals| {
            let visit = visit.take().expect("a key is found or new");
            visit(Bucket::Held(arrivals.of(quotas)))
        };
        match keys.entry(&key, None, |_, arrivals| EntryAction::Retain(once(arrivals))) {
            EntryResult::Retained(result) => result,
            EntryResult::Vacant(place) => {
                let mut fresh = Arrivals::default();
                let result = once(&mut fresh);
                // Fails only where somebody has emptied the cache meanwhile: nobody does.
                let _ = place.insert(fresh);
                result
            }
            _ => unreachable!("entries are retained, without a timeout"),
        }
    }
}

impl fmt::Debug for Store {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Store").field("keys", &self.len()).finish_non_exhaustive()
    }
}

/// The state of one client at each of its quotas: most have one.
#[derive(Clone)]
enum Arrivals {
    One(u64),
    Many(Box<[u64]>),
}

impl Default for Arrivals {
    fn default() -> Self {
        Self::One(0)
    }
}

impl Arrivals {
    fn of(&mut self, quotas: usize) -> &[Cell<u64>] {
        let known = self.slots();
        if known.len() < quotas {
            let known = known.iter().map(Cell::get).chain(std::iter::repeat(0));
            *self = Self::Many(known.take(quotas).collect());
        }
        self.slots()
    }

    fn slots(&mut self) -> &[Cell<u64>] {
        match self {
            Self::One(arrival) => std::slice::from_ref(Cell::from_mut(arrival)),
            Self::Many(arrivals) => Cell::from_mut(&mut arrivals[..]).as_slice_of_cells(),
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

    fn touch(store: &Store, client: u32) {
        store.visit(Some(Key::of(&client)), 1, |bucket| {
            let Bucket::Held(slots) = bucket else { panic!("it is keyed") };
            slots[0].set(slots[0].get() + 1);
        });
    }

    #[test]
    fn a_flood_of_keys_stays_within_the_bound() {
        let store = Store::per_key(1_000);
        (0..50_000).for_each(|client| touch(&store, client));
        assert!(store.len() <= 1_000, "{}", store.len());
    }

    #[test]
    fn a_second_quota_does_not_forget_the_first() {
        let mut arrivals = Arrivals::One(7);
        arrivals.of(3)[2].set(9);
        let values = |slots: &[Cell<u64>]| slots.iter().map(Cell::get).collect::<Vec<_>>();
        assert_eq!(values(arrivals.of(1)), [7, 0, 9]);
    }
}
