//! What a database says while something is wrong.

use std::sync::Arc;

use crate::database::{Database, Hanging, OTHER, PoolSnapshot, Report, StatementFigures};

/// What a database said shortly after an incident began.
#[derive(Clone, Debug, PartialEq)]
#[cfg_attr(feature = "serde", derive(serde::Serialize))]
#[non_exhaustive]
pub struct Evidence {
    /// Which.
    #[cfg_attr(feature = "serde", serde(serialize_with = "crate::serial::text"))]
    pub database: Arc<str>,
    /// Queries in flight.
    pub in_flight: usize,
    /// Whether it was asked for more than it could do.
    pub saturated: bool,
    /// The pool, where one is known.
    pub pool: Option<PoolSnapshot>,
    /// What hung, the most queries first, 5 at most.
    pub hanging: Vec<Hanging>,
    /// The statements with the most of its time in the half to whole minute before, 5 at
    /// most.
    pub statements: Vec<StatementFigures>,
    /// What to do, in words, the most rewarding first.
    pub advice: Vec<String>,
}

impl Evidence {
    pub(super) fn of(database: &Database) -> Self {
        let Report { mut statements, mut hanging, advice, saturated, .. } = database.report();
        statements.sort_by(|one, other| other.lately.seconds.total_cmp(&one.lately.seconds));
        statements.truncate(STATEMENTS);
        hanging.truncate(STATEMENTS);
        let now = database.snapshot();
        Self {
            database: database.name().into(),
            in_flight: now.in_flight,
            saturated: saturated.now,
            pool: now.pool,
            hanging,
            statements,
            advice,
        }
    }

    /// The statement that stands out: most of what hangs, or else what takes nearly all of
    /// the time, or more than half of it and longer than alone. None where that has no name.
    pub(super) fn statement(&self) -> Option<&Arc<str>> {
        let hangs = self.hanging.first().map(|own| &own.statement);
        let slows = |own: &&StatementFigures| {
            let slower = own.lately.slowdown.is_some_and(|slower| slower > 2.0);
            own.lately.share > 0.8 || (own.lately.share > 0.5 && slower)
        };
        let stands_out = hangs.or_else(|| self.statements.iter().find(slows).map(|own| &own.name));
        stands_out.filter(|name| ***name != *OTHER)
    }
}

const STATEMENTS: usize = 5;
