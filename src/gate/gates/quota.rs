//! What the gates have to do with quotas.

use std::time::Instant;

use super::{Gates, GatesPermit, Shared, permit::Paid, route::RouteState};
use crate::{
    class::Class,
    gate::{Entry, Gate, RateGate, RatePermit, RateWait},
};

impl Gates {
    /// Spends the cells of a request.
    pub(super) fn spend(
        &self,
        permit: &GatesPermit,
        now: Instant,
    ) -> Entry<Option<Paid>, RateWait> {
        let Some(rate) = &self.0.rate else { return Entry::Admitted(None) };
        let class = self.priced_for(rate, &permit.class, permit.route.as_deref());
        match rate.enter(&class, now) {
            Entry::Admitted(permit) => Entry::Admitted(self.paid(permit)),
            Entry::Waiting(wait) => Entry::Waiting(wait),
            Entry::Refused(rejection) => Entry::Refused(rejection),
        }
    }

    pub(super) fn paid(&self, permit: RatePermit) -> Option<Paid> {
        self.0.rate.clone().map(|at| Paid { at, permit })
    }

    /// The same class, as dear as it is to the database to which it is dearest.
    fn priced_for(&self, rate: &RateGate, class: &Class, route: Option<&RouteState>) -> Class {
        if !rate.counts_cost() {
            return *class;
        }
        let Shared { guards, learned, .. } = &*self.0;
        let priced = (0..guards.len()).map(|index| learned.priced(class, route, index));
        priced.max_by_key(|class| class.cost).unwrap_or(*class)
    }
}
