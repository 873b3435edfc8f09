//! When, and whether at all, those who were refused come back.

use std::{
    sync::{
        Arc, Mutex,
        atomic::{AtomicU64, Ordering},
    },
    time::Instant,
};

use super::{Gates, GatesPermit};
use crate::{
    class::{Class, Priority},
    clock,
    control::retries::{Came, Retries},
    event::Event,
    lock::lock,
    rejection::{Reason, Rejection},
};

/// What comes for another time.
pub(super) struct Comeback {
    retries: AtomicU64,
    share: Mutex<Retries>,
}

impl Comeback {
    pub(super) fn new() -> Self {
        Self { retries: AtomicU64::default(), share: Mutex::new(Retries::new(clock::now())) }
    }

    /// One was admitted or refused.
    pub(super) fn count(&self, class: &Class) {
        if class.retry {
            self.retries.fetch_add(1, Ordering::Relaxed);
        }
    }

    /// Retries among all that were admitted or refused so far.
    pub(super) fn retries(&self) -> u64 {
        self.retries.load(Ordering::Relaxed)
    }
}

impl Gates {
    /// Refuses one who has the permits of some gates.
    pub(super) fn refuse(
        &self,
        mut permit: GatesPermit,
        rejection: Rejection,
        now: Instant,
    ) -> Rejection {
        permit.pay_back(now);
        self.count(&permit.own.class, rejection)
    }

    /// Counts a refusal, and has it say when to come back.
    pub(super) fn count(&self, class: &Class, rejection: Rejection) -> Rejection {
        let reason = rejection.reason();
        self.0.tally.refuse(class.priority, reason);
        self.0.comeback.count(class);
        // The rate gate tells of its own, and knows when the next cell is free.
        if matches!(reason, Reason::Quota | Reason::Unkeyed | Reason::Fleet) {
            return rejection;
        }
        let Class { priority, route, .. } = *class;
        self.0.observer.observe(&Event::Refused { priority, reason, route, quota: None });
        self.called_back(class, rejection)
    }

    /// Counts one who was admitted, and would have been refused.
    pub(super) fn count_reported(&self, permit: &GatesPermit) {
        let Some(reason) = permit.own.would_refuse else { return };
        let Class { priority, route, .. } = permit.own.class;
        self.0.tally.would_refuse(priority, reason);
        if !matches!(reason, Reason::Quota | Reason::Unkeyed | Reason::Fleet) {
            self.0.observer.observe(&Event::WouldRefuse { priority, reason, route, quota: None });
        }
    }

    /// How much of what comes are retries is heard of with each signal, so that what has come
    /// since is little.
    pub(super) fn hear_retries(&self, now: Instant) -> bool {
        let all = self.0.tally.all();
        let mut share = lock(&self.0.comeback.share);
        share.hear(Came { all, retries: self.0.comeback.retries() }, now);
        share.are_many()
    }

    /// The worse it is, the later; and where it is of no use, not at all.
    fn called_back(&self, class: &Class, rejection: Rejection) -> Rejection {
        // Elsewhere, and here after a start, all is as usual.
        if rejection.reason() == Reason::Draining {
            return rejection;
        }
        let level = self.level_for(class, self.0.learned.of(class).map(Arc::as_ref));
        let optional = class.priority <= Priority::Sheddable;
        let is_hopeless =
            (optional && level >= 1.0) || (class.retry && self.hear_retries(clock::now()));
        let rejection = match rejection.reason() {
            // It knows for how long it is shut.
            Reason::CircuitOpen => rejection,
            _ => rejection.later(1.0 + AT_THE_WORST * level),
        };
        // For those who know of a wait and of nothing else.
        if is_hopeless { rejection.later(MUCH_LATER).finally() } else { rejection }
    }
}

/// By how much longer the wait is at level 1.
const AT_THE_WORST: f64 = 2.0;
const MUCH_LATER: f64 = 10.0;
