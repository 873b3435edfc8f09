//! Panics, wherever they happen.

use std::panic;
use std::sync::Once;
use std::sync::atomic::{AtomicUsize, Ordering};

static SEEN: AtomicUsize = AtomicUsize::new(0);

/// How many there were since this was first asked. Each is reported as ever.
pub(crate) fn so_far() -> usize {
    static WATCH: Once = Once::new();
    WATCH.call_once(|| {
        let report = panic::take_hook();
        panic::set_hook(Box::new(move |info| {
            SEEN.fetch_add(1, Ordering::Relaxed);
            report(info);
        }));
    });
    SEEN.load(Ordering::Relaxed)
}
