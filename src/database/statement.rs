//! Statements: the kinds of queries that are measured apart.

use std::{collections::HashMap, future::Future, time::Duration};

use super::{Database, InFlight, Observed};
use crate::outcome::Outcome;

/// One kind of query of one database, by the name that you give it. A cheap handle.
#[derive(Clone, Debug)]
pub struct Statement {
    pub(super) database: Database,
    pub(super) number: usize,
}

impl Statement {
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

/// The statements by name. Bounded: whatever comes after the last number shares 0 with
/// the queries that have no name.
#[derive(Debug, Default)]
pub(super) struct Names(HashMap<Box<str>, usize>);

impl Names {
    /// The number of this name. A new one is told to `listed`.
    pub(super) fn number(&mut self, name: &str, listed: impl FnOnce(usize)) -> usize {
        if let Some(number) = self.0.get(name) {
            return *number;
        }
        if self.0.len() >= MOST {
            return UNNAMED;
        }
        let number = self.0.len() + 1;
        self.0.insert(name.into(), number);
        listed(number);
        number
    }
}

pub(super) const UNNAMED: usize = 0;
const MOST: usize = 100;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_keep_their_numbers_and_the_table_its_bound() {
        let mut names = Names::default();
        let first = names.number("first", |_| {});
        for name in 0..10_000 {
            assert!(names.number(&name.to_string(), |_| {}) <= MOST);
        }
        assert_eq!(names.number("first", |_| {}), first);
        assert_ne!(first, UNNAMED);
        assert_eq!(names.number("one too many", |_| panic!("it is full")), UNNAMED);
        assert_eq!(names.0.len(), MOST);
    }
}
