//! A sliding time window: a ring of ten buckets.

use std::time::{Duration, Instant};

const BUCKETS: u32 = 10;

/// What was counted during the last `length`, to a tenth of it. Moving on costs one
/// step per bucket that has passed and never more than ten.
#[derive(Clone, Debug)]
pub(crate) struct Window<T> {
    buckets: [T; BUCKETS as usize],
    width: Duration,
    head: usize,
    head_since: Instant,
}

impl<T: Default> Window<T> {
    pub(crate) fn new(length: Duration, now: Instant) -> Self {
        Self {
            buckets: Default::default(),
            width: (length / BUCKETS).max(Duration::from_nanos(1)),
            head: 0,
            head_since: now,
        }
    }

    /// The bucket for what happens now.
    pub(crate) fn current(&mut self, now: Instant) -> &mut T {
        self.advance(now);
        &mut self.buckets[self.head]
    }

    /// All that is in the window now.
    pub(crate) fn recent(&mut self, now: Instant) -> impl Iterator<Item = &T> {
        self.advance(now);
        self.buckets.iter()
    }

    /// What was counted during the last `span`, to a bucket.
    pub(crate) fn newest(&mut self, now: Instant, span: Duration) -> impl Iterator<Item = &T> {
        self.advance(now);
        let count = span.as_nanos().div_ceil(self.width.as_nanos());
        let count = usize::try_from(count).unwrap_or(usize::MAX).min(self.buckets.len());
        let (buckets, size) = (&self.buckets, self.buckets.len());
        let end = self.head + size;
        (end + 1 - count..=end).map(move |at| &buckets[at % size])
    }

    pub(crate) fn clear(&mut self) {
        self.buckets = Default::default();
    }

    fn advance(&mut self, now: Instant) {
        let mut behind = now.saturating_duration_since(self.head_since);
        if behind >= self.width * BUCKETS {
            self.clear();
            self.head_since = now;
            return;
        }
        while behind >= self.width {
            self.head = (self.head + 1) % self.buckets.len();
            self.buckets[self.head] = T::default();
            self.head_since += self.width;
            behind -= self.width;
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn sum(window: &mut Window<u64>, now: Instant) -> u64 {
        window.recent(now).sum()
    }

    #[test]
    fn counts_leave_after_the_window_length() {
        let t0 = Instant::now();
        let mut window = Window::new(Duration::from_secs(10), t0);
        *window.current(t0) += 1;
        *window.current(t0 + Duration::from_secs(5)) += 2;
        assert_eq!(sum(&mut window, t0 + Duration::from_millis(9_999)), 3);
        assert_eq!(sum(&mut window, t0 + Duration::from_millis(10_000)), 2);
        assert_eq!(sum(&mut window, t0 + Duration::from_millis(15_000)), 0);
    }

    #[test]
    fn a_long_silence_empties_the_window() {
        let t0 = Instant::now();
        let mut window = Window::new(Duration::from_secs(1), t0);
        *window.current(t0) += 7;
        assert_eq!(sum(&mut window, t0 + Duration::from_secs(3600)), 0);
    }

    #[test]
    fn the_newest_are_told_from_the_rest() {
        let t0 = Instant::now();
        let mut window = Window::new(Duration::from_secs(10), t0);
        for second in 0..15 {
            *window.current(t0 + Duration::from_secs(second)) += 1 << second;
        }
        let now = t0 + Duration::from_millis(14_500);
        let newest = |window: &mut Window<u64>, seconds| -> u64 {
            window.newest(now, Duration::from_secs(seconds)).sum()
        };
        assert_eq!(newest(&mut window, 1), 1 << 14);
        assert_eq!(newest(&mut window, 3), 0b111 << 12);
        assert_eq!(newest(&mut window, 3600), sum(&mut window, now));
    }

    #[test]
    fn a_clock_that_steps_back_changes_nothing() {
        let t0 = Instant::now() + Duration::from_secs(60);
        let mut window = Window::new(Duration::from_secs(1), t0);
        *window.current(t0) += 7;
        assert_eq!(sum(&mut window, t0 - Duration::from_secs(30)), 7);
    }
}
