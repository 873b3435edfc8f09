//! A sliding time window: a ring of ten buckets.

use std::time::Duration;

use super::stamp::{Stamp, nanos};

const BUCKETS: u64 = 10;

/// What was counted during the last `length`, to a tenth of it. Moving on costs one
/// step per bucket that has passed and never more than ten.
#[derive(Clone, Debug)]
pub(crate) struct Window<T> {
    buckets: [T; BUCKETS as usize],
    /// Of a bucket, in nanoseconds.
    width: u64,
    head: usize,
    head_since: Stamp,
}

impl<T: Default> Window<T> {
    pub(crate) fn new(length: Duration, now: Stamp) -> Self {
        Self {
            buckets: Default::default(),
            width: (nanos(length) / BUCKETS).max(1),
            head: 0,
            head_since: now,
        }
    }

    /// The bucket for what happens now.
    pub(crate) fn current(&mut self, now: Stamp) -> &mut T {
        self.advance(now);
        &mut self.buckets[self.head]
    }

    /// All that is in the window now.
    pub(crate) fn recent(&mut self, now: Stamp) -> impl Iterator<Item = &T> {
        self.advance(now);
        self.buckets.iter()
    }

    /// What was counted during the last `span`, to a bucket.
    pub(crate) fn newest(&mut self, now: Stamp, span: Duration) -> impl Iterator<Item = &T> {
        self.advance(now);
        let count = nanos(span).div_ceil(self.width);
        let count = usize::try_from(count).unwrap_or(usize::MAX).min(self.buckets.len());
        let (buckets, size) = (&self.buckets, self.buckets.len());
        let end = self.head + size;
        (end + 1 - count..=end).map(move |at| &buckets[at % size])
    }

    pub(crate) fn clear(&mut self) {
        self.buckets = Default::default();
    }

    #[inline]
    fn advance(&mut self, now: Stamp) {
        let behind = now.nanos_since(self.head_since);
        if behind >= self.width {
            self.move_on(now, behind / self.width);
        }
    }

    #[cold]
    fn move_on(&mut self, now: Stamp, buckets: u64) {
        if buckets >= BUCKETS {
            self.clear();
            self.head_since = now;
            return;
        }
        for _ in 0..buckets {
            self.head = (self.head + 1) % self.buckets.len();
            self.buckets[self.head] = T::default();
        }
        self.head_since = self.head_since + Duration::from_nanos(buckets * self.width);
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::time::Instant;

    fn sum(window: &mut Window<u64>, now: Stamp) -> u64 {
        window.recent(now).sum()
    }

    #[test]
    fn counts_leave_after_the_window_length() {
        let t0 = Stamp::of(Instant::now());
        let mut window = Window::new(Duration::from_secs(10), t0);
        *window.current(t0) += 1;
        *window.current(t0 + Duration::from_secs(5)) += 2;
        assert_eq!(sum(&mut window, t0 + Duration::from_millis(9_999)), 3);
        assert_eq!(sum(&mut window, t0 + Duration::from_millis(10_000)), 2);
        assert_eq!(sum(&mut window, t0 + Duration::from_millis(15_000)), 0);
    }

    #[test]
    fn a_long_silence_empties_the_window() {
        let t0 = Stamp::of(Instant::now());
        let mut window = Window::new(Duration::from_secs(1), t0);
        *window.current(t0) += 7;
        assert_eq!(sum(&mut window, t0 + Duration::from_secs(3600)), 0);
    }

    #[test]
    fn the_newest_are_told_from_the_rest() {
        let t0 = Stamp::of(Instant::now());
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
        let t0 = Stamp::of(Instant::now()) + Duration::from_secs(60);
        let mut window = Window::new(Duration::from_secs(1), t0);
        *window.current(t0) += 7;
        assert_eq!(sum(&mut window, t0 - Duration::from_secs(30)), 7);
    }

    use proptest::prelude::*;

    proptest! {
        /// Against a list of what was counted and when, in tenths of the length.
        #[test]
        fn a_window_is_the_list_of_its_last_ten_tenths(
            steps in prop::collection::vec((0..40_u32, 0..9_u64, 0..15_u32), 1..100),
        ) {
            let width = Duration::from_millis(100);
            let mut at = Stamp::of(Instant::now());
            let mut window = Window::<u64>::new(10 * width, at);
            let (mut list, mut head, mut tenth) = (Vec::new(), at, 0);
            for (quarters, count, span) in steps {
                at = at + quarters * width / 4;
                let passed = at.nanos_since(head) / 100_000_000;
                tenth += passed;
                // After a pause as long as all of it, the tenths begin anew.
                head = if passed >= 10 { at } else { head.after(passed * 100_000_000) };
                *window.current(at) += count;
                list.push((tenth, count));
                let newest = |tenths: u64| -> u64 {
                    let recent = list.iter().filter(|(own, _)| own + tenths > tenth);
                    recent.map(|(_, count)| count).sum()
                };
                prop_assert_eq!(window.recent(at).sum::<u64>(), newest(10));
                let told: u64 = window.newest(at, span * width).sum();
                prop_assert_eq!(told, newest(span.min(10).into()));
                let told: u64 = window.newest(at, span * width + width / 9).sum();
                prop_assert_eq!(told, newest((span + 1).min(10).into()), "to a bucket, up");
            }
        }
    }
}
