//! How much memory this process has, over time.

use std::fs;
use std::mem;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use peak_alloc::PeakAlloc;
use tokio::task::JoinHandle;
use tokio::time::{Instant, MissedTickBehavior, interval};

/// Counts what lives on the heap.
#[global_allocator]
static HEAP: PeakAlloc = PeakAlloc;

/// Memory at one moment, in bytes.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Sample {
    at: Duration,
    /// What the system says of the process: also what the allocator keeps for later.
    resident: u64,
    /// What was allocated and not freed.
    heap: u64,
}

/// Samples of a span of time.
#[derive(Debug, Default)]
pub(crate) struct Memory(Vec<Sample>);

/// Takes samples until it is told to stop.
#[derive(Debug)]
pub(crate) struct Watch {
    task: JoinHandle<()>,
    samples: Arc<Mutex<Vec<Sample>>>,
}

impl Watch {
    /// As many as this in the whole time, and what is to be done with each.
    pub(crate) fn during(time: Duration, mut each: impl FnMut() + Send + 'static) -> Self {
        let samples = Arc::<Mutex<Vec<_>>>::default();
        let own = Arc::clone(&samples);
        let start = Instant::now();
        let task = tokio::spawn(async move {
            let mut ticks = interval(time / SAMPLES);
            ticks.set_missed_tick_behavior(MissedTickBehavior::Delay);
            loop {
                ticks.tick().await;
                each();
                own.lock().expect("nobody panics with it").push(Sample::now(start));
            }
        });
        Self { task, samples }
    }

    pub(crate) fn stop(self) -> Memory {
        self.task.abort();
        Memory(mem::take(&mut *self.samples.lock().expect("nobody panics with it")))
    }
}

impl Sample {
    fn now(start: Instant) -> Self {
        Self { at: start.elapsed(), resident: resident(), heap: heap() }
    }
}

/// Bytes that live on the heap now.
pub(crate) fn heap() -> u64 {
    HEAP.current_usage() as u64
}

/// Bytes of the process that are in memory now; 0 if the system does not say.
pub(crate) fn resident() -> u64 {
    let status = fs::read_to_string("/proc/self/status").unwrap_or_default();
    let line = status.lines().find_map(|line| line.strip_prefix("VmRSS:"));
    let kilobytes = line.and_then(|line| line.split_whitespace().next()?.parse::<u64>().ok());
    kilobytes.unwrap_or_default() * 1_024
}

impl Memory {
    /// From the first sample to the last.
    pub(crate) fn lasted(&self) -> Duration {
        self.0.last().map_or(Duration::ZERO, |last| last.at)
    }

    /// Bytes of the heap from the first to the last tenth; negative where it has become less.
    pub(crate) fn growth(&self) -> f64 {
        let (first, last) = self.ends(|sample| sample.heap);
        last - first
    }

    /// In words, without the first tenth: connections, pools and caches fill in it.
    pub(crate) fn describe(&self) -> String {
        let own = Self(self.settled().to_vec());
        let told = |what: &str, of: fn(&Sample) -> u64| {
            let (first, last) = own.ends(of);
            let slope = own.slope(of) * 60.0 / MB;
            format!("{what} {:.1} → {:.1} MB ({slope:+.2} MB/min)", first / MB, last / MB)
        };
        let heap = told("live heap", |sample| sample.heap);
        format!("{heap}, {}", told("resident", |sample| sample.resident))
    }

    /// The samples without the first tenth.
    fn settled(&self) -> &[Sample] {
        &self.0[self.0.len() / 10..]
    }

    /// The means of the first and of the last tenth.
    fn ends(&self, of: impl Fn(&Sample) -> u64) -> (f64, f64) {
        let tenth = self.0.len().div_ceil(10);
        let mean = |samples: &[Sample]| {
            let sum: u64 = samples.iter().map(&of).sum();
            sum as f64 / samples.len().max(1) as f64
        };
        (mean(&self.0[..tenth]), mean(&self.0[self.0.len() - tenth..]))
    }

    /// Bytes per second by least squares; 0 of fewer than two moments.
    fn slope(&self, of: impl Fn(&Sample) -> u64) -> f64 {
        let count = self.0.len() as f64;
        let points = || self.0.iter().map(|own| (own.at.as_secs_f64(), of(own) as f64));
        let (x, y) = points().fold((0.0, 0.0), |sum, own| (sum.0 + own.0, sum.1 + own.1));
        let (x, y) = (x / count, y / count);
        let together: f64 = points().map(|own| (own.0 - x) * (own.1 - y)).sum();
        let spread: f64 = points().map(|own| (own.0 - x).powi(2)).sum();
        if spread > 0.0 { together / spread } else { 0.0 }
    }
}

/// The heap is that of the process: tests that judge it, or fill it, go one after the other.
#[cfg(test)]
pub(crate) static JUDGED: tokio::sync::Mutex<()> = tokio::sync::Mutex::const_new(());

const SAMPLES: u32 = 200;
const MB: f64 = 1_048_576.0;

#[cfg(test)]
mod tests {
    use super::*;

    /// One a second.
    fn memory(heap: impl IntoIterator<Item = u64>) -> Memory {
        let sample =
            |(second, heap)| Sample { at: Duration::from_secs(second), resident: 2 * heap, heap };
        Memory((0..).zip(heap).map(sample).collect())
    }

    fn slope(memory: &Memory) -> f64 {
        memory.slope(|sample| sample.heap)
    }

    #[test]
    fn the_slope_is_that_of_the_line_through_all() {
        assert_eq!(slope(&memory([100; 50])), 0.0);
        assert!((slope(&memory((0..50).map(|n| 1_000 + 7 * n))) - 7.0).abs() < 1e-9);
        assert!((slope(&memory((0..50).map(|n| 1_000 - 7 * n))) + 7.0).abs() < 1e-9);
        let jagged = memory((0..1_000).map(|n| 1_000 + 7 * n + 300 * (n % 2)));
        assert!((slope(&jagged) - 7.0).abs() < 0.1);
    }

    #[test]
    fn without_two_moments_there_is_no_slope() {
        assert_eq!(slope(&memory([])), 0.0);
        assert_eq!(slope(&memory([5])), 0.0);
        assert_eq!(memory([]).growth(), 0.0);
        assert_eq!(memory([]).lasted(), Duration::ZERO);
        assert_eq!(memory([5; 61]).lasted(), Duration::from_secs(60));
    }

    #[test]
    fn growth_is_from_the_first_tenth_to_the_last() {
        let grown = memory((0..100).map(|n| if n < 50 { 10 } else { 30 }));
        assert_eq!(grown.growth(), 20.0);
        let spike = memory((0..100).map(|n| if n == 50 { 1_000 } else { 10 }));
        assert_eq!(spike.growth(), 0.0);
        assert_eq!(memory((0..100).map(|n| 200 - n)).growth(), -90.0);
    }

    #[test]
    fn what_lives_on_the_heap_is_seen_and_what_was_freed_is_not() {
        let _alone = JUDGED.blocking_lock();
        // Others come and go meanwhile, with less than half of this.
        let (before, half) = (heap(), 64 << 20);
        let much = vec![1_u8; 128 << 20];
        assert!(heap() > before + half);
        assert!(resident() > half);
        drop(much);
        assert!(heap() < before + half);
    }
}
