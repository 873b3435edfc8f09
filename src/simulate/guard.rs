//! What stands in front of the pool of one instance.

use std::{
    mem,
    ops::RangeInclusive,
    time::{Duration, Instant},
};

use super::{door::Answer, foreign::Foreign};
use crate::{
    class::{Class, Cost, Priority},
    config::InvalidConfig,
    control::{
        level::{Level, Strain},
        limit::{Knee, Limit},
        meter::{Call, Meter, Slow},
        occupancy::{Occupancy, Rules},
        queue::{Entered, Ticket},
        room::Headroom,
    },
    event::Circuit,
    gate::{Checked, ConcurrencyLimit, bounded},
    outcome::Outcome,
    signal::Signal,
};

/// The guard of one instance: none, a limit with a queue, or one of another make. It
/// stands where the pool is touched, so requests without a query do not meet it.
#[derive(Debug)]
#[must_use]
pub struct Guard {
    pub(super) kind: Kind,
    pub(super) around_all: bool,
}

#[derive(Debug)]
pub(super) enum Kind {
    Own(Option<Limited>),
    Other(Box<dyn Foreign>),
}

#[derive(Debug)]
pub(super) struct Limited {
    algorithm: Box<dyn Limit>,
    bounds: RangeInclusive<usize>,
    rules: Rules,
}

impl Guard {
    /// Everything passes.
    pub fn none() -> Self {
        Self::at_the_pool(Kind::Own(None))
    }

    /// The gate that these settings make.
    ///
    /// # Errors
    ///
    /// [`InvalidConfig`] if a setting is outside its range.
    pub fn with(settings: ConcurrencyLimit) -> Result<Self, InvalidConfig> {
        let Checked { algorithm, bounds, rules, .. } = settings.checked()?;
        let algorithm = algorithm.unwrap_or_else(|| Box::new(Knee::default()));
        Ok(Self::at_the_pool(Kind::Own(Some(Limited { algorithm, bounds, rules }))))
    }

    /// A limit with the defaults of [`ConcurrencyLimit`].
    pub fn limit(algorithm: impl Limit + Clone + 'static) -> Self {
        Self::with(ConcurrencyLimit::new().algorithm(algorithm)).expect(DEFAULTS)
    }

    /// A limit that sheds at once what is over it, whoever it is.
    pub fn shed(algorithm: impl Limit + Clone + 'static) -> Self {
        let settings = ConcurrencyLimit::new().algorithm(algorithm).queue(0).headroom(0.0);
        Self::with(settings).expect(DEFAULTS)
    }

    /// A guard of another make.
    pub fn other(guard: impl Foreign + 'static) -> Self {
        Self::at_the_pool(Kind::Other(Box::new(guard)))
    }

    /// The same guard around the whole application: requests without a query have to
    /// pass it, too.
    pub fn around_all(self) -> Self {
        Self { around_all: true, ..self }
    }

    fn at_the_pool(kind: Kind) -> Self {
        Self { kind, around_all: false }
    }
}

/// One of the crate's own at work.
#[derive(Debug)]
pub(super) struct Post {
    limited: Option<Limited>,
    occupancy: Occupancy<usize>,
    meter: Meter,
    level: Level,
    /// Since the last tick.
    admitted: u64,
    refused: u64,
    left_out: bool,
}

impl Post {
    /// The `phase` is where its rounding of fractional limits begins, from 0 to 1.
    pub(super) fn new(limited: Option<Limited>, now: Instant, phase: f64) -> Self {
        let nobody_waits =
            Rules { headroom: Headroom::new(0.0), queue: 0, max_wait: Duration::ZERO };
        let rules = limited.as_ref().map_or(nobody_waits, |own| own.rules);
        let mut post = Self {
            occupancy: Occupancy::new(f64::INFINITY, phase, rules),
            meter: Meter::new(SLOW, now.into()),
            level: Level::new(now),
            admitted: 0,
            refused: 0,
            left_out: false,
            limited,
        };
        post.set_limit();
        post
    }

    /// 0 without any.
    pub(super) fn limit(&self) -> usize {
        if self.limited.is_some() { self.occupancy.limit() } else { 0 }
    }

    pub(super) fn level(&self) -> f64 {
        self.level.get()
    }

    /// How long an attempt may wait, in seconds.
    pub(super) fn max_wait(&self) -> f64 {
        self.occupancy.max_wait().as_secs_f64()
    }

    pub(super) fn enter(&mut self, attempt: usize, priority: Priority, now: Instant) -> Answer {
        let class = Class::new(priority);
        if self.occupancy.admit(&class) {
            return Answer::Admitted;
        }
        match self.occupancy.wait(&class, now, || attempt) {
            Entered::Waiting(ticket) => Answer::Waiting(ticket),
            Entered::Evicting(ticket, evicted) => {
                self.occupancy.count_refused();
                Answer::Evicting(ticket, evicted)
            }
            Entered::Full => Answer::Refused,
        }
    }

    /// The next who waits and may go on.
    pub(super) fn admit_first(&mut self, now: Instant) -> Option<usize> {
        self.occupancy.admit_first(now).map(|(_, attempt)| attempt)
    }

    /// Someone's wait is over: who goes on for it.
    pub(super) fn admit_overdue(&mut self, ticket: Ticket, now: Instant) -> Option<usize> {
        self.occupancy.admit_overdue(ticket, now).map(|(_, attempt)| attempt)
    }

    /// An attempt leaves the queue: too late, or its customer has gone.
    pub(super) fn leave(&mut self, ticket: Ticket, late: bool) -> bool {
        let left = self.occupancy.leave(ticket).is_some();
        if left && late {
            self.occupancy.count_refused();
        }
        left
    }

    /// An admitted attempt begins to wait for the pool.
    pub(super) fn start(&mut self, now: Instant, kind: usize) {
        self.meter.start(&call(kind, now));
    }

    pub(super) fn finish(&mut self, now: Instant, since: Instant, kind: usize, outcome: Outcome) {
        self.meter.finish(&call(kind, since), now.into(), outcome);
    }

    pub(super) fn cancel(&mut self, now: Instant, since: Instant, kind: usize) {
        self.meter.cancel(&call(kind, since), now.into());
    }

    pub(super) fn count_out(&mut self) {
        self.occupancy.count_out(Cost::USUAL);
    }

    pub(super) fn count_admitted(&mut self) {
        self.admitted += 1;
    }

    /// Something optional was left out.
    pub(super) fn leave_out(&mut self) {
        self.left_out = true;
    }

    pub(super) fn count_refused(&mut self, priority: Priority) {
        self.refused += u64::from(priority >= Priority::Normal);
    }

    /// A tenth of a second has passed.
    pub(super) fn tick(&mut self, now: Instant, wall: Duration) {
        let usage = self.occupancy.take_usage();
        let signal = self.meter.take(now.into(), wall);
        let strain = self.take_strain(&signal);
        self.level.update(&strain, SET_POINT, now);
        let usage = if mem::take(&mut self.left_out) { usage.leaving_out() } else { usage };
        if let Some(limited) = &mut self.limited {
            limited.algorithm.update(&signal, &usage);
        }
        self.set_limit();
    }

    fn take_strain(&mut self, signal: &Signal) -> Strain {
        let wanted = self.occupancy.in_flight() + self.occupancy.waiting();
        Strain {
            limit: self.occupancy.exact_limit(),
            wanted: wanted as f64,
            admitted: mem::take(&mut self.admitted),
            refused: mem::take(&mut self.refused),
            finished: signal.finished,
            ill: signal.slow + signal.overloads,
            circuit: Circuit::Closed,
        }
    }

    fn set_limit(&mut self) {
        if let Some(limited) = &self.limited {
            self.occupancy.set_limit(bounded(&*limited.algorithm, &limited.bounds));
        }
    }
}

/// A query that is slow by the clock alone: no limit looks at what is slow.
fn call(statement: usize, started: Instant) -> Call {
    Call::new(statement, started.into(), SLOW.bounds(None))
}

const SLOW: Slow = Slow { after: Duration::from_secs(1), times: f64::INFINITY };
/// That of the gates.
const SET_POINT: f64 = 0.8;
const DEFAULTS: &str = "the defaults are in range";
