//! What threads share where every order of events is tried: loom has its own of each.

#[cfg(not(all(brownout_loom, test)))]
pub(crate) use crate::lock::lock;
#[cfg(all(brownout_loom, test))]
pub(crate) use loom::sync::{Arc, Mutex, MutexGuard, atomic::AtomicU64};
#[cfg(not(all(brownout_loom, test)))]
pub(crate) use std::sync::{Arc, Mutex, MutexGuard, atomic::AtomicU64};

/// As [`lock`](crate::lock::lock).
#[cfg(all(brownout_loom, test))]
pub(crate) fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(std::sync::PoisonError::into_inner)
}

/// Tries every order of events with up to three switches where a thread could go on: as
/// much as finds nearly all errors (Musuvathi and Qadeer, 2007), within seconds.
#[cfg(all(brownout_loom, test))]
pub(crate) fn model(trial: impl Fn() + Send + Sync + 'static) {
    let mut model = loom::model::Builder::new();
    model.preemption_bound = Some(3);
    model.check(trial);
}
