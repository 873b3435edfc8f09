//! What each statement costs: lately, and since the start.

use std::{sync::Arc, time::Duration};

use crate::{
    control::{histogram::Histogram, stamp::Stamp},
    outcome::Outcome,
};

/// What one statement costs, as [`Database::statements`](crate::Database::statements) tells.
#[derive(Clone, Debug, PartialEq)]
#[cfg_attr(feature = "serde", derive(serde::Serialize))]
#[non_exhaustive]
pub struct StatementFigures {
    /// Its name, or its text without the literals.
    #[cfg_attr(feature = "serde", serde(serialize_with = "crate::serial::text"))]
    pub name: Arc<str>,
    /// What it takes when the database has nothing else to do; `None` before 50 of its
    /// queries were seen. In seconds, as all durations where it is serialized.
    #[cfg_attr(feature = "serde", serde(serialize_with = "crate::serial::maybe_seconds"))]
    pub alone: Option<Duration>,
    /// The last half to whole minute.
    pub lately: SpanFigures,
    /// Since the handle was made.
    pub ever: SpanFigures,
}

/// What one statement did in a span of time.
#[derive(Clone, Debug, Default, PartialEq)]
#[cfg_attr(feature = "serde", derive(serde::Serialize))]
#[non_exhaustive]
pub struct SpanFigures {
    /// How long the span was.
    #[cfg_attr(feature = "serde", serde(serialize_with = "crate::serial::seconds"))]
    pub span: Duration,
    /// Queries that came back.
    pub finished: u64,
    /// Those of them that failed because the database did not answer or had too much to do.
    pub overloads: u64,
    /// Those of them that failed for reasons of their own.
    pub errors: u64,
    /// Queries whose caller left before they came back. Not in `finished`.
    pub cancelled: u64,
    /// Queries that came back or were given up, per second.
    pub rate: f64,
    /// The time that all of them took, in seconds.
    pub seconds: f64,
    /// The share of that in the time of all statements, 0 to 1. Waits for a connection
    /// have none.
    pub share: f64,
    /// What its queries would have taken alone, as far as is known, in seconds. What has much
    /// of the time and little of the work waits for others, or for a lock.
    pub work: f64,
    /// The share of that in the work of all statements, 0 to 1.
    pub work_share: f64,
    /// The median latency of what came back, at most an eighth too high.
    #[cfg_attr(feature = "serde", serde(serialize_with = "crate::serial::maybe_seconds"))]
    pub p50: Option<Duration>,
    /// The latency that 99 % did not exceed, at most an eighth too high.
    #[cfg_attr(feature = "serde", serde(serialize_with = "crate::serial::maybe_seconds"))]
    pub p99: Option<Duration>,
    /// How many times longer than alone the successful ones took, on average. `None` if
    /// there was none, or it is not known what they take alone.
    pub slowdown: Option<f64>,
}

/// The accounts of all statements, some 2.5 kB each, so ⅓ MB if there are as many as can be, with
/// the room that a vector sets aside.
#[derive(Debug)]
pub(super) struct Ledger {
    since: Stamp,
    /// By number.
    accounts: Vec<Account>,
}

#[derive(Debug, Default)]
struct Account {
    /// The current half minute and the one before it, in turns.
    halves: [Half; 2],
    /// What was before them.
    past: Tally,
}

#[derive(Debug, Default)]
struct Half {
    /// Which half minute since the start.
    turn: u64,
    tally: Tally,
}

#[derive(Clone, Debug, Default)]
struct Tally {
    latencies: Histogram,
    finished: u64,
    overloads: u64,
    errors: u64,
    cancelled: u64,
    seconds: f64,
    /// That of the successes.
    good_seconds: f64,
}

impl Ledger {
    pub(super) fn new(since: Stamp) -> Self {
        Self { since, accounts: Vec::new() }
    }

    /// A query came back.
    pub(super) fn finish(
        &mut self,
        statement: usize,
        now: Stamp,
        latency: Duration,
        outcome: Outcome,
    ) {
        let tally = self.current(statement, now);
        tally.latencies.record(latency);
        tally.finished += 1;
        let seconds = latency.as_secs_f64();
        tally.seconds += seconds;
        match outcome {
            Outcome::Success => tally.good_seconds += seconds,
            Outcome::Overload => tally.overloads += 1,
            Outcome::Ignore => tally.errors += 1,
        }
    }

    /// A query was given up after so long.
    pub(super) fn cancel(&mut self, statement: usize, now: Stamp, after: Duration) {
        let tally = self.current(statement, now);
        tally.cancelled += 1;
        tally.seconds += after.as_secs_f64();
    }

    /// Of all statements that had a query, the dearest first. `describe` tells the name and
    /// what it takes alone.
    pub(super) fn figures(
        &self,
        now: Stamp,
        describe: impl Fn(usize) -> (Arc<str>, Option<Duration>),
    ) -> Vec<StatementFigures> {
        let turn = self.turn(now);
        let all = now.since(self.since);
        let current = Duration::from_nanos((all.as_nanos() % HALF.as_nanos()) as u64);
        let late = all.min(HALF + current);
        let mut figures = Vec::new();
        for (number, account) in self.accounts.iter().enumerate() {
            let (name, alone) = describe(number);
            let lately = account.lately(turn).figures(late, alone);
            let ever = account.ever().figures(all, alone);
            figures.push(StatementFigures { name, alone, lately, ever });
        }
        figures.retain(|own| own.ever.finished + own.ever.cancelled > 0);
        figures.sort_by(|one, other| other.ever.seconds.total_cmp(&one.ever.seconds));
        figures
    }

    fn turn(&self, now: Stamp) -> u64 {
        now.nanos_since(self.since) / HALF.as_nanos() as u64
    }

    fn current(&mut self, statement: usize, now: Stamp) -> &mut Tally {
        let turn = self.turn(now);
        if self.accounts.len() <= statement {
            self.accounts.resize_with(statement + 1, Account::default);
        }
        self.accounts[statement].current(turn)
    }
}

impl Account {
    fn current(&mut self, turn: u64) -> &mut Tally {
        let half = &mut self.halves[turn as usize % 2];
        // A clock reading that is late belongs to what is there.
        if turn > half.turn {
            self.past.add(&half.tally);
            *half = Half { turn, tally: Tally::default() };
        }
        &mut half.tally
    }

    fn lately(&self, turn: u64) -> Tally {
        let mut all = Tally::default();
        let halves = self.halves.iter().filter(|half| half.turn + 1 >= turn);
        halves.for_each(|half| all.add(&half.tally));
        all
    }

    fn ever(&self) -> Tally {
        let mut all = self.past.clone();
        self.halves.iter().for_each(|half| all.add(&half.tally));
        all
    }
}

impl Tally {
    fn add(&mut self, other: &Self) {
        self.latencies.add(&other.latencies);
        self.finished += other.finished;
        self.overloads += other.overloads;
        self.errors += other.errors;
        self.cancelled += other.cancelled;
        self.seconds += other.seconds;
        self.good_seconds += other.good_seconds;
    }

    /// Without the shares, which are among all.
    fn figures(&self, span: Duration, alone: Option<Duration>) -> SpanFigures {
        let successes = self.finished - self.overloads - self.errors;
        let alone = alone.map(|alone| alone.as_secs_f64()).filter(|alone| *alone > 0.0);
        let slowdown = alone.filter(|_| successes > 0);
        let slowdown = slowdown.map(|alone| self.good_seconds / (alone * successes as f64));
        let queries = (self.finished + self.cancelled) as f64;
        SpanFigures {
            span,
            finished: self.finished,
            overloads: self.overloads,
            errors: self.errors,
            cancelled: self.cancelled,
            rate: ratio(queries, span.as_secs_f64()),
            seconds: self.seconds,
            share: 0.0,
            work: alone.map_or(self.seconds, |alone| alone * successes as f64),
            work_share: 0.0,
            p50: self.latencies.quantile(0.5),
            p99: self.latencies.quantile(0.99),
            slowdown,
        }
    }
}

/// Gives each of those that `work` its shares.
pub(super) fn share_out(
    figures: &mut [StatementFigures],
    works: impl Fn(&StatementFigures) -> bool,
) {
    let mut working: Vec<_> = figures.iter_mut().filter(|own| works(own)).collect();
    let lately = total(working.iter().map(|own| &own.lately));
    let ever = total(working.iter().map(|own| &own.ever));
    for own in &mut working {
        for (own, (seconds, work)) in [(&mut own.lately, lately), (&mut own.ever, ever)] {
            own.share = ratio(own.seconds, seconds);
            own.work_share = ratio(own.work, work);
        }
    }
}

/// Time and work.
fn total<'a>(spans: impl Iterator<Item = &'a SpanFigures>) -> (f64, f64) {
    spans.fold((0.0, 0.0), |(seconds, work), own| (seconds + own.seconds, work + own.work))
}

/// 0 where there is nothing to divide by.
fn ratio(part: f64, whole: f64) -> f64 {
    if whole > 0.0 { part / whole } else { 0.0 }
}

const HALF: Duration = Duration::from_secs(30);

#[cfg(test)]
mod tests {
    use super::*;
    use std::time::Instant;

    const MS: Duration = Duration::from_millis(1);
    const SECOND: Duration = Duration::from_secs(1);

    fn describe(number: usize) -> (Arc<str>, Option<Duration>) {
        (Arc::from(format!("statement {number}")), (number == 1).then_some(10 * MS))
    }

    #[test]
    fn the_dearest_comes_first_with_its_share_and_slowdown() {
        let t0 = Stamp::of(Instant::now());
        let mut ledger = Ledger::new(t0);
        for _ in 0..10 {
            ledger.finish(1, t0, 90 * MS, Outcome::Success);
            ledger.finish(2, t0, 10 * MS, Outcome::Ignore);
        }
        ledger.finish(1, t0, 50 * MS, Outcome::Overload);
        ledger.cancel(1, t0, 50 * MS);
        let mut figures = ledger.figures(t0 + 6 * SECOND, describe);
        share_out(&mut figures, |_| true);
        let [first, second] = &figures[..] else { panic!("{figures:?}") };
        assert_eq!((&*first.name, first.alone), ("statement 1", Some(10 * MS)));
        let lately = &first.lately;
        assert_eq!((lately.finished, lately.overloads, lately.cancelled), (11, 1, 1));
        assert!((lately.seconds - 1.0).abs() < 1e-9 && (lately.rate - 2.0).abs() < 1e-9);
        assert!((lately.slowdown.expect("it is known") - 9.0).abs() < 1e-9);
        assert!((lately.share - 10.0 / 11.0).abs() < 1e-9);
        assert!((lately.work - 0.1).abs() < 1e-9 && (lately.work_share - 0.5).abs() < 1e-9);
        let p50 = lately.p50.expect("they came back");
        assert!((90 * MS..102 * MS).contains(&p50), "{p50:?}");
        assert_eq!((second.ever.errors, second.ever.slowdown), (10, None));
        assert_eq!(first.ever, first.lately, "so far");
    }

    #[test]
    fn what_is_older_than_a_minute_is_only_in_what_ever_was() {
        let t0 = Stamp::of(Instant::now());
        let mut ledger = Ledger::new(t0);
        let counts = |ledger: &Ledger, at: Duration| {
            let figures = ledger.figures(t0 + at, describe);
            let own = figures.first().expect("it had a query");
            (own.lately.finished, own.ever.finished, own.lately.span)
        };
        ledger.finish(0, t0, MS, Outcome::Success);
        ledger.finish(0, t0 + 29 * SECOND, MS, Outcome::Success);
        assert_eq!(counts(&ledger, 59 * SECOND), (2, 2, 59 * SECOND));
        assert_eq!(counts(&ledger, 60 * SECOND), (0, 2, 30 * SECOND));
        ledger.finish(0, t0 + 70 * SECOND, MS, Outcome::Success);
        assert_eq!(counts(&ledger, 70 * SECOND), (1, 3, 40 * SECOND));
        ledger.finish(0, t0 + 1000 * SECOND, MS, Outcome::Success);
        assert_eq!(counts(&ledger, 1000 * SECOND), (1, 4, 40 * SECOND));
    }

    #[test]
    fn absurd_latencies_and_late_clocks_do_no_harm() {
        let t0 = Stamp::of(Instant::now());
        let mut ledger = Ledger::new(t0 + 90 * SECOND);
        ledger.finish(0, t0, Duration::MAX, Outcome::Success);
        ledger.finish(0, t0 + 200 * SECOND, MS, Outcome::Success);
        ledger.finish(0, t0 + 100 * SECOND, MS, Outcome::Success);
        assert_eq!(ledger.figures(t0 + 200 * SECOND, describe)[0].ever.finished, 3);
    }
}
