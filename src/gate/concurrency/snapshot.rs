//! What a limit holds at one instant.

use std::fmt;

use super::ConcurrencyGate;
use crate::control::limit::Insight;

/// What a [`ConcurrencyGate`] holds at one instant.
#[derive(Clone, Debug, PartialEq)]
#[non_exhaustive]
pub struct ConcurrencySnapshot {
    /// The limit, in requests in flight at once. A fraction is what whole places that
    /// take turns are on average; with 0, one goes on whenever a wait was in vain, and one
    /// critical request at any time.
    pub limit: f64,
    /// Permits that are out.
    pub in_flight: usize,
    /// Requests that wait.
    pub waiting: usize,
    /// What the algorithm tells of itself.
    pub insight: Insight,
}

impl fmt::Debug for ConcurrencyGate {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("ConcurrencyGate")
            .field("limit", &self.limit())
            .field("in_flight", &self.in_flight())
            .field("waiting", &self.waiting())
            .field("algorithm", &self.state().algorithm)
            .finish()
    }
}
