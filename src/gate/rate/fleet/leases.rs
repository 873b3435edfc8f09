//! What is held of all keys.

use std::{fmt, sync::Mutex, time::Instant};

use super::{
    super::{keys::Keys, quotas::Set},
    held::{Held, Landed},
};
use crate::{class::Key, lock::lock};

/// What is held of all keys, of a bounded number.
pub(in crate::gate::rate) struct Leases {
    /// For requests without a key.
    nobody: Mutex<Held>,
    keys: Option<Keys<Held>>,
}

impl Leases {
    pub(in crate::gate::rate) fn one() -> Self {
        Self { nobody: Mutex::default(), keys: None }
    }

    pub(in crate::gate::rate) fn per_key(max_keys: usize) -> Self {
        Self { nobody: Mutex::default(), keys: Some(Keys::at_most(max_keys)) }
    }

    /// How many keys are remembered.
    pub(in crate::gate::rate) fn len(&self) -> usize {
        self.keys.as_ref().map_or(0, Keys::len)
    }

    /// Shows what is held of `key`, in the units in which these quotas count.
    pub(super) fn visit<T>(
        &self,
        key: Option<Key>,
        set: &Set,
        visit: impl FnOnce(&mut Held) -> T,
    ) -> T {
        let visit = |held: &mut Held| (held.count_in(set.units), visit(held));
        // Who waits is woken outside of the lock.
        let (_others, result) = match (&self.keys, key) {
            (Some(keys), Some(key)) => keys.visit(key, visit),
            _ => visit(&mut lock(&self.nobody)),
        };
        result
    }

    /// Takes back units that were spent on a request which something else refused.
    pub(in crate::gate::rate) fn hand_back(
        &self,
        key: Option<Key>,
        set: &Set,
        units: u32,
        now: Instant,
    ) {
        self.visit(key, set, |held| held.hand_back(set, units, now));
    }

    /// Tells those whose wait is over. The units of one who has left are held again.
    pub(super) fn tell(&self, key: Option<Key>, set: &Set, landed: Landed, now: Instant) {
        for waiting in landed.granted {
            if waiting.granted.send(()).is_err() {
                self.hand_back(key, set, waiting.units, now);
            }
        }
    }
}

impl fmt::Debug for Leases {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Leases").field("keys", &self.len()).finish_non_exhaustive()
    }
}
