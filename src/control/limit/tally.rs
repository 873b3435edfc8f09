//! What was seen since the last decision.

use std::time::Duration;

use super::Usage;
use crate::{
    control::baseline::Work,
    signal::{Signal, StatementSignal},
};

/// Signals, added up until they are enough to decide on.
#[derive(Debug, Default)]
pub(super) struct Tally {
    pub(super) span: Duration,
    pub(super) busy: Duration,
    pub(super) finished: u64,
    pub(super) overloads: u64,
    pub(super) statements: Vec<StatementSignal>,
    pub(super) usage: Usage,
}

impl Tally {
    pub(super) fn add(&mut self, signal: &Signal, usage: &Usage) {
        self.span = self.span.saturating_add(signal.span);
        self.busy = self.busy.saturating_add(signal.busy);
        self.finished += signal.finished;
        self.overloads += signal.overloads;
        self.usage.add(usage);
        for seen in &signal.statements {
            match self.statements.iter_mut().find(|own| own.statement == seen.statement) {
                Some(own) => own.add(seen),
                None => self.statements.push(*seen),
            }
        }
    }

    pub(super) fn is_complete(&self, starting: bool, limit: f64) -> bool {
        let (least, queries) = if starting { (SHORT, 2.0 * limit) } else { (USUAL, QUERIES) };
        let enough = self.finished as f64 >= queries.min(QUERIES);
        self.span >= LONG || (enough && self.span >= least)
    }

    pub(super) fn has_demand(&self) -> bool {
        self.usage.waited + self.usage.refused > 0
    }

    pub(super) fn mean_in_flight(&self) -> f64 {
        self.busy.as_secs_f64() / self.span.as_secs_f64().max(1e-9)
    }

    /// The mean latency over the unloaded one. While nothing comes back, busy time says
    /// that something is out; otherwise what is out and what came back are different
    /// queries, and the latter are judged alone. 1 where there is nothing to judge.
    pub(super) fn stretch(&self, work: Work) -> f64 {
        let observed: f64 = self.statements.iter().map(|seen| seen.seconds).sum();
        match self.finished {
            0 if self.busy > Duration::ZERO => f64::INFINITY,
            0 => 1.0,
            _ if work.seconds > 0.0 => observed / work.seconds,
            _ => 1.0,
        }
    }
}

const QUERIES: f64 = 40.0;
const SHORT: Duration = Duration::from_millis(100);
const USUAL: Duration = Duration::from_millis(250);
const LONG: Duration = Duration::from_secs(2);
