//! What each thread has for itself, so that threads do not wait for each other's caches.

use std::{
    array,
    cell::Cell,
    sync::atomic::{AtomicUsize, Ordering},
};

/// Several of the same: threads that run at once mostly have different ones, and who
/// reads adds them up.
#[derive(Debug)]
pub(crate) struct Striped<T>(Box<[Stripe<T>; STRIPES]>);

/// Two cache lines, since processors fetch them in pairs.
#[derive(Debug)]
#[repr(align(128))]
struct Stripe<T>(T);

impl<T> Striped<T> {
    pub(crate) fn new(make: impl Fn() -> T) -> Self {
        Self(Box::new(array::from_fn(|_| Stripe(make()))))
    }

    /// That of this thread.
    #[inline]
    pub(crate) fn own(&self) -> &T {
        &self.0[thread() % STRIPES].0
    }

    pub(crate) fn all(&self) -> impl Iterator<Item = &T> {
        self.0.iter().map(|stripe| &stripe.0)
    }

    /// All of them, to have something of each at once.
    pub(crate) fn each(&self) -> [&T; STRIPES] {
        self.0.each_ref().map(|stripe| &stripe.0)
    }
}

impl<T: Default> Default for Striped<T> {
    fn default() -> Self {
        Self::new(T::default)
    }
}

/// The number of this thread: they are counted as they come.
#[inline]
fn thread() -> usize {
    #[cfg(not(all(brownout_loom, test)))]
    thread_local! {
        static NUMBER: Cell<usize> = const { Cell::new(NONE) };
    }
    #[cfg(all(brownout_loom, test))]
    loom::thread_local! {
        static NUMBER: Cell<usize> = Cell::new(NONE);
    }
    NUMBER.with(|number| {
        if number.get() == NONE {
            number.set(another());
        }
        number.get()
    })
}

#[cfg(not(all(brownout_loom, test)))]
#[cold]
fn another() -> usize {
    static NEXT: AtomicUsize = AtomicUsize::new(0);
    NEXT.fetch_add(1, Ordering::Relaxed) % NONE
}

/// Counted anew for each order of events.
#[cfg(all(brownout_loom, test))]
fn another() -> usize {
    use loom::sync::atomic::AtomicUsize;
    loom::lazy_static! {
        static ref NEXT: AtomicUsize = AtomicUsize::new(0);
    }
    NEXT.fetch_add(1, Ordering::Relaxed)
}

const NONE: usize = usize::MAX;
/// So many threads have one for themselves. More would take memory, and time of those who
/// read.
const STRIPES: usize = if cfg!(all(brownout_loom, test)) { 2 } else { 8 };

#[cfg(test)]
mod tests {
    use super::*;
    use std::thread::scope;

    #[test]
    fn nothing_that_threads_count_is_lost() {
        let counts = Striped::<AtomicUsize>::default();
        let count = || counts.own().fetch_add(2, Ordering::Relaxed);
        scope(|scope| {
            for _ in 0..9 {
                scope.spawn(|| (0..1_000).for_each(|_| _ = count()));
            }
        });
        assert_eq!(counts.all().map(|own| own.load(Ordering::Relaxed)).sum::<usize>(), 18_000);
    }

    #[test]
    fn threads_that_come_one_after_the_other_have_different_ones() {
        let striped = Striped::new(|| 0_u8);
        let own = || std::ptr::from_ref(striped.own()).addr();
        assert_eq!(own(), own());
        // Other tests count threads meanwhile, but hardly seven each time.
        let differ = || {
            let pair = scope(|scope| [0; 2].map(|_| scope.spawn(own)).map(|one| one.join().ok()));
            pair[0] != pair[1]
        };
        assert!((0..100).any(|_| differ()));
    }
}
