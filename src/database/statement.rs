//! Statements: the kinds of queries that are measured apart.

use std::{future::Future, sync::Arc, time::Duration};

use super::{Database, InFlight, Observed};
use crate::outcome::Outcome;

/// One kind of query of one database, by the name that you give it or by its SQL text. A
/// cheap handle.
#[derive(Clone, Debug)]
pub struct Statement {
    pub(super) database: Database,
    pub(super) number: usize,
}

impl Statement {
    /// What people call it: the name that you gave it, the SQL text without its literals,
    /// or `(other)` for what has no name or came after the table was full.
    #[must_use]
    pub fn name(&self) -> Arc<str> {
        self.database.name_of(self.number)
    }

    /// Times a query. Like [`Database::observe`].
    pub fn observe<F, T, E>(&self, query: F) -> Observed<F>
    where
        F: Future<Output = Result<T, E>>,
        E: std::error::Error + 'static,
    {
        Observed::new(query, self.clone())
    }

    /// Records a query that you timed yourself. Like [`Database::record`].
    pub fn record(&self, latency: Duration, outcome: Outcome) {
        self.database.record_as(self.number, latency, outcome);
    }

    /// Counts a query in flight from now on, for those who cannot hand over a future.
    #[must_use = "dropping it counts as a query whose caller left"]
    pub fn start(&self) -> InFlight {
        InFlight::start(self)
    }
}
