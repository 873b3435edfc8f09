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

    pub(super) fn visit<T>(&self, key: Option<Key>, visit: impl FnOnce(&mut Held) -> T) -> T {
        match (&self.keys, key) {
            (Some(keys), Some(key)) => keys.visit(key, visit),
            _ => visit(&mut lock(&self.nobody)),
        }
    }

    /// Takes back units that were spent on a request which something else refused.
    pub(in crate::gate::rate) fn hand_back(
        &self,
        key: Option<Key>,
        set: &Set,
        units: u32,
        now: Instant,
    ) {
        self.visit(key, |held| held.hand_back(set, units, now));
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
