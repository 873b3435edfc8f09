//! The buckets of clients: a bounded number, of which those that are asked for are kept.

use std::{
    cell::Cell,
    convert::Infallible,
    hash::{BuildHasherDefault, Hasher},
    sync::Mutex,
};

use quick_cache::{OptionsBuilder, UnitWeighter, unsync};

use super::{quotas::Set, spend::Bucket};
use crate::{class::Key, lock::lock};

/// The memory of all is set aside at the beginning, but for the index of a shard, which
/// grows once. Each shard has a lock of its own and is so small that whatever the cache has
/// to do in it is done in microseconds.
pub(super) struct Clients(Box<[Mutex<Shard>]>);

/// The theoretical arrival times of some clients. Most limits have one quota.
enum Shard {
    One(Cache<1>),
    Several(Cache<{ Set::MOST }>),
}

type Cache<const QUOTAS: usize> =
    unsync::Cache<Key, [u64; QUOTAS], UnitWeighter, BuildHasherDefault<Unhashed>>;

impl Clients {
    /// With a place for so many quotas; there may be more later.
    pub(super) fn at_most(keys: usize, quotas: usize) -> Self {
        let shards = keys.div_ceil(Shard::MOST);
        let most = |shard: usize| keys / shards + usize::from(shard < keys % shards);
        Self((0..shards).map(|shard| Mutex::new(Shard::at_most(most(shard), quotas))).collect())
    }

    pub(super) fn len(&self) -> usize {
        self.0.iter().map(|shard| lock(shard).len()).sum()
    }

    /// Shows the bucket of `key`, a fresh one if it has none.
    #[inline]
    pub(super) fn visit<T>(
        &self,
        key: Key,
        quotas: usize,
        visit: impl FnOnce(Bucket<'_>) -> T,
    ) -> T {
        let mut shard = lock(self.shard(key));
        match shard.with_place_for(quotas) {
            Shard::One(keys) => visit_or_insert(keys, key, visit),
            Shard::Several(keys) => visit_or_insert(keys, key, visit),
        }
    }

    /// Shows the bucket of `key`, if it has one.
    pub(super) fn visit_known(&self, key: Key, quotas: usize, visit: impl FnOnce(Bucket<'_>)) {
        let mut shard = lock(self.shard(key));
        match shard.with_place_for(quotas) {
            Shard::One(keys) => keys.peek_mut(&key).map(|mut slots| visit(held(&mut slots[..]))),
            Shard::Several(keys) => {
                keys.peek_mut(&key).map(|mut slots| visit(held(&mut slots[..])))
            }
        };
    }

    #[inline]
    fn shard(&self, key: Key) -> &Mutex<Shard> {
        // By the middle bits, since the cache goes by the others.
        let spread = u128::from(key.get().rotate_left(32)) * self.0.len() as u128;
        &self.0[(spread >> 64) as usize]
    }
}

impl Shard {
    /// As many as fit into 1024 places of a hash table, which is full at seven eighths, and
    /// one that is about to go.
    const MOST: usize = 1024 / 8 * 7 - 1;

    fn at_most(keys: usize, quotas: usize) -> Self {
        if quotas > 1 { Self::Several(cache(keys)) } else { Self::One(cache(keys)) }
    }

    fn len(&self) -> usize {
        match self {
            Self::One(keys) => keys.len(),
            Self::Several(keys) => keys.len(),
        }
    }

    #[inline]
    fn with_place_for(&mut self, quotas: usize) -> &mut Self {
        if quotas > 1 {
            self.grow();
        }
        self
    }

    /// Nobody is forgotten when there are more quotas than before.
    fn grow(&mut self) {
        if let Self::One(keys) = self {
            let mut several = cache(keys.capacity() as usize);
            for (key, [first]) in keys.drain() {
                several.insert(key, [first, 0, 0, 0]);
            }
            *self = Self::Several(several);
        }
    }
}

fn cache<const QUOTAS: usize>(keys: usize) -> Cache<QUOTAS> {
    // Half for those that were asked for again, and half for those that have to be, until
    // as many have come. To remember who was forgotten would take memory and restore nothing.
    let options = OptionsBuilder::new()
        .estimated_items_capacity(keys)
        .weight_capacity(keys as u64)
        .hot_allocation(0.5)
        .ghost_allocation(0.0)
        .build();
    let options = options.expect("the capacity is given");
    let mut cache =
        Cache::with_options(options, UnitWeighter, Default::default(), Default::default());
    cache.reserve(keys + 1);
    cache
}

#[inline]
fn visit_or_insert<const QUOTAS: usize, T>(
    keys: &mut Cache<QUOTAS>,
    key: Key,
    visit: impl FnOnce(Bucket<'_>) -> T,
) -> T {
    let Ok(found) = keys.get_mut_or_insert_with(&key, || Ok::<_, Infallible>([0; QUOTAS]));
    match found {
        Some(mut slots) => visit(held(&mut slots[..])),
        // There is place for so few that it was forgotten at once.
        None => visit(held(&mut [0; QUOTAS])),
    }
}

#[inline]
fn held(slots: &mut [u64]) -> Bucket<'_> {
    Bucket::Held(Cell::from_mut(slots).as_slice_of_cells())
}

/// A [`Key`] is a seeded hash already.
#[derive(Default)]
pub(super) struct Unhashed(u64);

impl Hasher for Unhashed {
    #[inline]
    fn finish(&self) -> u64 {
        self.0
    }

    fn write(&mut self, bytes: &[u8]) {
        for byte in bytes {
            self.0 = self.0.rotate_left(8) ^ u64::from(*byte);
        }
    }

    #[inline]
    fn write_u64(&mut self, hash: u64) {
        self.0 = hash;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn touch(keys: &Clients, client: u32, quotas: usize) -> u64 {
        keys.visit(Key::of(&client), quotas, |bucket| {
            let Bucket::Held(slots) = bucket else { panic!("it is keyed") };
            slots[quotas - 1].set(slots[quotas - 1].get() + 1);
            slots[0].get()
        })
    }

    #[test]
    fn a_flood_of_keys_stays_within_the_bound_and_fills_it() {
        for most in [1, 2, 100, 895, 896, 1_000, 10_000] {
            let keys = Clients::at_most(most, 1);
            (0..50_000).for_each(|client| {
                touch(&keys, client, 1);
            });
            assert_eq!(keys.len(), most);
        }
    }

    #[test]
    fn a_second_quota_does_not_forget_the_first() {
        let keys = Clients::at_most(1_000, 1);
        (0..300).for_each(|client| assert_eq!(touch(&keys, client, 1), 1));
        (0..300).for_each(|client| assert_eq!(touch(&keys, client, 3), 1));
        (0..300).for_each(|client| assert_eq!(touch(&keys, client, 1), 2));
    }

    #[test]
    fn who_is_not_known_does_not_become_so_by_what_is_handed_back() {
        let keys = Clients::at_most(10, 1);
        keys.visit_known(Key::of("somebody"), 1, |_| panic!("nobody is known"));
        assert_eq!(keys.len(), 0);
    }
}
