//! What became of all requests, of one process or of all.

use std::time::Duration;

use hdrhistogram::Histogram;
use serde_json::{Value, json};

use crate::Result;

#[derive(Clone, Debug, Default, PartialEq)]
pub(crate) struct Ledger {
    /// By hot client and tenth of a second since the start.
    pub(crate) admitted: Vec<Vec<u64>>,
    /// Of the hot ones.
    pub(crate) refused: u64,
    pub(crate) cold_admitted: u64,
    pub(crate) cold_refused: u64,
    /// For anything but the quota.
    pub(crate) failed: u64,
    /// Questions to Redis.
    pub(crate) asked: u64,
    /// Requests that were decided without the answer that they needed.
    pub(crate) alone: u64,
    pub(crate) checks: Checks,
}

/// How long it took to decide, in nanoseconds.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Checks {
    pub(crate) admitted: Histogram<u64>,
    pub(crate) refused: Histogram<u64>,
}

impl Default for Checks {
    fn default() -> Self {
        let empty = || Histogram::new_with_bounds(1, MINUTE, 3).expect("they are allowed");
        Self { admitted: empty(), refused: empty() }
    }
}

impl Ledger {
    pub(crate) fn new(hot: usize) -> Self {
        Self { admitted: vec![Vec::new(); hot], ..Self::default() }
    }

    pub(crate) fn admit(&mut self, hot: Option<usize>, since_start: Duration, took: Duration) {
        self.checks.admitted.saturating_record(took.as_nanos() as u64);
        let Some(client) = hot else {
            self.cold_admitted += 1;
            return;
        };
        *slot(&mut self.admitted[client], (since_start.as_millis() / 100) as usize) += 1;
    }

    pub(crate) fn refuse(&mut self, hot: Option<usize>, by_quota: bool, took: Duration) {
        self.checks.refused.saturating_record(took.as_nanos() as u64);
        self.failed += u64::from(!by_quota);
        match hot {
            Some(_) => self.refused += 1,
            None => self.cold_refused += 1,
        }
    }

    pub(crate) fn requests(&self) -> u64 {
        let admitted: u64 = self.admitted.iter().flatten().sum();
        admitted + self.refused + self.cold_admitted + self.cold_refused
    }

    /// Adds the requests of another process.
    pub(crate) fn add(&mut self, other: &Self) {
        for (client, slots) in other.admitted.iter().enumerate() {
            for (time, count) in slots.iter().enumerate() {
                *slot(&mut self.admitted[client], time) += count;
            }
        }
        let [own, others] = [self.counts(), other.counts()];
        self.set_counts(std::array::from_fn(|count| own[count] + others[count]));
        self.checks.admitted += &other.checks.admitted;
        self.checks.refused += &other.checks.refused;
    }

    pub(crate) fn to_json(&self) -> Value {
        let Checks { admitted, refused } = &self.checks;
        json!([self.admitted, self.counts(), pairs(admitted), pairs(refused)])
    }

    pub(crate) fn from_json(text: &str) -> Result<Self> {
        type Told = (Vec<Vec<u64>>, [u64; 6], Vec<(u64, u64)>, Vec<(u64, u64)>);
        let (admitted, counts, of_admitted, of_refused): Told = serde_json::from_str(text)?;
        let mut ledger = Self { admitted, ..Self::default() };
        ledger.set_counts(counts);
        for (value, count) in of_admitted {
            ledger.checks.admitted.saturating_record_n(value, count);
        }
        for (value, count) in of_refused {
            ledger.checks.refused.saturating_record_n(value, count);
        }
        Ok(ledger)
    }

    fn counts(&self) -> [u64; 6] {
        let Self { refused, cold_admitted, cold_refused, failed, asked, alone, .. } = *self;
        [refused, cold_admitted, cold_refused, failed, asked, alone]
    }

    fn set_counts(&mut self, counts: [u64; 6]) {
        let [refused, cold_admitted, cold_refused, failed, asked, alone] = counts;
        let (admitted, checks) = (std::mem::take(&mut self.admitted), self.checks.clone());
        *self =
            Self { admitted, refused, cold_admitted, cold_refused, failed, asked, alone, checks };
    }
}

fn slot(slots: &mut Vec<u64>, slot: usize) -> &mut u64 {
    let length = slots.len().max(slot + 1);
    slots.resize(length, 0);
    &mut slots[slot]
}

const MINUTE: u64 = 60_000_000_000;

fn pairs(histogram: &Histogram<u64>) -> Vec<(u64, u64)> {
    histogram
        .iter_recorded()
        .map(|step| (step.value_iterated_to(), step.count_at_value()))
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    const MS: Duration = Duration::from_millis(1);

    fn ledger() -> Ledger {
        let mut ledger = Ledger::new(2);
        ledger.admit(Some(1), 250 * MS, 3 * MS);
        ledger.admit(None, 250 * MS, 2 * MS);
        ledger.refuse(Some(0), true, MS);
        ledger.refuse(None, false, MS);
        Ledger { asked: 3, alone: 1, ..ledger }
    }

    #[test]
    fn a_process_is_understood() {
        let ledger = ledger();
        let read = Ledger::from_json(&ledger.to_json().to_string()).expect("it is what was told");
        assert_eq!(read, ledger);
        assert_eq!((read.requests(), read.failed), (4, 1));
    }

    #[test]
    fn processes_add_up() {
        let mut sum = Ledger::new(2);
        sum.add(&ledger());
        sum.add(&ledger());
        assert_eq!(sum.admitted, [vec![], vec![0, 0, 2]]);
        assert_eq!((sum.requests(), sum.asked, sum.alone), (8, 6, 2));
        assert_eq!(sum.checks.refused.len(), 4);
    }
}
