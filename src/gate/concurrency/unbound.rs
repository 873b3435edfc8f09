//! Who is in flight whatever the limit.

use std::time::Instant;

use super::{ConcurrencyGate, Permit};
use crate::{
    class::{Class, Cost, Priority},
    control::patience::is_late,
    rejection::Reason,
};

impl ConcurrencyGate {
    /// Counts one in that is in flight anyway.
    pub(in crate::gate) fn occupy(&self) -> Permit {
        self.0.floor.occupy();
        self.grant(Cost::USUAL)
    }

    /// Lets one in, since the limit is not enforced.
    pub(super) fn let_in(&self, class: &Class, now: Instant) -> Permit {
        let late = is_late(class, now).then_some(Reason::Deadline);
        let refused = self.0.floor.let_in(class);
        Permit::unbound(self.0.floor.count.clone(), class, late.or(refused))
    }

    /// The permit of one who was let in so is dropped. By now the limit may be enforced, and
    /// somebody waits for the place.
    pub(super) fn let_out(&self, priority: Priority, cost: Cost) {
        if self.0.floor.let_out(priority, cost) {
            self.admit_waiting();
        }
    }
}
