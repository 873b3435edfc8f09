//! What is counted of one statement between two signals.

use std::{mem, sync::Arc, time::Duration};

use crate::{
    control::call::{Bounds, Verdict},
    signal::{StatementCalls, StatementSignal},
};

/// One statement since the last signal.
#[derive(Debug)]
pub(super) struct Statement {
    pub(super) name: Arc<str>,
    /// By what is known of it.
    pub(super) bounds: Bounds,
    pub(super) in_flight: usize,
    /// From when on those in flight hang, added up.
    pub(super) losses: i128,
    pub(super) successes: StatementSignal,
    all: u64,
    bad: u64,
}

impl Statement {
    pub(super) fn new(number: usize, bounds: Bounds) -> Self {
        let (name, successes) = (Arc::from(""), empty(number));
        Self { name, bounds, in_flight: 0, losses: 0, successes, all: 0, bad: 0 }
    }

    pub(super) fn start(&mut self, lost: i128) {
        self.in_flight = self.in_flight.wrapping_add(1);
        self.losses += lost;
    }

    pub(super) fn leave(&mut self, lost: i128) {
        self.in_flight = self.in_flight.wrapping_sub(1);
        self.losses -= lost;
    }

    pub(super) fn judge(&mut self, verdict: Verdict) {
        self.all += 1;
        self.bad += u64::from(verdict.is_bad());
    }

    /// Takes over what was counted elsewhere.
    pub(super) fn absorb(&mut self, other: &mut Self) {
        self.in_flight = self.in_flight.wrapping_add(mem::take(&mut other.in_flight));
        self.losses += mem::take(&mut other.losses);
        let number = other.successes.statement;
        self.successes.add(&mem::replace(&mut other.successes, empty(number)));
        self.all += mem::take(&mut other.all);
        self.bad += mem::take(&mut other.bad);
    }

    /// Those that have a say, if there are any, and starts afresh.
    pub(super) fn take(&mut self, number: usize, alone: Option<f64>) -> Option<StatementCalls> {
        self.successes = empty(number);
        let (all, bad) = (mem::take(&mut self.all), mem::take(&mut self.bad));
        let alone = alone.unwrap_or_default();
        let alone = Duration::try_from_secs_f64(alone).unwrap_or(Duration::MAX);
        let calls =
            || StatementCalls { statement: number, name: self.name.clone(), all, bad, alone };
        (all > 0).then(calls)
    }
}

fn empty(statement: usize) -> StatementSignal {
    StatementSignal { statement, count: 0, seconds: 0.0, squares: 0.0 }
}
