//! A clock that moves as it is told to, so that what is counted is the same each time.
//!
//! `Instant::now` asks the C library's `clock_gettime`. This file puts another function of
//! that name in its place, for this executable alone, and counts how often it is asked.

use std::{
    ptr,
    sync::atomic::{AtomicU64, Ordering},
    time::Duration,
};

static NOW: AtomicU64 = AtomicU64::new(BEGINNING);
static LOOKS: AtomicU64 = AtomicU64::new(0);

/// Moves it on.
pub fn pass(time: Duration) {
    NOW.fetch_add(time.as_nanos() as u64, Ordering::Relaxed);
}

/// How often it was looked at so far.
pub fn looks() -> u64 {
    LOOKS.load(Ordering::Relaxed)
}

/// What the C library calls so. Each look takes a little of its time.
///
/// # Safety
///
/// `time` is what a caller of `clock_gettime` has to pass.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn clock_gettime(_clock: libc::clockid_t, time: *mut libc::timespec) -> i32 {
    // No locked operation, which would count as the caller's.
    LOOKS.store(looks() + 1, Ordering::Relaxed);
    let now = NOW.load(Ordering::Relaxed) + LOOK;
    NOW.store(now, Ordering::Relaxed);
    let (tv_sec, tv_nsec) = ((now / 1_000_000_000) as i64, (now % 1_000_000_000) as i64);
    // SAFETY: the caller vouches for it, and it need not be initialised.
    unsafe { ptr::write(time, libc::timespec { tv_sec, tv_nsec }) };
    0
}

/// In nanoseconds.
const LOOK: u64 = 100;
const BEGINNING: u64 = 1_000_000 * 1_000_000_000;
