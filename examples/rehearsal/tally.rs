//! What was seen, counted.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use hdrhistogram::Histogram;

use crate::answer::{Exchange, Kind};
use crate::schedule::Stretch;

/// Where all answers are noted while they come.
#[derive(Clone, Debug, Default)]
pub(crate) struct Tally(Arc<Mutex<Vec<Exchange>>>);

impl Tally {
    pub(crate) fn note(&self, exchange: Exchange) {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).push(exchange);
    }

    /// Those after the first `known`.
    pub(crate) fn after(&self, known: usize) -> Vec<Exchange> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)[known..].to_vec()
    }
}

/// All that was seen of a rehearsal.
#[derive(Clone, Debug)]
pub(crate) struct Seen {
    pub(crate) stretches: Vec<Stretch>,
    /// In the order in which they were due.
    pub(crate) exchanges: Vec<Exchange>,
    /// When somebody ended it early.
    pub(crate) interrupted: Option<Duration>,
}

impl Seen {
    pub(crate) fn new(
        stretches: Vec<Stretch>,
        mut exchanges: Vec<Exchange>,
        interrupted: Option<Duration>,
    ) -> Self {
        // They were noted as they ended.
        exchanges.sort_by_key(|exchange| exchange.due);
        Self { stretches, exchanges, interrupted }
    }

    pub(crate) fn end(&self) -> Duration {
        let planned = self.stretches.last().map_or(Duration::ZERO, |last| last.end);
        self.interrupted.unwrap_or(planned).min(planned)
    }

    /// Of those that were due in a stretch.
    pub(crate) fn within(&self, stretch: &Stretch) -> impl Iterator<Item = &Exchange> {
        let before = |time| self.exchanges.partition_point(|exchange| exchange.due < time);
        self.exchanges[before(stretch.start)..before(stretch.end)].iter()
    }

    /// How often each status came; `None` for those without an answer that were sent.
    pub(crate) fn statuses(&self) -> BTreeMap<Option<u16>, usize> {
        let mut counts = BTreeMap::new();
        for exchange in self.exchanges.iter().filter(|exchange| exchange.kind != Kind::Unsent) {
            *counts.entry(exchange.status).or_default() += 1;
        }
        counts
    }
}

/// Counts and times of some requests.
#[derive(Clone, Debug)]
pub(crate) struct Figures {
    pub(crate) asked: usize,
    counts: [usize; Kind::ALL.len()],
    latencies: Times,
    lags: Times,
}

impl Figures {
    pub(crate) fn of<'a>(exchanges: impl Iterator<Item = &'a Exchange>) -> Self {
        let counts = [0; Kind::ALL.len()];
        let mut figures = Self { asked: 0, counts, latencies: Times::new(), lags: Times::new() };
        for exchange in exchanges {
            figures.asked += 1;
            figures.counts[exchange.kind as usize] += 1;
            figures.lags.note(exchange.lag);
            if exchange.waited() {
                figures.latencies.note(exchange.latency());
            }
        }
        figures
    }

    pub(crate) fn count(&self, kind: Kind) -> usize {
        self.counts[kind as usize]
    }

    /// Those of these kinds in per cent of all; `None` of nothing.
    pub(crate) fn share(&self, is_one: impl Fn(Kind) -> bool) -> Option<f64> {
        let ones: usize =
            Kind::ALL.into_iter().filter(|kind| is_one(*kind)).map(|kind| self.count(kind)).sum();
        (self.asked > 0).then(|| 100.0 * ones as f64 / self.asked as f64)
    }

    /// Of the useful answers, and of those who waited in vain.
    pub(crate) fn latency(&self, quantile: f64) -> Option<Duration> {
        self.latencies.quantile(quantile)
    }

    /// How late the generator was.
    pub(crate) fn lag(&self, quantile: f64) -> Option<Duration> {
        self.lags.quantile(quantile)
    }
}

/// Times, with the longest of them exactly.
#[derive(Clone, Debug)]
struct Times {
    histogram: Histogram<u64>,
    longest: Duration,
}

impl Times {
    fn new() -> Self {
        let histogram = Histogram::new(3).expect("three digits are within bounds");
        Self { histogram, longest: Duration::ZERO }
    }

    fn note(&mut self, time: Duration) {
        self.histogram += time.as_micros().try_into().unwrap_or(u64::MAX);
        self.longest = self.longest.max(time);
    }

    fn quantile(&self, quantile: f64) -> Option<Duration> {
        if self.histogram.is_empty() {
            return None;
        }
        // It answers with the upper end of what it does not tell apart.
        let micros = self.histogram.value_at_quantile(quantile);
        let whole = (quantile >= 1.0).then_some(self.longest);
        Some(whole.unwrap_or_else(|| Duration::from_micros(micros).min(self.longest)))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::answer::exchange;

    #[test]
    fn shares_are_of_all_and_latencies_of_those_who_waited() {
        let seen = [
            exchange(0, 0, 100, Kind::Fresh),
            exchange(0, 1, 200, Kind::Copy),
            exchange(0, 2, 2_000, Kind::TimedOut),
            exchange(0, 3, 1, Kind::Refused),
        ];
        let figures = Figures::of(seen.iter());
        assert_eq!(figures.share(Kind::is_useful), Some(50.0));
        assert_eq!(figures.share(|kind| kind == Kind::Refused), Some(25.0));
        let median = figures.latency(0.5).unwrap();
        assert!(median.abs_diff(Duration::from_millis(200)) < Duration::from_millis(1));
        assert_eq!(figures.latency(1.0), Some(Duration::from_secs(2)));
    }

    #[test]
    fn of_nothing_nothing_is_known() {
        let none = Figures::of([].iter());
        assert_eq!((none.share(|_| true), none.latency(0.5), none.lag(0.5)), (None, None, None));
    }
}
