//! Proof of admission by all gates.

use std::{fmt, sync::Arc};

use super::{guard::Held, route::RouteState};
use crate::{
    class::{Class, Downstream, Needs},
    control::witness::{Attendance, Witness},
    gate::{Finish, Permit, RateGate, RatePermit},
    outcome::Sample,
    standing::Standing,
};

/// Proof of admission by all gates. Dropping it gives back whatever they hold.
pub struct GatesPermit {
    pub(super) class: Class,
    pub(super) route: Option<Arc<RouteState>>,
    pub(super) paid: Option<Paid>,
    /// Of the first database that the request needs: mostly there is one.
    first: Option<Held>,
    more: Vec<Held>,
}

/// What was spent of quotas, and where it is handed back.
pub(super) struct Paid {
    pub(super) at: RateGate,
    pub(super) permit: RatePermit,
}

impl GatesPermit {
    pub(super) fn new(class: &Class, route: Option<Arc<RouteState>>) -> Self {
        Self { class: *class, route, paid: None, first: None, more: Vec::new() }
    }

    pub(super) fn hold(&mut self, held: Held) {
        match &self.first {
            None => self.first = Some(held),
            Some(_) => self.more.push(held),
        }
    }

    /// The databases whose limits have not let it in yet.
    pub(super) fn lacks(&self) -> impl Iterator<Item = Downstream> {
        let held = self.first.iter().chain(&self.more);
        held.filter(|held| held.place.is_none()).map(|held| held.database)
    }

    /// The limit of this one has let it in.
    pub(super) fn take_place(&mut self, database: Downstream, place: Permit) {
        let held = self.held().find(|held| held.database == database);
        held.expect("it is needed").place = Some(place);
    }

    pub(super) fn holds(&self, database: Downstream) -> bool {
        self.first.iter().chain(&self.more).any(|held| held.database == database)
    }

    pub(super) fn held(&mut self) -> impl Iterator<Item = &mut Held> {
        self.first.iter_mut().chain(&mut self.more)
    }
}

impl Finish for GatesPermit {
    fn finish(&mut self, sample: &Sample) {
        self.held().for_each(|held| held.finish(sample));
    }

    fn listens(&self) -> bool {
        self.first.iter().chain(&self.more).any(Held::listens)
    }

    fn standing(&self) -> Option<&Standing> {
        self.paid.as_ref()?.permit.standing()
    }

    fn hand_back(&mut self) {
        if let Some(Paid { at, permit }) = self.paid.take() {
            at.hand_back(&self.class, permit);
        }
    }

    fn attendance(&self) -> Option<Attendance> {
        let held = self.first.iter().chain(&self.more);
        let covered = match self.class.exempt {
            true => Needs::All,
            false => held.fold(Needs::Learned, |needs, held| needs.and(held.database)),
        };
        let witness = self.route.clone().map(|route| route as Arc<dyn Witness>);
        Some(Attendance { class: self.class, witness, covered })
    }
}

impl fmt::Debug for GatesPermit {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_list().entries(self.first.iter().chain(&self.more)).finish()
    }
}
