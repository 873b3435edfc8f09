//! A second of signals, read as one.

use std::time::Duration;

use super::call::WAIT;
use crate::signal::{Signal, StatementSignal};

/// What a database did during a second or so.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub(crate) struct Reading {
    /// When it ended, by the wall clock, as time since the Unix epoch.
    pub(crate) wall: Duration,
    pub(crate) span: Duration,
    /// The time integral of queries in flight.
    pub(crate) busy: Duration,
    /// Queries that succeeded.
    pub(crate) count: u64,
    /// What they took, and what they would have taken alone, in seconds. Of those of which
    /// that is known.
    pub(crate) observed: f64,
    pub(crate) alone: f64,
    /// What the others took, in seconds.
    pub(crate) unknown: f64,
    /// Queries that say whether the database keeps up, and those of them that say no.
    pub(crate) all: u64,
    pub(crate) bad: u64,
    /// Whether what was in flight at the end was slow already.
    pub(crate) overdue: bool,
    /// Whether some of them only waited for a connection.
    pub(crate) waited: bool,
}

impl Reading {
    /// The mean number of queries that were in flight at the database. Without waits for a
    /// connection that is exact; otherwise it goes by the queries that came back.
    pub(crate) fn concurrency(&self) -> f64 {
        let seconds = self.span.as_secs_f64();
        let busy = if self.waited { self.observed + self.unknown } else { self.busy.as_secs_f64() };
        if seconds > 0.0 { busy / seconds } else { 0.0 }
    }

    /// How many times longer than alone the queries took. `None` without enough of them.
    pub(crate) fn stretch(&self) -> Option<f64> {
        (self.count >= ENOUGH && self.alone > 0.0).then(|| self.observed / self.alone)
    }

    /// Whether it says how much work was done: something was, and of which it is known what
    /// it takes alone.
    pub(crate) fn tells_work(&self) -> bool {
        self.alone > 0.0 && self.unknown <= self.observed * UNKNOWN_MOST
    }
}

/// Makes readings of signals.
#[derive(Debug, Default)]
pub(crate) struct Reader(Reading);

impl Reader {
    /// Hears a signal; tells the reading when it is complete. What a statement takes `alone`
    /// is in seconds.
    pub(crate) fn hear(
        &mut self,
        signal: &Signal,
        alone: impl Fn(usize) -> Option<f64>,
    ) -> Option<Reading> {
        let own = &mut self.0;
        own.wall = signal.wall;
        own.span = own.span.saturating_add(signal.span);
        own.busy = own.busy.saturating_add(signal.busy);
        own.overdue = signal.overdue > Duration::ZERO;
        own.waited |= signal.statements.iter().any(|seen| seen.statement == WAIT);
        for call in signal.calls.iter().filter(|call| call.statement != WAIT) {
            own.all += call.all;
            own.bad += call.bad;
        }
        for seen in signal.statements.iter().filter(|seen| seen.statement != WAIT) {
            own.add(seen, alone(seen.statement));
        }
        let complete = own.span >= LEAST;
        complete.then(|| std::mem::take(own))
    }
}

impl Reading {
    fn add(&mut self, seen: &StatementSignal, alone: Option<f64>) {
        self.count += seen.count;
        match alone {
            Some(alone) => {
                self.observed += seen.seconds;
                self.alone += alone * seen.count as f64;
            }
            None => self.unknown += seen.seconds,
        }
    }
}

/// A reading is at least as long.
const LEAST: Duration = Duration::from_secs(1);
/// Queries from which on a stretch is told.
const ENOUGH: u64 = 10;
/// The time of unknown statements that may be left out, against that of the known.
const UNKNOWN_MOST: f64 = 0.1;

#[cfg(test)]
mod tests {
    use std::time::Instant;

    use super::*;
    use crate::{
        control::{
            meter::{Meter, Slow},
            stamp::Stamp,
        },
        outcome::Outcome,
    };

    const MS: Duration = Duration::from_millis(1);

    fn alone(statement: usize) -> Option<f64> {
        (statement == 3).then_some(0.005)
    }

    #[test]
    fn a_second_of_signals_is_one_reading() {
        let t0 = Stamp::of(Instant::now());
        let (mut meter, mut reader) = (Meter::new(Slow::default(), t0), Reader::default());
        let mut readings = Vec::new();
        for tenth in 1..=10 {
            for _ in 0..10 {
                meter.record(3, 10 * MS, Outcome::Success);
            }
            meter.record(2, 5 * MS, Outcome::Overload);
            let signal = meter.take(t0 + tenth * 100 * MS, tenth * 100 * MS);
            readings.extend(reader.hear(&signal, alone));
        }
        let [reading] = readings[..] else { panic!("{readings:?}") };
        assert_eq!((reading.span, reading.wall), (1000 * MS, 1000 * MS));
        assert_eq!((reading.count, reading.all, reading.bad), (100, 110, 10));
        assert!((reading.concurrency() - 1.05).abs() < 1e-9, "{reading:?}");
        assert!((reading.stretch().expect("it is known") - 2.0).abs() < 1e-9);
        assert!(reading.tells_work());
    }

    #[test]
    fn the_wait_for_a_connection_is_none_of_the_databases() {
        let t0 = Stamp::of(Instant::now());
        let mut meter = Meter::new(Slow::default(), t0);
        meter.record(3, 100 * MS, Outcome::Success);
        meter.record(WAIT, 5000 * MS, Outcome::Success);
        let signal = meter.take(t0 + 1000 * MS, Duration::ZERO);
        let reading = Reader::default().hear(&signal, alone).expect("a second");
        assert_eq!((reading.count, reading.all, reading.bad), (1, 1, 0));
        assert!((reading.concurrency() - 0.1).abs() < 1e-9, "{reading:?}");
    }

    #[test]
    fn work_of_unknown_statements_is_not_told() {
        let reading = Reading { alone: 1.0, observed: 1.0, unknown: 0.2, ..Reading::default() };
        assert!(!reading.tells_work());
        assert!(!Reading::default().tells_work(), "nothing was done");
        assert_eq!(Reading { count: 9, alone: 1.0, ..Reading::default() }.stretch(), None);
    }

    #[test]
    fn where_some_waited_concurrency_goes_by_all_that_came_back() {
        let own = Reading { waited: true, observed: 1.0, unknown: 0.5, ..Reading::default() };
        assert_eq!(Reading { span: 2000 * MS, ..own }.concurrency(), 0.75);
        assert_eq!(own.concurrency(), 0.0, "of no time");
    }

    #[test]
    fn what_is_out_for_too_long_is_told() {
        let t0 = Stamp::of(Instant::now());
        let signal = Meter::new(Slow::default(), t0).take(t0 + 1000 * MS, Duration::ZERO);
        let overdue = |overdue| {
            let signal = Signal { overdue, ..signal.clone() };
            Reader::default().hear(&signal, alone).expect("a second").overdue
        };
        assert!(overdue(MS) && !overdue(Duration::ZERO));
    }

    #[test]
    fn the_time_of_unknown_statements_is_kept_apart() {
        let t0 = Stamp::of(Instant::now());
        let (mut meter, mut reader) = (Meter::new(Slow::default(), t0), Reader::default());
        meter.record(2, 200 * MS, Outcome::Success);
        meter.record(4, 300 * MS, Outcome::Success);
        let signal = meter.take(t0 + 1000 * MS, Duration::ZERO);
        let reading = reader.hear(&signal, alone).expect("a second");
        assert!((reading.unknown - 0.5).abs() < 1e-9 && reading.observed == 0.0, "{reading:?}");
    }
}
