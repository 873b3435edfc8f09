//! Where attempts meet the guard of one instance, whichever kind it is.

use std::time::{Duration, Instant};

use super::{
    foreign::{Entry, Foreign},
    guard::{Guard, Kind, Post},
};
use crate::{
    brownout::{Brownout, Client, Optional},
    class::Priority,
    control::queue::Ticket,
    outcome::Outcome,
};

/// A guard at work. Times are in seconds from the beginning.
#[derive(Debug)]
pub(super) struct Door {
    /// The beginning, for those who want instants.
    origin: Instant,
    /// Whether requests without a query have to pass, too.
    around_all: bool,
    keeper: Keeper,
}

#[derive(Debug)]
enum Keeper {
    Own(Box<Post>),
    Other(Box<dyn Foreign>),
}

/// The answer to one attempt.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Answer {
    Admitted,
    Waiting(Ticket),
    /// Waiting, and this other attempt had to leave.
    Evicting(Ticket, usize),
    /// Waiting where nobody hands out tickets.
    Held,
    Refused,
}

/// An admitted attempt on its way out.
#[derive(Clone, Copy, Debug)]
pub(super) struct Passage {
    pub(super) attempt: usize,
    pub(super) admitted: f64,
    /// Since when it runs its query, or waits to.
    pub(super) since: f64,
    pub(super) statement: usize,
    pub(super) outcome: Outcome,
}

impl Door {
    /// The `phase` is where the rounding of fractional limits begins, from 0 to 1.
    pub(super) fn new(guard: Guard, origin: Instant, now: f64, phase: f64) -> Self {
        let keeper = match guard.kind {
            Kind::Own(limited) => Keeper::Own(Box::new(Post::new(limited, at(origin, now), phase))),
            Kind::Other(other) => Keeper::Other(other),
        };
        Self { origin, around_all: guard.around_all, keeper }
    }

    pub(super) fn is_around_all(&self) -> bool {
        self.around_all
    }

    pub(super) fn limit(&self) -> usize {
        match &self.keeper {
            Keeper::Own(post) => post.limit(),
            Keeper::Other(other) => other.limit(),
        }
    }

    /// How degraded it is, from 0 to 1.
    pub(super) fn level(&self) -> f64 {
        match &self.keeper {
            Keeper::Own(post) => post.level(),
            Keeper::Other(_) => 0.0,
        }
    }

    /// Whether a client in this place, from 0 to 1, gets what is optional.
    pub(super) fn serves(&self, place: f32) -> bool {
        let client = Client::Drawn((f64::from(place) * f64::from(u32::MAX)) as u32);
        Brownout::new(self.level() as f32, client).serves(Optional::nth(1, 1))
    }

    /// How long an attempt may wait; None: until its customer goes.
    pub(super) fn max_wait(&self) -> Option<f64> {
        match &self.keeper {
            Keeper::Own(post) => Some(post.max_wait()),
            Keeper::Other(_) => None,
        }
    }

    pub(super) fn enter(&mut self, attempt: usize, priority: Priority, now: f64) -> Answer {
        match &mut self.keeper {
            Keeper::Own(post) => post.enter(attempt, priority, at(self.origin, now)),
            Keeper::Other(other) => match other.enter(attempt, priority, now) {
                Entry::Admitted => Answer::Admitted,
                Entry::Waits => Answer::Held,
                Entry::Refused => Answer::Refused,
            },
        }
    }

    /// The next who waits and may go on.
    pub(super) fn admit_first(&mut self, now: f64) -> Option<usize> {
        match &mut self.keeper {
            Keeper::Own(post) => post.admit_first(at(self.origin, now)),
            Keeper::Other(other) => other.admitted_later(now),
        }
    }

    /// The first who waits, where nothing is in flight although somebody is overdue.
    pub(super) fn admit_overdue(&mut self, ticket: Ticket, now: f64) -> Option<usize> {
        match &mut self.keeper {
            Keeper::Own(post) => post.admit_overdue(ticket, at(self.origin, now)),
            Keeper::Other(_) => None,
        }
    }

    /// A ticket is given back: its holder is too late, or its customer has gone.
    pub(super) fn leave(&mut self, ticket: Ticket, late: bool) -> bool {
        match &mut self.keeper {
            Keeper::Own(post) => post.leave(ticket, late),
            Keeper::Other(_) => false,
        }
    }

    /// The customer of one that is held has gone.
    pub(super) fn let_go(&mut self, attempt: usize, now: f64) {
        if let Keeper::Other(other) = &mut self.keeper {
            other.cancel(attempt, now);
        }
    }

    /// Something optional was left out.
    pub(super) fn leave_out(&mut self) {
        if let Keeper::Own(post) = &mut self.keeper {
            post.leave_out();
        }
    }

    /// One of this priority was refused.
    pub(super) fn count_refused(&mut self, priority: Priority) {
        if let Keeper::Own(post) = &mut self.keeper {
            post.count_refused(priority);
        }
    }

    /// An admitted attempt begins to wait for the pool.
    pub(super) fn admit(&mut self, now: f64, statement: usize) {
        if let Keeper::Own(post) = &mut self.keeper {
            post.count_admitted();
            post.start(at(self.origin, now), statement);
        }
    }

    /// Its query is done and the next one follows.
    pub(super) fn go_on(&mut self, passage: Passage, next: usize, now: f64) {
        let Passage { since, statement, outcome, .. } = passage;
        if let Keeper::Own(post) = &mut self.keeper {
            let now = at(self.origin, now);
            post.finish(now, at(self.origin, since), statement, outcome);
            post.start(now, next);
        }
    }

    pub(super) fn finish(&mut self, passage: Passage, now: f64) {
        let Passage { attempt, admitted, since, statement, outcome } = passage;
        match &mut self.keeper {
            Keeper::Own(post) => {
                post.finish(at(self.origin, now), at(self.origin, since), statement, outcome);
                post.count_out();
            }
            Keeper::Other(other) => {
                other.finish(attempt, now - admitted, outcome == Outcome::Success, now);
            }
        }
    }

    /// Its customer has gone; the outcome says nothing.
    pub(super) fn cancel(&mut self, passage: Passage, now: f64) {
        let Passage { attempt, since, statement, .. } = passage;
        match &mut self.keeper {
            Keeper::Own(post) => {
                post.cancel(at(self.origin, now), at(self.origin, since), statement);
                post.count_out();
            }
            Keeper::Other(other) => other.cancel(attempt, now),
        }
    }

    /// A tenth of a second has passed.
    pub(super) fn tick(&mut self, now: f64) {
        match &mut self.keeper {
            Keeper::Own(post) => post.tick(at(self.origin, now), Duration::from_secs_f64(now)),
            Keeper::Other(other) => other.tick(now),
        }
    }
}

fn at(origin: Instant, seconds: f64) -> Instant {
    origin + Duration::from_secs_f64(seconds)
}
