//! Locking that a panic elsewhere cannot break.

use std::sync::{Mutex, MutexGuard, PoisonError};

/// Locks. A poisoned mutex is used as it is: no code of this crate that runs under a
/// lock leaves its state half changed.
pub(crate) fn lock<T: ?Sized>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}
