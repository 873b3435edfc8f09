//! Something by key, of a bounded number of keys.

use std::hash::BuildHasherDefault;

use quick_cache::{
    UnitWeighter,
    sync::{Cache, EntryAction, EntryResult},
};

use super::clients::Unhashed;
use crate::class::Key;

/// Something by key. When there are too many, those that come rarely are forgotten first.
pub(super) struct Keys<V>(Cache<Key, V, UnitWeighter, BuildHasherDefault<Unhashed>>);

impl<V: Clone + Default> Keys<V> {
    pub(super) fn at_most(keys: usize) -> Self {
        let (weighter, hasher) = (UnitWeighter, BuildHasherDefault::default());
        Self(Cache::with(keys, keys as u64, weighter, hasher, Default::default()))
    }

    pub(super) fn len(&self) -> usize {
        self.0.len()
    }

    /// Shows what there is of `key`, in place, under a lock.
    pub(super) fn visit<T>(&self, key: Key, visit: impl FnOnce(&mut V) -> T) -> T {
        let mut visit = Some(visit);
        let mut once = |own: &mut V| visit.take().expect("a key is found or new")(own);
        match self.0.entry(&key, None, |_, own| EntryAction::Retain(once(own))) {
            EntryResult::Retained(result) => result,
            EntryResult::Vacant(place) => {
                let mut fresh = V::default();
                let result = once(&mut fresh);
                // Fails only where somebody has emptied the cache meanwhile: nobody does.
                let _ = place.insert(fresh);
                result
            }
            _ => unreachable!("entries are retained, without a timeout"),
        }
    }
}
