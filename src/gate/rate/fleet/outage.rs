//! What becomes of a request for which nobody answers.

use std::{
    fmt,
    sync::atomic::{AtomicU64, Ordering},
    time::{Duration, Instant},
};

use super::{Outage, decide::Case};
use crate::{
    event::Event,
    gate::rate::permit::{Purse, RatePermit},
    rejection::{Reason, Rejection},
};

/// Whether the store answers a gate. Times are in nanoseconds, from 1.
#[derive(Debug, Default)]
pub(in crate::gate::rate) struct Contact {
    /// Since when it does not. 0: it does.
    lost: AtomicU64,
    /// When it has left a request without an answer, for the last time.
    failed: AtomicU64,
}

impl Contact {
    /// It has left a request without an answer. True: for the first time.
    fn fail(&self, now: u64) -> bool {
        self.failed.fetch_max(now, Ordering::Relaxed);
        let lost = &self.lost;
        lost.load(Ordering::Relaxed) == 0
            && lost.compare_exchange(0, now, Ordering::Relaxed, Ordering::Relaxed).is_ok()
    }

    /// It has answered. After what time it is found again, if it is.
    fn answer(&self, now: u64) -> Option<Duration> {
        let lost = self.lost.load(Ordering::Relaxed);
        let calm = now.saturating_sub(self.failed.load(Ordering::Relaxed));
        if lost == 0 || calm < CALM.as_nanos() as u64 {
            return None;
        }
        let found = self.lost.compare_exchange(lost, 0, Ordering::Relaxed, Ordering::Relaxed);
        found.is_ok().then(|| Duration::from_nanos(now.saturating_sub(lost)))
    }
}

impl Case<'_> {
    /// Nobody answers.
    pub(super) fn decide_alone(
        &self,
        why: &dyn fmt::Display,
        now: Instant,
    ) -> Result<RatePermit, Rejection> {
        let store = &self.sharing.store;
        self.gate.0.tally.decide_alone();
        let members = store.members();
        if self.gate.0.contact.fail(self.gate.nanos(now) + 1) {
            let (store, members) = (store.name.clone(), members as usize);
            let why = why.to_string().into();
            self.gate.0.observer.observe(&Event::FleetLost { store, members, why });
        }
        match self.sharing.outage {
            Outage::Local => self.spend_alone(members, now),
            Outage::Admit => Ok(RatePermit::free()),
            Outage::Refuse => Err(Rejection::new(Reason::Fleet, LATER)),
        }
    }

    /// Of what is known to be left to the fleet, this process's share.
    fn spend_alone(&self, members: u32, now: Instant) -> Result<RatePermit, Rejection> {
        let Self { gate, settings, class, price, .. } = *self;
        let set = self.set();
        let owed = self.leases.visit(class.key, set, |held| held.owed(set, now));
        let own = (members > 1).then(|| set.divided(members, price.units));
        let (own, now) = (own.as_ref().unwrap_or(set), gate.nanos(now));
        gate.owe(&owed[..set.rates.len()], class, now);
        let spent = gate.spend(own, settings, class, price, now);
        let bucket = Purse::Bucket { among: members };
        spent.map(|standing| RatePermit::of(price, bucket, standing))
    }

    /// The store has answered.
    pub(super) fn hear_answer(&self, now: Instant) {
        if let Some(after) = self.gate.0.contact.answer(self.gate.nanos(now) + 1) {
            let store = self.sharing.store.name.clone();
            self.gate.0.observer.observe(&Event::FleetFound { store, after });
        }
    }
}

/// For so long every request has had its answer when the store counts as found.
const CALM: Duration = Duration::from_secs(1);

/// When to come back to a store that does not answer: nobody knows.
const LATER: Duration = Duration::from_secs(1);

#[cfg(test)]
mod tests {
    use super::*;

    const SECOND: u64 = 1_000_000_000;

    #[test]
    fn it_is_lost_once_and_found_once_after_a_second_of_calm() {
        let contact = Contact::default();
        assert_eq!(contact.answer(SECOND), None, "it never was lost");
        assert!(contact.fail(2 * SECOND));
        assert!(!contact.fail(5 * SECOND));
        assert_eq!(contact.answer(6 * SECOND - 1), None);
        assert!(!contact.fail(6 * SECOND - 1), "it comes and goes");
        assert_eq!(contact.answer(7 * SECOND), Some(Duration::from_secs(5)));
        assert_eq!(contact.answer(8 * SECOND), None);
        assert!(contact.fail(9 * SECOND));
    }
}
