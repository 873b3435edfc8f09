//! What the gates hold and have decided so far.

use std::{collections::BTreeMap, fmt, sync::Arc};

use super::guard::Guard;
use crate::{event::Circuit, rejection::Reason};

/// What the gates hold and have decided so far.
#[derive(Clone, Default, PartialEq, Eq)]
#[non_exhaustive]
pub struct Snapshot {
    /// The concurrency limit, in requests in flight at once. This and the next three are
    /// of the first database; [`databases`](Self::databases) has all.
    pub limit: usize,
    /// Requests in flight under it.
    pub in_flight: usize,
    /// Requests that wait for it.
    pub waiting: usize,
    /// The state of the circuit. An open one turns half-open with
    /// the first request after its time.
    pub circuit: Circuit,
    /// One per database, in the order in which they were given.
    pub databases: Vec<GuardSnapshot>,
    /// Requests admitted so far, without the exempt.
    pub admitted: u64,
    pub(super) refused: [u64; Reason::ALL.len()],
}

/// What the gates in front of one database hold.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct GuardSnapshot {
    /// The name of the database.
    pub name: Arc<str>,
    /// The concurrency limit, in requests in flight at once.
    pub limit: usize,
    /// Requests in flight under it.
    pub in_flight: usize,
    /// Requests that wait for it.
    pub waiting: usize,
    /// The state of the circuit.
    pub circuit: Circuit,
    /// The routes whose own circuit at this database is not closed, while that of the
    /// database may be.
    pub routes: Vec<(Arc<str>, Circuit)>,
}

impl Snapshot {
    /// Requests refused so far for this reason.
    #[must_use]
    pub fn refused(&self, reason: Reason) -> u64 {
        self.refused[reason as usize]
    }
}

impl Guard {
    pub(super) fn snapshot(&self, routes: Vec<(Arc<str>, Circuit)>) -> GuardSnapshot {
        GuardSnapshot {
            name: self.name.clone(),
            limit: self.concurrency.limit(),
            in_flight: self.concurrency.in_flight(),
            waiting: self.concurrency.waiting(),
            circuit: self.breaker.circuit(),
            routes,
        }
    }
}

impl fmt::Debug for Snapshot {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let refused = Reason::ALL.into_iter().map(|reason| (reason.as_str(), self.refused(reason)));
        f.debug_struct("Snapshot")
            .field("databases", &self.databases)
            .field("admitted", &self.admitted)
            .field("refused", &refused.collect::<BTreeMap<_, _>>())
            .finish()
    }
}
