//! The circuit breaker: closed while the database keeps up, dimmed while it keeps up with
//! a part, open while it does not answer, half-open to find out.
//!
//! It knows nothing of gates and databases: it is fed with [`Signal`]s, asked for
//! [`Verdict`]s, and told what became of its probes.

mod calls;
mod dim;
mod half_open;
mod jitter;
mod silence;
mod transitions;
mod trial;

pub(crate) use calls::Scope;
pub(crate) use trial::Probe;

use std::time::{Duration, Instant};

use calls::Calls;
use dim::Dim;
use jitter::Jitter;
use silence::Silence;
use trial::Trial;

use crate::{
    class::Priority,
    event::{Cause, Circuit},
    signal::Signal,
};

/// The figures that a breaker goes by; documented where users set them.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Figures {
    pub(crate) scope: Scope,
    pub(crate) trip_share: f64,
    pub(crate) min_calls: u64,
    pub(crate) window: Duration,
    pub(crate) stall_after: Duration,
    pub(crate) open_for: Duration,
    pub(crate) open_at_most: Duration,
    pub(crate) probes: u32,
}

/// Who decides.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Mode {
    Automatic,
    ForcedOpen,
    ForcedClosed,
}

#[derive(Debug)]
pub(crate) struct Breaker {
    figures: Figures,
    mode: Mode,
    state: State,
    calls: Calls,
    silence: Silence,
    /// Of a closed circuit.
    dim: Dim,
    jitter: Jitter,
    /// As the last signal said.
    slow_after: Duration,
    /// When the last half-open spell began: what started before has no say.
    tried: Option<Instant>,
    /// Counts the half-open spells, so that a probe of an earlier one has no say.
    generation: u64,
    /// Openings in a row, which lengthen the next.
    openings: u32,
    /// Of the last change of the circuit.
    cause: Cause,
}

#[derive(Clone, Copy, Debug, PartialEq)]
enum State {
    Closed,
    Open {
        since: Instant,
        until: Instant,
        /// Queries that came back with success meanwhile.
        answers: u64,
    },
    HalfOpen(Trial),
}

/// The answer to one request.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Verdict {
    Pass,
    Try(Probe),
    Refuse { retry_after: Duration },
}

/// What a breaker knows.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) struct Knowledge {
    pub(crate) circuit: Circuit,
    pub(crate) mode: Mode,
    pub(crate) level: f64,
    pub(crate) calls: u64,
    pub(crate) bad_share: f64,
}

impl Breaker {
    /// A closed one. Breakers of different seeds do not try in step.
    pub(crate) fn new(figures: Figures, seed: u64, now: Instant) -> Self {
        Self {
            figures,
            mode: Mode::Automatic,
            state: State::Closed,
            calls: Calls::new(figures),
            silence: Silence::new(figures.stall_after, now),
            dim: Dim::bright(figures.scope, now),
            jitter: Jitter::new(seed),
            slow_after: Duration::MAX,
            tried: None,
            generation: 0,
            openings: 0,
            cause: Cause::Released,
        }
    }

    pub(crate) fn circuit(&self) -> Circuit {
        match (self.mode, self.state) {
            (Mode::ForcedOpen, _) => Circuit::Open,
            (Mode::ForcedClosed, _) => Circuit::Closed,
            (_, State::Closed) if self.dim.level() > 0.0 => Circuit::Partial,
            (_, State::Closed) => Circuit::Closed,
            (_, State::Open { .. }) => Circuit::Open,
            (_, State::HalfOpen(_)) => Circuit::HalfOpen,
        }
    }

    /// Why the circuit changed the last time.
    pub(crate) fn cause(&self) -> &Cause {
        &self.cause
    }

    pub(crate) fn mode(&self) -> Mode {
        self.mode
    }

    /// What is slow for any statement, or a second before anything was heard.
    pub(crate) fn slow_after(&self) -> Duration {
        if self.slow_after == Duration::MAX { Duration::from_secs(1) } else { self.slow_after }
    }

    /// Queries that started before have no say in whether the database keeps up, to be
    /// handed to the meter that makes the signals.
    pub(crate) fn judge_since(&self) -> Option<Instant> {
        self.tried
    }

    pub(crate) fn knowledge(&mut self, now: Instant) -> Knowledge {
        let tally = self.calls.tally(self.figures.window, now);
        let closed = matches!((self.mode, self.state), (Mode::Automatic, State::Closed));
        Knowledge {
            circuit: self.circuit(),
            mode: self.mode,
            level: if closed { self.dim.level() } else { 0.0 },
            calls: tally.all,
            bad_share: tally.share(),
        }
    }

    /// The duration, spread so that breakers of different seeds do not go in step.
    pub(crate) fn spread(&mut self, duration: Duration) -> Duration {
        self.jitter.spread(duration)
    }

    pub(crate) fn admit(&mut self, priority: Priority, now: Instant) -> Verdict {
        match (self.mode, self.state) {
            (Mode::ForcedOpen, _) => Verdict::Refuse { retry_after: self.figures.open_for },
            (Mode::ForcedClosed, _) => Verdict::Pass,
            (_, State::Closed) => self.admit_dimmed(priority, now),
            (_, State::Open { until, .. }) if now < until => {
                Verdict::Refuse { retry_after: until - now }
            }
            (_, State::Open { since, answers, .. }) => {
                let open = now.saturating_duration_since(since);
                let cause = match answers {
                    0 => Cause::Waited { open },
                    count => Cause::Answers { count, open },
                };
                self.attempt(now, cause);
                self.admit_probe(priority, now)
            }
            (_, State::HalfOpen(_)) => self.admit_probe(priority, now),
        }
    }

    fn admit_dimmed(&mut self, priority: Priority, now: Instant) -> Verdict {
        let refuse = self.dim(now, |dim| dim.refuses(priority, now));
        if refuse { Verdict::Refuse { retry_after: DIMMED } } else { Verdict::Pass }
    }

    /// What the database did. While the circuit is not closed, what comes back was mostly
    /// started before, so only good news count.
    pub(crate) fn on_signal(&mut self, signal: &Signal) {
        self.slow_after = signal.slow_after;
        let stall = self.silence.hear(signal);
        match (self.mode, &mut self.state) {
            (Mode::ForcedOpen, _) => {}
            (Mode::ForcedClosed, _) => self.calls.hear(signal),
            (_, State::Closed) => self.watch(signal, stall),
            (_, State::HalfOpen(_)) => self.settle(signal),
            (_, State::Open { since, until, answers }) => {
                // All of its span is after the opening.
                if signal.at.saturating_duration_since(*since) >= signal.span {
                    *answers += signal.statements.iter().map(|own| own.count).sum::<u64>();
                }
                // It answers again, whatever its answers were worth.
                if *answers > 0 {
                    *until = (*until).min(*since + LEAST_OPEN);
                } else if self.figures.scope == Scope::Route && !signal.overdue.is_zero() {
                    // What hangs still holds connections, and a probe would be one more.
                    let soon = (signal.at + LEAST_OPEN).min(*since + FOR_EVER);
                    *until = (*until).max(soon);
                }
            }
        }
    }

    fn watch(&mut self, signal: &Signal, stall: Option<Duration>) {
        let now = signal.at;
        if let Some(silence) = stall {
            return self.open(now, Cause::Silence { silence, in_flight: signal.in_flight });
        }
        if self.judges(signal) {
            self.calls.hear(signal);
        }
        let in_vain = self.dim.dark_for(now).is_some_and(|dark| dark >= IN_VAIN);
        if let Some(calls) = self.calls.hopeless(in_vain, now) {
            return self.open(now, Cause::BadCalls(calls));
        }
        let dimmed = self.dim.level() > 0.0;
        let strain = self.calls.share(dimmed, now) / self.figures.trip_share;
        self.dim(now, |dim| dim.follow(strain, now));
    }

    /// Whether the meter knew, all through the span of this signal, who has no say.
    fn judges(&self, signal: &Signal) -> bool {
        self.tried.is_none_or(|tried| signal.at.saturating_duration_since(tried) > signal.span)
    }

    /// Changes how far it is dimmed, and says why if that makes a difference.
    fn dim<T>(&mut self, now: Instant, change: impl FnOnce(&mut Dim) -> T) -> T {
        let before = self.circuit();
        let result = change(&mut self.dim);
        match (before, self.circuit()) {
            (Circuit::Closed, Circuit::Partial) => {
                self.cause = Cause::BadCalls(self.calls.bad(now));
            }
            (Circuit::Partial, Circuit::Closed) => {
                self.cause = Cause::Calm;
                self.openings = 0;
            }
            _ => {}
        }
        result
    }
}

/// When to come back to a circuit that is dimmed: nobody knows.
const DIMMED: Duration = Duration::from_secs(1);

/// Having been dark for so long, with answers as slow as before, it has dimmed in vain.
const IN_VAIN: Duration = Duration::from_secs(10);

/// How long it is open at least, and so how often at most it tries.
const LEAST_OPEN: Duration = Duration::from_millis(300);

/// What hangs for so long does not come back at all, and says nothing any more.
const FOR_EVER: Duration = Duration::from_secs(60);

#[cfg(test)]
mod tests;
