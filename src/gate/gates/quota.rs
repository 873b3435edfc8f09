//! What the gates have to do with quotas.

use std::time::Instant;

use super::{Gates, GatesPermit, Shared, route::RouteState};
use crate::{
    class::Class,
    gate::{Entry, Gate, RateGate, RatePermit, RateWait},
};

impl Gates {
    /// Spends the cells of a request.
    pub(super) fn spend(
        &self,
        rate: &RateGate,
        permit: &GatesPermit,
        now: Instant,
    ) -> Entry<RatePermit, RateWait> {
        let class = &permit.own.class;
        let priced = self.priced_for(rate, class, self.0.learned.route(class));
        rate.enter(priced.as_ref().unwrap_or(class), now)
    }

    /// The same class, as dear as it is to the database to which it is dearest, if that counts.
    fn priced_for(
        &self,
        rate: &RateGate,
        class: &Class,
        route: Option<&RouteState>,
    ) -> Option<Class> {
        if !rate.counts_cost() {
            return None;
        }
        let Shared { guards, learned, .. } = &*self.0;
        let priced = |index| learned.priced(class, route, index).unwrap_or(*class);
        (0..guards.len()).map(priced).max_by_key(|class| class.cost)
    }
}
