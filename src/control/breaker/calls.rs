//! The calls of the last seconds, by statement, and what they say together.

use std::{
    collections::BTreeMap,
    iter::Sum,
    sync::Arc,
    time::{Duration, Instant},
};

use super::Figures;
use crate::{
    control::window::Window,
    event::{BadCalls, WorstStatement},
    signal::Signal,
};

/// What a breaker stands in front of.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Scope {
    /// A whole database. Where some statements are well, which are a tenth of the calls
    /// and enough to judge by, it is well itself.
    Database,
    /// One route, whose requests need all of its statements: it is as ill as the illest.
    Route,
}

/// A sliding window for each statement that was called in it.
#[derive(Debug)]
pub(super) struct Calls {
    figures: Figures,
    statements: BTreeMap<usize, Statement>,
}

#[derive(Debug)]
struct Statement {
    name: Arc<str>,
    alone: Duration,
    window: Window<Count>,
}

#[derive(Clone, Copy, Debug, Default)]
struct Count {
    all: u64,
    bad: u64,
    successes: u64,
    /// The latencies of the successes, summed.
    seconds: f64,
}

/// The calls of one span.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Tally {
    pub(super) all: u64,
    pub(super) bad: u64,
    /// Of the bad, those that did not succeed at last.
    failed: u64,
    /// Of all, those of statements that are well.
    healthy: u64,
    /// The largest shares, bad and failed, of a statement with enough calls to judge by.
    illest: f64,
    failing: f64,
}

impl Calls {
    pub(super) fn new(figures: Figures) -> Self {
        Self { figures, statements: BTreeMap::new() }
    }

    pub(super) fn hear(&mut self, signal: &Signal) {
        let window = || Window::new(self.figures.window, signal.at.into());
        for calls in &signal.calls {
            let (name, alone) = (calls.name.clone(), calls.alone);
            let own = self.statements.entry(calls.statement);
            let own = own.or_insert_with(|| Statement { name, alone, window: window() });
            own.alone = calls.alone;
            let count = own.window.current(signal.at.into());
            count.all += calls.all;
            count.bad += calls.bad;
        }
        for successes in &signal.statements {
            let Some(own) = self.statements.get_mut(&successes.statement) else { continue };
            let count = own.window.current(signal.at.into());
            count.successes += successes.count;
            count.seconds += successes.seconds;
        }
        self.statements.retain(|_, own| own.sum(self.figures.window, signal.at).all > 0);
    }

    /// The bad share by which the scope goes: 0 if there are too few calls to judge by. It
    /// is that of the window, or where the circuit is dimmed already, of the newest calls:
    /// then it follows closely.
    pub(super) fn share(&mut self, dimmed: bool, now: Instant) -> f64 {
        let tally = self.tally(self.figures.window, now);
        if !dimmed || self.is_well(&tally) {
            return self.judge(&tally);
        }
        let newest = self.newest(now);
        let tally = self.tally(newest, now);
        self.judge(&tally)
    }

    /// The newest calls, if hardly any of them succeeds. What was good before says nothing about
    /// now, and one bad moment among good ones is no outage. A slow success is an answer,
    /// and counts as a failure only where dimming does not help.
    pub(super) fn hopeless(&mut self, in_vain: bool, now: Instant) -> Option<BadCalls> {
        let span = self.newest(now);
        let tally = self.tally(span, now);
        let share = self.judge(&if in_vain { tally } else { tally.failures_only() });
        let hopeless = share >= self.figures.trip_share.max(HOPELESS);
        hopeless.then(|| self.explain(&tally, span, now))
    }

    /// The last second, or the whole window if that second holds too few calls.
    fn newest(&mut self, now: Instant) -> Duration {
        let window = self.figures.window;
        let newest = SECOND.min(window);
        let enough = self.tally(newest, now).all >= self.figures.min_calls;
        if enough { newest } else { window }
    }

    /// The calls of the window, in words.
    pub(super) fn bad(&mut self, now: Instant) -> BadCalls {
        let span = self.figures.window;
        let tally = self.tally(span, now);
        self.explain(&tally, span, now)
    }

    pub(super) fn tally(&mut self, span: Duration, now: Instant) -> Tally {
        let Figures { trip_share, min_calls, .. } = self.figures;
        let mut tally = Tally::default();
        for own in self.statements.values_mut() {
            let count = own.sum(span, now);
            tally.all += count.all;
            tally.bad += count.bad;
            tally.failed += count.failed();
            if count.share() < trip_share {
                tally.healthy += count.all;
            }
            if count.all >= min_calls {
                tally.illest = tally.illest.max(count.share());
                tally.failing = tally.failing.max(share(count.failed(), count.all));
            }
        }
        tally
    }

    fn judge(&self, tally: &Tally) -> f64 {
        let min_calls = self.figures.min_calls;
        if tally.all < min_calls {
            return 0.0;
        }
        match self.figures.scope {
            _ if self.is_well(tally) => 0.0,
            Scope::Database => tally.share(),
            Scope::Route => tally.share().max(tally.illest),
        }
    }

    /// Enough is well for the whole to be.
    fn is_well(&self, tally: &Tally) -> bool {
        let enough = tally.healthy >= self.figures.min_calls;
        self.figures.scope == Scope::Database && enough && share(tally.healthy, tally.all) >= WELL
    }

    fn explain(&mut self, tally: &Tally, span: Duration, now: Instant) -> BadCalls {
        let mut counts = self.statements.values_mut().map(|own| (own.sum(span, now), &*own));
        let worst = counts.find(|(count, _)| 2 * count.bad > tally.bad);
        let worst = worst.filter(|(_, own)| !own.name.is_empty());
        let worst = worst.map(|(count, own)| {
            let alone = Some(own.alone).filter(|alone| !alone.is_zero());
            WorstStatement::new(own.name.clone(), count.latency(), alone)
        });
        BadCalls { worst, ..BadCalls::new(tally.share(), tally.all, span) }
    }
}

impl Statement {
    fn sum(&mut self, span: Duration, now: Instant) -> Count {
        self.window.newest(now.into(), span).copied().sum()
    }
}

impl Count {
    fn share(&self) -> f64 {
        share(self.bad, self.all)
    }

    fn failed(&self) -> u64 {
        self.bad.min(self.all.saturating_sub(self.successes))
    }

    fn latency(&self) -> Option<Duration> {
        let mean = self.seconds / self.successes as f64;
        Duration::try_from_secs_f64(mean).ok().filter(|_| self.successes > 0)
    }
}

impl Sum for Count {
    fn sum<I: Iterator<Item = Self>>(counts: I) -> Self {
        counts.fold(Self::default(), |sum, count| Self {
            all: sum.all + count.all,
            bad: sum.bad + count.bad,
            successes: sum.successes + count.successes,
            seconds: sum.seconds + count.seconds,
        })
    }
}

impl Tally {
    fn failures_only(self) -> Self {
        Self { bad: self.failed, illest: self.failing, ..self }
    }

    pub(super) fn share(&self) -> f64 {
        share(self.bad, self.all)
    }
}

fn share(part: u64, all: u64) -> f64 {
    if all == 0 { 0.0 } else { part as f64 / all as f64 }
}

/// The share of calls that must be of healthy statements for the database to be well.
const WELL: f64 = 0.1;

/// The bad share from which on hardly anything succeeds.
const HOPELESS: f64 = 0.9;

const SECOND: Duration = Duration::from_secs(1);
