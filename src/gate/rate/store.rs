//! Where the buckets live: one, or a bounded number by key.

use std::{cell::Cell, fmt};

use governor::state::InMemoryState;

use super::{keys::Keys, quotas::Set, spend::Bucket};
use crate::class::Key;

/// The buckets behind a rate gate.
pub(super) struct Store {
    /// For requests without a key.
    nobody: [InMemoryState; Set::MOST],
    keys: Option<Keys<Arrivals>>,
}

impl Store {
    pub(super) fn one() -> Self {
        Self { nobody: Default::default(), keys: None }
    }

    pub(super) fn per_key(max_keys: usize) -> Self {
        Self { nobody: Default::default(), keys: Some(Keys::at_most(max_keys)) }
    }

    pub(super) fn is_per_key(&self) -> bool {
        self.keys.is_some()
    }

    /// How many keys are remembered.
    pub(super) fn len(&self) -> usize {
        self.keys.as_ref().map_or(0, Keys::len)
    }

    /// Shows the bucket of `key`, with a place for so many quotas.
    pub(super) fn visit<T>(
        &self,
        key: Option<Key>,
        quotas: usize,
        visit: impl FnOnce(Bucket<'_>) -> T,
    ) -> T {
        match (&self.keys, key) {
            (Some(keys), Some(key)) => {
                keys.visit(key, |arrivals| visit(Bucket::Held(arrivals.of(quotas))))
            }
            _ => visit(Bucket::Shared(&self.nobody)),
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
