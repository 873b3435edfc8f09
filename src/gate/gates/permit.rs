//! Proof of admission by all gates.

use std::{
    cell::RefCell,
    fmt,
    thread::LocalKey,
    time::{Duration, Instant},
};

use super::{
    Gates,
    counts::Taken,
    drain::{Drain, Present},
    guard::Held,
};
use crate::{
    brownout::Brownout,
    class::{Class, Needs},
    clock,
    control::{
        spare::{Reused, Spare, Spares},
        witness::Attendance,
    },
    gate::{Finish, RatePermit},
    outcome::{Outcome, Sample},
    rejection::Reason,
    standing::Standing,
};

/// Proof of admission by all gates. Dropping it gives back whatever they hold.
pub struct GatesPermit {
    pub(super) own: Reused<Holdings>,
}

/// What the gates gave to one request, and know of it.
#[derive(Default)]
pub(super) struct Holdings {
    pub(super) class: Class,
    /// Where all of that goes back to. One handle, since each takes its turn among threads.
    gates: Option<Gates>,
    paid: Option<RatePermit>,
    pub(super) brownout: Brownout,
    /// Why it would have been refused, were all gates enforced.
    pub(super) would_refuse: Option<Reason>,
    /// Of who holds no place, which would be counted.
    present: Option<Present>,
    /// Of each database that the request needs.
    pub(super) held: Vec<Held>,
}

thread_local! {
    static SPARES: Spares<Holdings> = const { RefCell::new(Vec::new()) };
}

impl Spare for Holdings {
    fn clear(&mut self) {
        // All of them, so that none is forgotten that is added. The next permit has a class of its
        // own.
        let Self { class: _, gates, paid, brownout, would_refuse, present, held } = self;
        // One by one: whoever is woken by one of them may panic, and the rest comes back then, too.
        while let Some(Held { index, place, .. }) = held.pop() {
            if let (Some(gates), Some(place)) = (&*gates, place) {
                gates.guards()[index].free(place);
            }
        }
        *gates = None;
        *paid = None;
        *brownout = Brownout::default();
        *would_refuse = None;
        *present = None;
    }

    fn spares() -> &'static LocalKey<Spares<Self>> {
        &SPARES
    }
}

impl Drop for Holdings {
    fn drop(&mut self) {
        self.clear();
    }
}

impl GatesPermit {
    pub(super) fn new(class: &Class) -> Self {
        let mut own = Reused::<Holdings>::empty();
        own.class = *class;
        Self { own }
    }

    /// What it has to do with quotas is done. All that comes later sees the priority that is
    /// left to it.
    pub(super) fn pay(&mut self, paid: RatePermit, gates: &Gates) {
        if let Some(priority) = paid.downgraded() {
            self.own.class.priority = priority;
        }
        self.report(paid.would_refuse());
        self.own.paid = Some(paid);
        self.belong_to(gates);
    }

    /// It can give back what it holds, and find its route.
    pub(super) fn belong_to(&mut self, gates: &Gates) {
        self.own.gates.get_or_insert_with(|| gates.clone());
    }

    /// A gate that only reports would have refused. The first of them counts.
    pub(super) fn report(&mut self, reason: Option<Reason>) {
        self.own.would_refuse = self.own.would_refuse.or(reason);
    }

    /// What was spent of quotas is handed back.
    pub(super) fn pay_back(&mut self, now: Instant) {
        let Holdings { paid, gates, class, .. } = &mut *self.own;
        if let (Some(paid), Some(rate)) = (paid.take(), gates.as_ref().and_then(Gates::rate)) {
            rate.hand_back(class, paid, now);
        }
    }

    pub(super) fn hold(&mut self, held: Held) {
        self.report(held.would_refuse());
        self.own.held.push(held);
    }

    /// Counts it among those who are in flight, where no limit does. Called when the limits of
    /// what it holds have counted it.
    pub(super) fn count_in(&mut self, drain: &Drain) {
        if !self.own.held.is_empty() {
            self.own.present = None;
        } else if self.own.present.is_none() {
            self.own.present = Some(drain.enter());
        }
    }

    /// Which of what is held is of databases whose limits have not let it in yet.
    pub(super) fn lacks(&self) -> impl Iterator<Item = usize> {
        let held = self.own.held.iter().enumerate();
        held.filter(|(_, held)| held.place.is_none()).map(|(which, _)| which)
    }

    /// The limit of this one has let it in, at once.
    pub(super) fn take_place_at_once(&mut self, which: usize, place: Taken, gates: &Gates) {
        self.belong_to(gates);
        self.own.held[which].place = Some(place);
    }

    /// The limit of this one has let it in.
    pub(super) fn take_place(&mut self, which: usize, place: Taken) {
        self.report(place.would_refuse());
        self.own.held[which].place = Some(place);
    }
}

impl Finish for GatesPermit {
    fn finish(&mut self, sample: &Sample) {
        self.own.held.iter_mut().for_each(|held| held.finish(sample));
    }

    fn listens(&self) -> bool {
        self.own.held.iter().any(Held::listens)
    }

    fn visited(&mut self, touched: Needs) {
        let Holdings { gates: Some(gates), held, .. } = &mut *self.own else { return };
        let passed_by = |held: &&mut Held| touched.include(held.database) != Some(true);
        for held in held.iter_mut().filter(passed_by) {
            if gates.knows_whose_queries(held.index) {
                held.finish(&SAYS_NOTHING);
            }
        }
    }

    fn standing(&self) -> Option<&Standing> {
        self.own.paid.as_ref()?.standing()
    }

    fn hand_back(&mut self) {
        self.pay_back(clock::now());
    }

    fn attends(&self) -> bool {
        true
    }

    fn attend(&self, attendance: &mut Attendance) {
        let Holdings { class, gates, brownout, held, .. } = &*self.own;
        attendance.class = *class;
        attendance.witness = gates.as_ref().and_then(|gates| gates.witness(class));
        let each = || held.iter().map(|held| held.database);
        attendance.covered =
            if class.exempt { Needs::All } else { each().fold(Needs::Learned, Needs::and) };
        attendance.brownout = *brownout;
    }
}

/// Of a database that the request never came near. What the database says of others settles it.
const SAYS_NOTHING: Sample = Sample::new(Duration::ZERO, Outcome::Ignore);

impl fmt::Debug for GatesPermit {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_list().entries(&self.own.held).finish()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::brownout::Client;

    #[test]
    fn the_next_permit_finds_nothing_of_one_before_it() {
        let (class, drain) = (Class::default(), Drain::default());
        let mut own = GatesPermit::new(&class);
        own.report(Some(Reason::QueueFull));
        own.own.brownout = Brownout::new(1.0, Client::Unknown);
        own.count_in(&drain);
        assert_eq!(drain.present(), 1);
        drop(own);
        assert_eq!(drain.present(), 0);
        let next = GatesPermit::new(&class);
        let Holdings { class: _, gates, paid, brownout, would_refuse, present, held } = &*next.own;
        assert!(gates.is_none() && paid.is_none() && present.is_none() && held.is_empty());
        assert_eq!((*would_refuse, brownout.is_dim()), (None, false));
    }
}
