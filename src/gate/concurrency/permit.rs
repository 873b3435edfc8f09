//! A place under the limit.

use std::fmt;

use super::{ConcurrencyGate, count::Count, floor::is_usual};
use crate::{
    class::{Class, Cost, Priority},
    gate::Finish,
    outcome::Sample,
    rejection::Reason,
    sync::Arc,
};

/// Proof of admission under a concurrency limit. Dropping it frees the place.
#[must_use = "dropping a permit frees its place"]
pub struct Permit {
    /// None for an exempt request, which holds no place.
    count: Option<Arc<Count>>,
    cost: Cost,
    unbound: Option<Unbound>,
}

/// Of one who was let in whatever the limit, which is not enforced.
#[derive(Clone, Copy, Debug)]
struct Unbound {
    priority: Priority,
    would_refuse: Option<Reason>,
}

impl Permit {
    pub(super) fn counted(count: Arc<Count>, cost: Cost) -> Self {
        Self { count: Some(count), cost, unbound: None }
    }

    pub(super) fn uncounted() -> Self {
        Self { count: None, cost: Cost::USUAL, unbound: None }
    }

    pub(super) fn unbound(count: Arc<Count>, class: &Class, would_refuse: Option<Reason>) -> Self {
        let unbound = Unbound { priority: class.priority, would_refuse };
        Self { count: Some(count), cost: class.cost, unbound: Some(unbound) }
    }

    /// Why there would be none, had the limit not
    /// [only reported](super::ConcurrencyLimit::report_only).
    #[must_use]
    pub fn would_refuse(&self) -> Option<Reason> {
        self.unbound?.would_refuse
    }
}

impl Finish for Permit {
    fn finish(&mut self, _sample: &Sample) {}

    fn listens(&self) -> bool {
        false
    }
}

impl Drop for Permit {
    fn drop(&mut self) {
        let Some(count) = &self.count else { return };
        // Where the gate is gone, nobody waits for the place, nor comes for it.
        match self.unbound {
            None if is_usual(self.cost) => {
                if count.free() {
                    count.gate().iter().for_each(ConcurrencyGate::admit_waiting);
                }
            }
            None => count.gate().iter().for_each(|gate| gate.free_dear(self.cost)),
            Some(Unbound { priority, .. }) => {
                count.gate().iter().for_each(|gate| gate.let_out(priority, self.cost));
            }
        }
    }
}

impl fmt::Debug for Permit {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Permit").field("counted", &self.count.is_some()).finish()
    }
}
