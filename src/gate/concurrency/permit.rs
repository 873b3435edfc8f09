//! A place under the limit.

use std::fmt;

use super::ConcurrencyGate;
use crate::{gate::Finish, outcome::Sample};

/// Proof of admission under a concurrency limit. Dropping it frees the place.
#[must_use = "dropping a permit frees its place"]
pub struct Permit {
    /// None for an exempt request, which holds no place.
    gate: Option<ConcurrencyGate>,
}

impl Permit {
    pub(super) fn counted(gate: ConcurrencyGate) -> Self {
        Self { gate: Some(gate) }
    }

    pub(super) fn uncounted() -> Self {
        Self { gate: None }
    }
}

impl Finish for Permit {
    fn finish(&mut self, _sample: &Sample) {}
}

impl Drop for Permit {
    fn drop(&mut self) {
        if let Some(gate) = self.gate.take() {
            gate.free();
        }
    }
}

impl fmt::Debug for Permit {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Permit").field("counted", &self.gate.is_some()).finish()
    }
}
