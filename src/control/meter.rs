//! The accounting of one downstream between two signals.

mod parts;
mod statement;

use std::{mem, sync::Arc, time::Duration};

use self::{parts::Counts, statement::Statement};
pub(crate) use super::call::{Call, Slow, Verdict};
use super::{
    baseline::Baselines,
    call::{Bounds, WAIT},
    stamp::{Stamp, nanos},
};
use crate::{
    outcome::Outcome,
    signal::{Signal, StatementCalls, StatementSignal},
};

/// Counts what happens and turns it into a [`Signal`] when asked. All of it is added up query
/// by query, so that it may be spread over several meters, of which one
/// [absorbs](Self::absorb) the others: a query may start on one and end on another, and only
/// all together tell how many are in flight.
#[derive(Debug)]
pub(crate) struct Meter {
    slow: Slow,
    /// Of statements of which nothing is known.
    usual: Bounds,
    since: Stamp,
    in_flight: usize,
    /// When those in flight started, and from when on they hang, added up.
    starts: i128,
    losses: i128,
    /// How long all that are over were in flight, in nanoseconds.
    ran: i128,
    /// The busy time that earlier signals have told of.
    told: i128,
    counts: Counts,
    statements: Vec<Statement>,
    baselines: Baselines,
    /// Queries that started before have no say in whether the database keeps up.
    judged_since: Stamp,
}

impl Meter {
    pub(crate) fn new(slow: Slow, now: Stamp) -> Self {
        Self {
            slow,
            usual: slow.bounds(None),
            since: now,
            in_flight: 0,
            starts: 0,
            losses: 0,
            ran: 0,
            told: 0,
            counts: Counts::default(),
            statements: Vec::new(),
            baselines: Baselines::default(),
            judged_since: now,
        }
    }

    /// What people call a statement.
    pub(crate) fn name(&mut self, statement: usize, name: Arc<str>) {
        self.of(statement).name = name;
    }

    pub(crate) fn in_flight(&self) -> usize {
        self.in_flight
    }

    /// What the statement takes alone, in seconds, if it is known.
    pub(crate) fn alone(&self, statement: usize) -> Option<f64> {
        self.baselines.alone(statement)
    }

    /// A query that starts now. It does not count before it is [`start`](Self::start)ed.
    pub(crate) fn call(&self, statement: usize, now: Stamp) -> Call {
        Call::new(statement, now, self.bounds(statement))
    }

    fn bounds(&self, statement: usize) -> Bounds {
        self.statements.get(statement).map_or(self.usual, |own| own.bounds)
    }

    /// A query starts.
    pub(crate) fn start(&mut self, call: &Call) {
        self.in_flight = self.in_flight.wrapping_add(1);
        self.counts.started += 1;
        self.starts += call.started.number();
        let lost = call.lost.number();
        self.losses += lost;
        self.of(call.statement).start(lost);
    }

    /// Nobody knows whether the query that has just started belongs to a request.
    pub(crate) fn stray(&mut self) {
        self.counts.strays += 1;
    }

    /// A query that was started comes back.
    pub(crate) fn finish(&mut self, call: &Call, now: Stamp, outcome: Outcome) -> Verdict {
        self.leave(call, now);
        let latency = now.since(call.started);
        let verdict = Verdict::of(outcome, now > call.due);
        if call.started >= self.judged_since {
            self.judge(call.statement, verdict);
        }
        self.count(call.statement, latency, outcome);
        verdict
    }

    /// The caller of a query that was started leaves before it comes back. Its time so
    /// far is in the busy time; what it would have taken is not known.
    pub(crate) fn cancel(&mut self, call: &Call, now: Stamp) -> Verdict {
        self.leave(call, now);
        self.counts.cancelled += 1;
        if now <= call.due {
            return Verdict::Nothing;
        }
        if call.started >= self.judged_since {
            self.counts.cancelled_slow += 1;
            self.of(call.statement).judge(Verdict::Slow);
        }
        Verdict::Slow
    }

    /// A query that nobody started here came back after `latency`.
    pub(crate) fn record(
        &mut self,
        statement: usize,
        latency: Duration,
        outcome: Outcome,
    ) -> Verdict {
        self.counts.started += 1;
        let took = nanos(latency);
        self.ran += i128::from(took);
        let verdict = Verdict::of(outcome, took > self.bounds(statement).slow);
        self.judge(statement, verdict);
        self.count(statement, latency, outcome);
        verdict
    }

    /// From now on, queries that started before `since` have no say in whether the
    /// database keeps up. They go on counting in flight and as busy time.
    pub(crate) fn judge_since(&mut self, since: Stamp) {
        self.judged_since = self.judged_since.max(since);
    }

    /// All since the last call.
    pub(crate) fn take(&mut self, now: Stamp, wall: Duration) -> Signal {
        let counts = mem::take(&mut self.counts);
        let statements: Vec<_> = self.statements.iter().map(|own| own.successes).collect();
        let statements: Vec<_> = statements.into_iter().filter(|own| own.count > 0).collect();
        self.baselines.drop_to(&statements);
        self.bound(&statements);
        let signal = Signal {
            at: now.instant(),
            wall,
            span: now.since(self.since),
            slow_after: self.slow.after,
            connections: None,
            in_flight: self.in_flight,
            age: self.mean_since(self.starts, now),
            overdue: self.mean_since(self.losses, now),
            hung: self.hanging(now).map(|(_, queries)| queries).sum(),
            busy: self.take_busy(now),
            ignored: counts.ignored,
            started: counts.started,
            strays: counts.strays,
            finished: counts.finished,
            slow: counts.slow,
            overloads: counts.overloads,
            cancelled: counts.cancelled,
            cancelled_slow: counts.cancelled_slow,
            calls: self.take_calls(),
            statements,
        };
        self.since = now.max(self.since);
        signal
    }

    /// In flight, of statements that are beyond slow on average, with their names.
    pub(crate) fn hanging(&self, now: Stamp) -> impl Iterator<Item = (&Arc<str>, usize)> {
        let now = now.number();
        let hangs = move |own: &&Statement| own.losses < now * own.in_flight as i128;
        self.statements.iter().filter(hangs).map(|own| (&own.name, own.in_flight))
    }

    fn take_calls(&mut self) -> Vec<StatementCalls> {
        let Self { statements, baselines, .. } = self;
        let take =
            |(number, own): (usize, &mut Statement)| own.take(number, baselines.alone(number));
        statements.iter_mut().enumerate().filter_map(take).collect()
    }

    fn leave(&mut self, call: &Call, now: Stamp) {
        self.in_flight = self.in_flight.wrapping_sub(1);
        self.starts -= call.started.number();
        self.ran += i128::from(now.nanos_since(call.started));
        let lost = call.lost.number();
        self.losses -= lost;
        self.of(call.statement).leave(lost);
    }

    fn judge(&mut self, statement: usize, verdict: Verdict) {
        // To have got a connection says nothing about the database.
        if statement == WAIT && !verdict.is_bad() {
            return;
        }
        match verdict {
            Verdict::Slow => self.counts.slow += 1,
            Verdict::Overload => self.counts.overloads += 1,
            Verdict::Good | Verdict::Nothing => {}
        }
        self.of(statement).judge(verdict);
    }

    fn count(&mut self, statement: usize, latency: Duration, outcome: Outcome) {
        self.counts.finished += u64::from(statement != WAIT || outcome == Outcome::Overload);
        match outcome {
            Outcome::Success => {
                let seconds = latency.as_secs_f64();
                let squares = seconds * seconds;
                let one = StatementSignal { statement, count: 1, seconds, squares };
                self.of(statement).successes.add(&one);
            }
            Outcome::Ignore => {
                self.counts.ignored = self.counts.ignored.saturating_add(latency);
            }
            Outcome::Overload => {}
        }
    }

    #[inline]
    fn of(&mut self, statement: usize) -> &mut Statement {
        if self.statements.len() <= statement {
            self.make_room(statement);
        }
        &mut self.statements[statement]
    }

    #[cold]
    fn make_room(&mut self, statement: usize) {
        for number in self.statements.len()..=statement {
            self.statements.push(Statement::new(number, self.usual));
        }
    }

    /// Bounds the next queries of these by what is known of them now.
    fn bound(&mut self, statements: &[StatementSignal]) {
        for &StatementSignal { statement, .. } in statements {
            self.statements[statement].bounds = self.slow.bounds(self.baselines.alone(statement));
        }
    }

    /// The time that queries were in flight, added up, since this was asked last.
    fn take_busy(&mut self, now: Stamp) -> Duration {
        // Threads read the clock before they get here, so `now` may be a little early.
        let in_flight = (now.number() * self.in_flight as i128 - self.starts).max(0);
        let busy = self.ran + in_flight;
        Duration::from_nanos(whole(busy - mem::replace(&mut self.told, busy)))
    }

    /// How long ago the moments that add up to `sum` were, on average.
    fn mean_since(&self, sum: i128, now: Stamp) -> Duration {
        match self.in_flight as i128 {
            0 => Duration::ZERO,
            count => Duration::from_nanos(whole((now.number() * count - sum) / count)),
        }
    }
}

/// As far as it is neither negative nor too large.
fn whole(nanos: i128) -> u64 {
    u64::try_from(nanos.max(0)).unwrap_or(u64::MAX)
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::time::Instant;

    const MS: Duration = Duration::from_millis(1);

    fn meter() -> (Meter, Stamp) {
        let t0 = Stamp::of(Instant::now());
        (Meter::new(Slow { after: 100 * MS, ..Slow::default() }, t0), t0)
    }

    fn start(meter: &mut Meter, at: Stamp) -> Call {
        let call = meter.call(0, at);
        meter.start(&call);
        call
    }

    #[test]
    fn busy_time_is_the_integral_of_in_flight() {
        let (mut meter, t0) = meter();
        let first = start(&mut meter, t0);
        start(&mut meter, t0 + 10 * MS);
        meter.finish(&first, t0 + 30 * MS, Outcome::Success);
        let signal = meter.take(t0 + 40 * MS, Duration::ZERO);
        assert_eq!(signal.busy, (10 + 2 * 20 + 10) * MS);
        assert_eq!((signal.in_flight, signal.finished), (1, 1));
    }

    #[test]
    fn a_stall_shows_before_anything_comes_back() {
        let (mut meter, t0) = meter();
        start(&mut meter, t0);
        start(&mut meter, t0 + 100 * MS);
        let signal = meter.take(t0 + 500 * MS, Duration::ZERO);
        assert_eq!((signal.age, signal.overdue), (450 * MS, 350 * MS));
        assert_eq!(signal.busy, 900 * MS);
        assert_eq!(signal.finished, 0);
    }

    #[test]
    fn a_cancelled_query_counts_for_as_long_as_it_ran() {
        let (mut meter, t0) = meter();
        let call = start(&mut meter, t0);
        assert_eq!(meter.cancel(&call, t0 + 70 * MS), Verdict::Nothing);
        let signal = meter.take(t0 + 100 * MS, Duration::ZERO);
        assert_eq!((signal.busy, signal.cancelled, signal.finished), (70 * MS, 1, 0));
        assert_eq!((signal.in_flight, signal.age), (0, Duration::ZERO));
        assert_eq!(signal.cancelled_slow, 0);
    }

    #[test]
    fn a_query_given_up_when_slow_already_is_told_apart() {
        let (mut meter, t0) = meter();
        let call = start(&mut meter, t0);
        assert_eq!(meter.cancel(&call, t0 + 101 * MS), Verdict::Slow);
        let signal = meter.take(t0 + 200 * MS, Duration::ZERO);
        assert_eq!((signal.cancelled, signal.cancelled_slow, signal.slow), (1, 1, 0));
    }

    #[test]
    fn only_successes_make_the_statement_figures() {
        let (mut meter, t0) = meter();
        meter.record(3, 2 * MS, Outcome::Success);
        meter.record(3, 4 * MS, Outcome::Success);
        meter.record(3, 900 * MS, Outcome::Overload);
        meter.record(0, MS, Outcome::Ignore);
        let signal = meter.take(t0 + MS, Duration::ZERO);
        let [only] = signal.statements[..] else { panic!("{:?}", signal.statements) };
        assert_eq!((only.statement, only.count), (3, 2));
        assert!((only.mean() - 0.003).abs() < 1e-12);
        assert!((only.variance() - 1e-6).abs() < 1e-12);
        assert_eq!((signal.finished, signal.overloads, signal.slow), (4, 1, 0));
        assert_eq!(signal.ignored, MS);
    }

    #[test]
    fn absurd_latencies_do_no_harm() {
        let (mut meter, t0) = meter();
        for outcome in [Outcome::Success, Outcome::Ignore, Outcome::Success, Outcome::Ignore] {
            meter.record(0, Duration::MAX, outcome);
        }
        start(&mut meter, t0 + MS);
        assert_eq!(meter.take(t0 + 2 * MS, Duration::ZERO).slow, 4);
    }

    #[test]
    fn each_signal_starts_afresh() {
        let (mut meter, t0) = meter();
        meter.record(0, 200 * MS, Outcome::Success);
        assert_eq!(meter.take(t0 + MS, Duration::ZERO).slow, 1);
        let second = meter.take(t0 + 3 * MS, Duration::ZERO);
        assert_eq!((second.finished, second.slow, second.span), (0, 0, 2 * MS));
        assert!(second.statements.is_empty());
    }

    #[test]
    fn late_clock_readings_do_no_harm() {
        let (mut meter, t0) = meter();
        let early = start(&mut meter, t0 + 5 * MS);
        let late = start(&mut meter, t0 + 4 * MS);
        meter.finish(&late, t0 + 3 * MS, Outcome::Success);
        meter.finish(&early, t0 + 9 * MS, Outcome::Success);
        let signal = meter.take(t0 + 2 * MS, Duration::ZERO);
        assert_eq!((signal.in_flight, signal.finished), (0, 2));
    }

    /// A hundred queries of 10 ms, so that this is what statement 0 takes alone.
    fn acquainted(slow: Slow) -> (Meter, Stamp) {
        let t0 = Stamp::of(Instant::now());
        let mut meter = Meter::new(slow, t0);
        for _ in 0..100 {
            meter.record(0, 10 * MS, Outcome::Success);
        }
        meter.take(t0, Duration::ZERO);
        (meter, t0)
    }

    #[test]
    fn a_statement_that_is_known_is_slow_by_its_own_measure() {
        let (mut meter, _) = acquainted(Slow::default());
        assert_eq!(meter.record(0, 200 * MS, Outcome::Success), Verdict::Good);
        assert_eq!(meter.record(0, 201 * MS, Outcome::Success), Verdict::Slow);
        assert_eq!(meter.record(3, 999 * MS, Outcome::Success), Verdict::Good, "not known");
        let (mut meter, _) = acquainted(Slow { after: 150 * MS, ..Slow::default() });
        assert_eq!(meter.record(0, 151 * MS, Outcome::Success), Verdict::Slow);
        let (mut meter, _) = acquainted(Slow { times: 2.0, ..Slow::default() });
        assert_eq!(meter.record(0, 100 * MS, Outcome::Success), Verdict::Good, "nobody minds");
    }

    #[test]
    fn good_and_bad_are_told_by_statement_and_name() {
        let (mut meter, t0) = acquainted(Slow::default());
        meter.name(0, Arc::from("orders.select"));
        meter.record(0, 300 * MS, Outcome::Success);
        meter.record(0, MS, Outcome::Ignore);
        meter.record(2, MS, Outcome::Overload);
        let signal = meter.take(t0 + MS, Duration::ZERO);
        let [first, second] = &signal.calls[..] else { panic!("{:?}", signal.calls) };
        assert_eq!((&*first.name, first.all, first.bad), ("orders.select", 2, 1));
        assert_eq!(first.alone, 10 * MS);
        assert_eq!((second.statement, second.all, second.bad), (2, 1, 1));
    }

    #[test]
    fn what_hangs_is_told_apart_by_statement() {
        let (mut meter, t0) = acquainted(Slow::default());
        let hanging = [meter.call(0, t0), meter.call(0, t0)];
        hanging.iter().for_each(|call| meter.start(call));
        let report = meter.call(3, t0);
        meter.start(&report);
        let hung = |meter: &mut Meter, at| meter.take(at, Duration::ZERO).hung;
        assert_eq!(hung(&mut meter, t0 + 200 * MS), 0);
        assert_eq!(hung(&mut meter, t0 + 201 * MS), 2, "the report is not slow yet");
        meter.finish(&hanging[0], t0 + 300 * MS, Outcome::Success);
        assert_eq!(hung(&mut meter, t0 + 300 * MS), 1);
        assert_eq!(hung(&mut meter, t0 + 1_001 * MS), 2, "now it is");
    }

    #[test]
    fn queries_from_before_have_no_say_but_go_on_counting() {
        let (mut meter, t0) = meter();
        let old = start(&mut meter, t0);
        let given_up = start(&mut meter, t0);
        meter.judge_since(t0 + MS);
        let new = start(&mut meter, t0 + MS);
        meter.finish(&old, t0 + 900 * MS, Outcome::Success);
        meter.cancel(&given_up, t0 + 900 * MS);
        meter.finish(&new, t0 + 900 * MS, Outcome::Success);
        let signal = meter.take(t0 + 900 * MS, Duration::ZERO);
        assert_eq!((signal.finished, signal.slow, signal.cancelled_slow), (2, 1, 0));
        assert_eq!((signal.calls[0].all, signal.calls[0].bad), (1, 1));
    }

    #[test]
    fn to_have_got_a_connection_says_nothing_but_to_have_got_none_does() {
        let (mut meter, t0) = meter();
        meter.record(WAIT, MS, Outcome::Success);
        let signal = meter.take(t0 + MS, Duration::ZERO);
        assert_eq!((signal.finished, signal.calls.len(), signal.statements.len()), (0, 0, 1));
        meter.record(WAIT, MS, Outcome::Overload);
        let signal = meter.take(t0 + 2 * MS, Duration::ZERO);
        assert_eq!((signal.finished, signal.calls[0].bad), (1, 1));
    }

    #[test]
    fn what_starts_on_one_meter_may_end_on_another() {
        let ((mut whole, t0), slow) = (meter(), Slow { after: 100 * MS, ..Slow::default() });
        let [mut all, mut starts, mut ends] = [0; 3].map(|_| Meter::new(slow, t0));
        for number in 0..40 {
            let (at, statement) = (t0 + number * MS, number as usize % 3);
            let call = whole.call(statement, at);
            whole.start(&call);
            starts.start(&call);
            for meter in [&mut whole, &mut ends] {
                match number % 4 {
                    0 => {}
                    1 => _ = meter.cancel(&call, at + 7 * MS),
                    _ => _ = meter.finish(&call, at + 5 * MS, Outcome::Success),
                }
            }
        }
        for at in [t0 + 60 * MS, t0 + 90 * MS] {
            [&mut starts, &mut ends].into_iter().for_each(|part| all.absorb(part));
            assert_eq!(all.take(at, Duration::ZERO), whole.take(at, Duration::ZERO));
        }
    }

    #[test]
    fn others_learn_what_is_slow_and_from_when_on() {
        let (mut meter, t0) = acquainted(Slow::default());
        let mut other = Meter::new(Slow::default(), t0);
        assert_eq!(other.record(0, 201 * MS, Outcome::Success), Verdict::Good, "not known");
        meter.teach(&mut other);
        assert_eq!(other.record(0, 201 * MS, Outcome::Success), Verdict::Slow);
        assert_eq!(other.alone(0), meter.alone(0));
        let old = start(&mut other, t0);
        meter.absorb(&mut other);
        meter.take(t0, Duration::ZERO);
        meter.judge_since(t0 + MS);
        meter.teach(&mut other);
        other.finish(&old, t0 + 900 * MS, Outcome::Success);
        meter.absorb(&mut other);
        let signal = meter.take(t0 + 900 * MS, Duration::ZERO);
        assert_eq!((signal.finished, signal.slow, signal.in_flight), (1, 0, 0));
    }
}
