//! A place under the limit.

use std::fmt;

use super::ConcurrencyGate;
use crate::{class::Cost, gate::Finish, outcome::Sample};

/// Proof of admission under a concurrency limit. Dropping it frees the place.
#[must_use = "dropping a permit frees its place"]
pub struct Permit {
    /// None for an exempt request, which holds no place.
    gate: Option<ConcurrencyGate>,
    cost: Cost,
}

impl Permit {
    pub(super) fn counted(gate: ConcurrencyGate, cost: Cost) -> Self {
        Self { gate: Some(gate), cost }
    }

    pub(super) fn uncounted() -> Self {
        Self { gate: None, cost: Cost::USUAL }
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
        if let Some(gate) = self.gate.take() {
            gate.free(self.cost);
        }
    }
}

impl fmt::Debug for Permit {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Permit").field("counted", &self.gate.is_some()).finish()
    }
}
