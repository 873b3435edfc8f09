//! What stands in front of the pool of one instance.

use std::time::{Duration, Instant};

use crate::{
    class::Priority,
    control::{
        limit::Limit,
        meter::Meter,
        occupancy::Occupancy,
        queue::{Entered, Ticket},
    },
    outcome::Outcome,
};

/// The gate of one instance: none, or a limit with a queue.
#[derive(Debug)]
pub struct Guard(Option<Limited>);

#[derive(Debug)]
struct Limited {
    algorithm: Box<dyn Limit>,
    queue: usize,
    max_wait: f64,
    headroom: f64,
    most: usize,
}

impl Guard {
    /// Everything passes.
    #[must_use]
    pub fn none() -> Self {
        Self(None)
    }

    /// A limit with the crate's default queue: strict priorities, 100 places, 100 ms, a
    /// tenth of headroom.
    #[must_use]
    pub fn limit(algorithm: impl Limit + 'static) -> Self {
        let algorithm = Box::new(algorithm);
        Self(Some(Limited { algorithm, queue: 100, max_wait: 0.1, headroom: 0.1, most: 200 }))
    }

    /// A limit that sheds at once what is over it, whoever it is.
    #[must_use]
    pub fn shed(algorithm: impl Limit + 'static) -> Self {
        let algorithm = Box::new(algorithm);
        Self(Some(Limited { algorithm, queue: 0, max_wait: 0.0, headroom: 0.0, most: 200 }))
    }
}

/// A guard at work.
#[derive(Debug)]
pub(super) struct Post {
    limited: Option<Limited>,
    occupancy: Occupancy<usize>,
    meter: Meter,
}

/// The answer to one attempt.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Answer {
    Admitted,
    Waiting(Ticket),
    /// Waiting, and this other attempt had to leave.
    Evicting(Ticket, usize),
    Refused,
}

impl Post {
    pub(super) fn new(guard: Guard, now: Instant) -> Self {
        let limited = guard.0.as_ref();
        let (headroom, queue) = limited.map_or((0.0, 0), |own| (own.headroom, own.queue));
        let mut post = Self {
            occupancy: Occupancy::new(usize::MAX, headroom, queue),
            meter: Meter::new(Duration::from_secs(1), now),
            limited: guard.0,
        };
        post.set_limit();
        post
    }

    pub(super) fn limit(&self) -> usize {
        self.occupancy.limit()
    }

    /// How long an attempt may wait, in seconds.
    pub(super) fn max_wait(&self) -> f64 {
        self.limited.as_ref().map_or(0.0, |limited| limited.max_wait)
    }

    pub(super) fn enter(&mut self, attempt: usize, priority: Priority) -> Answer {
        if self.occupancy.admit(priority) {
            return Answer::Admitted;
        }
        match self.occupancy.wait(priority, attempt) {
            Entered::Waiting(ticket) => Answer::Waiting(ticket),
            Entered::Evicting(ticket, evicted) => {
                self.occupancy.count_refused();
                Answer::Evicting(ticket, evicted)
            }
            Entered::Full(_) => {
                self.occupancy.count_refused();
                Answer::Refused
            }
        }
    }

    /// The next who waits and may go on.
    pub(super) fn admit_first(&mut self) -> Option<usize> {
        self.occupancy.admit_first()
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
    pub(super) fn start(&mut self, now: Instant) {
        self.meter.start(now);
    }

    pub(super) fn finish(&mut self, now: Instant, since: Instant, kind: usize, outcome: Outcome) {
        self.meter.finish(now, since, kind, outcome);
        self.occupancy.count_out();
    }

    pub(super) fn cancel(&mut self, now: Instant, since: Instant) {
        self.meter.cancel(now, since);
        self.occupancy.count_out();
    }

    /// A tenth of a second has passed.
    pub(super) fn tick(&mut self, now: Instant, wall: Duration) {
        let usage = self.occupancy.take_usage();
        let signal = self.meter.take(now, wall);
        if let Some(limited) = &mut self.limited {
            limited.algorithm.update(&signal, &usage);
        }
        self.set_limit();
    }

    fn set_limit(&mut self) {
        if let Some(limited) = &self.limited {
            let limit = (limited.algorithm.limit() as usize).clamp(1, limited.most);
            self.occupancy.set_limit(limit);
        }
    }
}
