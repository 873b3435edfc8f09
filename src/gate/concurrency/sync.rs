//! What threads share. Loom has its own, which try every order of events.

#[cfg(all(brownout_loom, test))]
pub(super) use loom::sync::{Arc, Mutex, MutexGuard, atomic::AtomicU64};
#[cfg(not(all(brownout_loom, test)))]
pub(super) use std::sync::{Arc, Mutex, MutexGuard, atomic::AtomicU64};
