//! What was seen since the last decision.

use std::time::Duration;

use super::Usage;
use crate::{
    control::baseline::Work,
    signal::{Signal, StatementSignal},
};

/// Signals, added up until they are enough to decide on.
#[derive(Clone, Debug, Default)]
pub(super) struct Tally {
    span: Duration,
    busy: Duration,
    finished: u64,
    overloads: u64,
    cancelled: u64,
    usage: Usage,
    statements: Vec<StatementSignal>,
}

/// What that comes to.
#[derive(Clone, Copy, Debug)]
pub(super) struct View {
    /// In seconds.
    pub(super) span: f64,
    /// Queries in flight, on average.
    pub(super) in_flight: f64,
    pub(super) finished: f64,
    /// The share of queries that failed by overload or were given up.
    pub(super) failed: f64,
    pub(super) usage: Usage,
    /// Queries that came back and say something.
    pub(super) count: u64,
    /// Their mean latency, in seconds; 0 without any.
    pub(super) latency: f64,
    /// Their mean latency over the unloaded one; 1 without any.
    pub(super) stretch: f64,
    /// The standard error of that, relative to it.
    pub(super) error: f64,
    /// Work done per second, in seconds of queries alone.
    pub(super) rate: f64,
}

impl Tally {
    pub(super) fn add(&mut self, signal: &Signal, usage: &Usage) {
        self.span = self.span.saturating_add(signal.span);
        self.busy = self.busy.saturating_add(signal.busy);
        self.finished += signal.finished;
        self.overloads += signal.overloads;
        self.cancelled += signal.cancelled;
        self.usage.add(usage);
        for seen in &signal.statements {
            match self.statements.iter_mut().find(|own| own.statement == seen.statement) {
                Some(own) => own.add(seen),
                None => self.statements.push(*seen),
            }
        }
    }

    pub(super) fn statements(&self) -> &[StatementSignal] {
        &self.statements
    }

    /// Whether there is enough to decide on: at least `least` long and twice as long as
    /// what is in flight takes, with so many queries; or a second of silence; or two seconds.
    pub(super) fn is_complete(&self, least: Duration, queries: f64) -> bool {
        let enough = self.finished as f64 >= queries && self.span >= least.max(self.lasting());
        let silent = self.finished == 0 && self.span >= LONG / 2;
        enough || silent || self.span >= LONG
    }

    pub(super) fn view(&self, work: &Work) -> View {
        let span = self.span.as_secs_f64().max(1e-9);
        View {
            span,
            in_flight: self.busy.as_secs_f64() / span,
            finished: self.finished as f64,
            failed: (self.overloads + self.cancelled) as f64
                / (self.finished + self.cancelled).max(1) as f64,
            usage: self.usage,
            count: work.count,
            latency: if work.count > 0 { work.observed / work.count as f64 } else { 0.0 },
            stretch: if work.seconds > 0.0 { work.observed / work.seconds } else { 1.0 },
            error: work.error(),
            rate: work.seconds / span,
        }
    }

    /// Twice the mean latency of what is in flight: it is mostly the long that are.
    fn lasting(&self) -> Duration {
        let seconds: f64 = self.statements.iter().map(|seen| seen.seconds).sum();
        let squares: f64 = self.statements.iter().map(|seen| seen.squares).sum();
        Duration::from_secs_f64((2.0 * squares / seconds.max(1e-9)).min(LONG.as_secs_f64()))
    }
}

impl View {
    /// Somebody had to wait, or nearly.
    pub(super) fn is_in_use(&self, limit: f64) -> bool {
        self.waits() || self.usage.peak as f64 >= 0.9 * limit
    }

    pub(super) fn waits(&self) -> bool {
        self.usage.waited + self.usage.refused > 0
    }

    /// The share of what was asked for that was let in.
    pub(super) fn share(&self) -> f64 {
        (self.admitted() + 1.0) / (self.admitted() + 1.0 + self.usage.refused as f64)
    }

    /// Requests that were let in: as many as queries came back, if they are not counted.
    pub(super) fn admitted(&self) -> f64 {
        self.usage.admitted.map_or(self.finished, |requests| requests as f64)
    }

    /// Requests in flight, on average or less: one may have several queries in flight.
    pub(super) fn requests_in_flight(&self) -> f64 {
        self.in_flight.min(self.usage.peak as f64)
    }

    /// Whether one instance alone sees enough of the database to judge what it does: some
    /// hundred queries a second.
    pub(super) fn sees_much(&self) -> bool {
        self.error.powi(2) * self.span < MUCH
    }
}

const LONG: Duration = Duration::from_secs(2);
/// The squared standard error after a second.
const MUCH: f64 = 0.013;

#[cfg(test)]
mod tests {
    use std::time::Instant;

    use super::*;
    use crate::control::{
        meter::{Meter, Slow},
        stamp::Stamp,
    };

    const MS: Duration = Duration::from_millis(1);

    /// 300 ms with two queries in flight, of statements that take a tenth of a second.
    fn signal() -> Signal {
        let t0 = Stamp::of(Instant::now());
        let seen = |statement| StatementSignal { statement, count: 5, seconds: 0.5, squares: 0.05 };
        Signal {
            span: 300 * MS,
            busy: 600 * MS,
            finished: 10,
            overloads: 2,
            cancelled: 3,
            statements: vec![seen(1), seen(2)],
            ..Meter::new(Slow::default(), t0).take(t0, Duration::ZERO)
        }
    }

    fn tally(signals: &[Signal]) -> Tally {
        let mut tally = Tally::default();
        signals.iter().for_each(|signal| tally.add(signal, &Usage::default()));
        tally
    }

    #[test]
    fn signals_are_added_up_and_those_of_a_statement_too() {
        let tally = tally(&[signal(), signal()]);
        let counts: Vec<_> =
            tally.statements().iter().map(|own| (own.statement, own.count)).collect();
        assert_eq!(counts, [(1, 10), (2, 10)]);
        let work = Work { seconds: 1.2, observed: 2.4, count: 20, ..Work::default() };
        let view = tally.view(&work);
        assert_eq!((view.span, view.finished, view.stretch), (0.6, 20.0, 2.0));
        assert!((view.in_flight - 2.0).abs() < 1e-9 && (view.rate - 2.0).abs() < 1e-9);
        assert!((view.failed - 10.0 / 26.0).abs() < 1e-9 && (view.latency - 0.12).abs() < 1e-9);
        let idle = tally.view(&Work::default());
        assert_eq!((idle.latency, idle.stretch), (0.0, 1.0));
    }

    #[test]
    fn a_tally_is_complete_after_twice_what_is_in_flight_takes() {
        // Two statements, of which each is a second of queries.
        let lasting = |squares| {
            let seen = |statement| StatementSignal { statement, count: 9, seconds: 1.0, squares };
            let own = Signal { span: 600 * MS, statements: vec![seen(1), seen(2)], ..signal() };
            tally(&[own])
        };
        assert!(lasting(0.25).is_complete(100 * MS, 10.0));
        assert!(!lasting(0.5).is_complete(100 * MS, 10.0), "they take half a second");
        assert!(!lasting(0.25).is_complete(700 * MS, 10.0));
        assert!(!lasting(0.25).is_complete(100 * MS, 11.0));
    }

    #[test]
    fn a_second_of_silence_is_enough_and_so_are_two_of_anything() {
        let complete = |millis: u32, finished| {
            let own = Signal { span: millis * MS, finished, statements: Vec::new(), ..signal() };
            tally(&[own]).is_complete(100 * MS, 10.0)
        };
        assert!(!complete(999, 0) && complete(1_000, 0));
        assert!(!complete(1_999, 1) && complete(2_000, 1));
    }

    #[test]
    fn a_limit_is_in_use_where_somebody_waits_or_nearly() {
        let view = |waited, refused, peak| View {
            usage: Usage { waited, refused, peak, admitted: None },
            ..Tally::default().view(&Work::default())
        };
        for (waited, refused) in [(1, 0), (0, 1), (1, 1)] {
            let view = view(waited, refused, 0);
            assert!(view.waits() && view.is_in_use(40.0));
        }
        assert!(!view(0, 0, 36).waits() && view(0, 0, 36).is_in_use(40.0));
        assert!(!view(0, 0, 35).is_in_use(40.0));
    }
}
