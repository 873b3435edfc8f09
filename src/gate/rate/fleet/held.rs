//! What is held of one key, and who waits for what is on its way.

use std::{
    sync::{Arc, Mutex},
    time::{Duration, Instant},
};

use tokio::sync::oneshot;

use super::{
    super::{
        quota::Rate,
        quotas::{Debt, Set},
        spend::Lack,
    },
    Taken,
};
use crate::{
    control::lease::{Debts, Lease, Pace},
    lock::lock,
};

/// What is held of one key.
#[derive(Clone, Default)]
pub(in crate::gate::rate) struct Held {
    lease: Lease,
    debts: Debts,
    /// None while nobody waits. Behind a pointer, since what is in a cache has to be `Clone`.
    queue: Option<Queue>,
}

type Queue = Arc<Mutex<Vec<Waiting>>>;

/// One who waits for units that another has asked for. Is woken by the drop, too.
pub(super) struct Waiting {
    pub(super) units: u32,
    pub(super) granted: oneshot::Sender<()>,
}

/// What is asked for, and within which bounds.
#[derive(Clone, Copy)]
pub(super) struct Terms<'s> {
    pub(super) set: &'s Set,
    /// In units.
    pub(super) price: u32,
    /// The most units to hold, as the fleet was told.
    pub(super) lease: u32,
}

/// How a request goes on.
pub(super) enum Step {
    /// Its price is paid.
    Spent,
    /// It would be refused.
    Lack(Lack),
    /// It is refused, since there was too little of late.
    Rest { wait: Duration },
    /// Another has asked for enough.
    Join(oneshot::Receiver<()>),
    /// It has to ask, also for so many units more than it needs.
    Ask { more: u32 },
}

/// Whose wait is over with an answer: to be told outside of any lock.
#[derive(Default)]
pub(super) struct Landed {
    /// They have their units.
    pub(super) granted: Vec<Waiting>,
    /// They have to see for themselves.
    pub(super) woken: Vec<Waiting>,
}

impl Held {
    /// So many units are a cell from now on. Returns those who wait for units of another
    /// kind: they are to see for themselves.
    pub(super) fn count_in(&mut self, per_cell: u32) -> Option<Queue> {
        if self.lease.count_in(per_cell) { self.queue.take() } else { None }
    }

    pub(super) fn step(&mut self, terms: Terms<'_>, may_join: bool, now: Instant) -> Step {
        let Terms { set, price, .. } = terms;
        if self.lease.spend(price, now) {
            return Step::Spent;
        }
        if let Some((quota, wait)) = self.debts.lack(set.paces(), price, now) {
            return Step::Lack(self.lack(quota, wait, set, now));
        }
        let spoken_for = self.spoken_for();
        if may_join && self.lease.brings(price, spoken_for) {
            let (granted, waits) = oneshot::channel();
            let queue = self.queue.get_or_insert_default();
            lock(queue).push(Waiting { units: price, granted });
            return Step::Join(waits);
        }
        if let Some(wait) = self.lease.rest_left(now) {
            return Step::Rest { wait };
        }
        Step::Ask { more: self.lease.ask(price, terms.most(), spoken_for, now) }
    }

    /// The answer to a question for so many units more than the price. Tells whether that
    /// is paid: it is not where less was given than the least that was asked for.
    pub(super) fn land(
        &mut self,
        terms: Terms<'_>,
        more: u32,
        taken: Taken,
        now: Instant,
    ) -> (Result<bool, Lack>, Landed) {
        self.lease.arrived(more);
        match taken {
            Taken::Units { units, full_after } => {
                self.debts = Debts::told(now, full_after);
                let rest = units.checked_sub(terms.price);
                if rest.is_some_and(|rest| rest < more) {
                    self.lease.rest(terms.set.least_interval(), terms.most(), now);
                }
                let most = terms.most().saturating_add(self.spoken_for());
                self.lease.hold(rest.unwrap_or(units), most, now);
                (Ok(rest.is_some()), self.serve(now))
            }
            Taken::Lack { rate, wait, full_after } => {
                self.debts = Debts::told(now, full_after);
                let quota = rate.min(terms.set.rates.len() - 1);
                let (interval, _) = terms.set.rates[quota].pace();
                self.lease.rest(interval, terms.most(), now);
                let lack = self.lack(quota, wait, terms.set, now);
                (Err(lack), Landed { woken: self.dismiss(), ..Landed::default() })
            }
        }
    }

    /// A question for so many units more has failed, or nobody waits for its answer.
    pub(super) fn fail(&mut self, more: u32, now: Instant) -> Landed {
        self.lease.arrived(more);
        self.serve(now)
    }

    /// Takes back units that were spent on a request which something else refused: up to a
    /// burst, since that is what may come at once.
    pub(super) fn hand_back(&mut self, set: &Set, units: u32, now: Instant) {
        self.lease.hold(units, set.least_burst(), now);
    }

    fn lack(&self, quota: usize, wait: Duration, set: &Set, now: Instant) -> Lack {
        Lack { debt: Debt { quota, nanos: self.debt(quota, &set.rates[quota], now) }, wait }
    }

    /// In how long this process's view of a quota is whole again, in nanoseconds: what it
    /// holds is not spent yet.
    pub(super) fn debt(&self, quota: usize, rate: &Rate, now: Instant) -> u64 {
        let debt = self.debts.of(quota, rate.pace(), now).as_nanos() as u64;
        let held = rate.interval.saturating_mul(self.lease.units(now).into());
        debt.saturating_sub(held)
    }

    /// In how long the fleet's quotas are whole again, in nanoseconds, as it was told last.
    pub(super) fn owed(&mut self, set: &Set, now: Instant) -> [u64; Set::MOST] {
        self.debts.forgive(set.paces(), now);
        let mut owed = [0; Set::MOST];
        for (quota, (pace, owed)) in set.paces().zip(&mut owed).enumerate() {
            *owed = self.debts.of(quota, pace, now).as_nanos() as u64;
        }
        owed
    }

    /// Serves those who wait, in their order. Those for whom nothing is on its way any more
    /// have to see for themselves.
    fn serve(&mut self, now: Instant) -> Landed {
        let (mut landed, mut kept, mut spoken_for) = (Landed::default(), Vec::new(), 0);
        for waiting in self.dismiss() {
            if self.lease.spend(waiting.units, now) {
                landed.granted.push(waiting);
            } else if self.lease.brings(waiting.units, spoken_for) {
                spoken_for = spoken_for.saturating_add(waiting.units);
                kept.push(waiting);
            } else {
                landed.woken.push(waiting);
            }
        }
        if !kept.is_empty() {
            self.queue = Some(Arc::new(Mutex::new(kept)));
        }
        landed
    }

    /// All who wait and have not left.
    fn dismiss(&mut self) -> Vec<Waiting> {
        let Some(queue) = self.queue.take() else { return Vec::new() };
        let mut waiting = std::mem::take(&mut *lock(&queue));
        waiting.retain(|waiting| !waiting.granted.is_closed());
        waiting
    }

    fn spoken_for(&self) -> u32 {
        let Some(queue) = &self.queue else { return 0 };
        let mut queue = lock(queue);
        // Else they would be kept until the answer, however many come and leave.
        queue.retain(|waiting| !waiting.granted.is_closed());
        queue.iter().fold(0, |sum, waiting| sum.saturating_add(waiting.units))
    }
}

impl Terms<'_> {
    /// The most units to hold: no more than may come at once.
    fn most(self) -> u32 {
        self.lease.min(self.set.least_burst())
    }
}

impl Set {
    fn paces(&self) -> impl Iterator<Item = Pace> {
        self.rates.iter().map(Rate::pace)
    }

    fn least_interval(&self) -> Duration {
        self.paces().map(|(interval, _)| interval).min().unwrap_or_default()
    }

    fn least_burst(&self) -> u32 {
        self.rates.iter().map(|rate| rate.burst.get()).min().unwrap_or_default()
    }
}

impl Rate {
    fn pace(&self) -> Pace {
        (Duration::from_nanos(self.interval), self.burst.get())
    }
}

#[cfg(test)]
mod tests;
