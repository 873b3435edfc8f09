//! A clock that peers cannot tell from the system's.
//!
//! The peers ask `Instant::now`, which asks the C library's `clock_gettime`. This file puts
//! another function of that name in its place, for this executable alone. It answers with
//! the virtual time while a simulation runs in the thread that asks, and with the real
//! time otherwise.

use std::{cell::Cell, ptr};

thread_local! {
    /// In nanoseconds; 0 stands for real time.
    static VIRTUAL: Cell<u64> = const { Cell::new(0) };
}

/// From now on, this is the time in this thread, in seconds from the beginning.
pub fn set(seconds: f64) {
    VIRTUAL.set(BEGINNING + (seconds * 1e9) as u64);
}

/// From now on, the time in this thread is the real one.
pub fn release() {
    VIRTUAL.set(0);
}

/// What the C library calls so.
///
/// # Safety
///
/// `time` is what a caller of `clock_gettime` has to pass.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn clock_gettime(clock: libc::clockid_t, time: *mut libc::timespec) -> i32 {
    let now = VIRTUAL.get();
    if now == 0 || clock != libc::CLOCK_MONOTONIC {
        // SAFETY: it is the same call, past the C library.
        return unsafe { libc::syscall(libc::SYS_clock_gettime, clock, time) as i32 };
    }
    let (tv_sec, tv_nsec) = ((now / 1_000_000_000) as i64, (now % 1_000_000_000) as i64);
    // SAFETY: the caller vouches for it, and it need not be initialised.
    unsafe { ptr::write(time, libc::timespec { tv_sec, tv_nsec }) };
    0
}

/// Later than any real time that was read before, or time would seem to go back.
const BEGINNING: u64 = 1_000_000_000 * 1_000_000_000;

#[cfg(test)]
mod tests {
    use std::time::{Duration, Instant};

    use super::*;

    #[test]
    fn instants_are_as_far_apart_as_the_virtual_times() {
        set(1.0);
        let (std, tokio) = (Instant::now(), tokio::time::Instant::now());
        assert_eq!(std, Instant::now(), "time stands still");
        set(3.5);
        assert_eq!(std.elapsed(), Duration::from_millis(2500));
        assert_eq!(tokio.elapsed(), Duration::from_millis(2500));
        release();
    }

    #[test]
    fn without_a_simulation_time_is_real() {
        let (real, virtual_in_another) = (Instant::now(), std::thread::spawn(|| set(9.0)));
        virtual_in_another.join().expect("it does not panic");
        std::thread::sleep(Duration::from_millis(2));
        let passed = real.elapsed();
        assert!((2..1000).contains(&passed.as_millis()), "{passed:?}");
    }
}
