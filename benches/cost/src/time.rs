//! How long calls take.

use std::time::{Duration, Instant};

use crate::service::Call;

/// How long so many calls take, without what goes on besides.
pub fn calls(call: &mut Call, times: u64) -> Duration {
    let (mut left, mut took) = (times, Duration::ZERO);
    while left > 0 {
        let batch = left.min(BATCH);
        (call.besides)();
        let began = Instant::now();
        (0..batch).for_each(|_| assert!((call.once)(), "it goes as its name says"));
        took += began.elapsed();
        left -= batch;
    }
    took
}

/// So many that two looks at the clock do not count.
const BATCH: u64 = 512;
