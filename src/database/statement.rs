//! Statements: the kinds of queries that are measured apart.

use std::{future::Future, sync::Arc, time::Duration};

use super::{
    Database, InFlight, Observed,
    checkout::CONNECTION,
    figures::{StatementFigures, share_out},
    fingerprint::fingerprint,
};
use crate::{clock, lock::lock, outcome::Outcome};

/// One kind of query of one database, by the name that you give it or by its SQL text. A
/// cheap handle.
#[derive(Clone, Debug)]
pub struct Statement {
    pub(super) database: Database,
    pub(super) number: usize,
}

impl Database {
    /// The statement of a SQL text: the text without its literals and parameters, comments
    /// and the length of its lists. It is one of the 100 that are kept apart, as if it was
    /// [named](Self::statement) so.
    ///
    /// ```
    /// # let db = brownout::Database::new("shop");
    /// let one = db.sql("SELECT * FROM products WHERE id = 42");
    /// let other = db.sql("select * from products where id = $1 -- of the shop");
    /// assert_eq!(one.name(), other.name());
    /// assert_eq!(&*one.name(), "SELECT * FROM products WHERE id = ?");
    /// ```
    ///
    /// Any text will do, in time linear in its length; one that was seen lately, among the
    /// last thousand, costs a hash of it and a look-up. Names in backticks, brackets and
    /// double quotes are kept, the latter unless they look like a string or the text has
    /// backticks, which is MySQL. The name has at most 200 characters: a longer one ends
    /// with a hash of the whole.
    #[must_use]
    pub fn sql(&self, text: &str) -> Statement {
        let find = || self.statement(&fingerprint(text)).number;
        Statement { database: self.clone(), number: self.0.texts.number(text, find) }
    }

    /// What each statement costs, the dearest first, of those that had a query. Up to 101:
    /// those of a name, and the rest as `(other)`. The wait for a connection counts as one,
    /// `(connection)`, where it is timed apart.
    ///
    /// All that is kept of them takes ⅔ MB at most, whatever goes on.
    ///
    /// ```
    /// # let db = brownout::Database::new("shop");
    /// for statement in db.statements().iter().take(5) {
    ///     let name = &statement.name;
    ///     println!("{:3.0} %, p99 {:?}: {name}", 100.0 * statement.lately.share, statement.lately.p99);
    /// }
    /// ```
    #[must_use]
    pub fn statements(&self) -> Vec<StatementFigures> {
        let now = clock::stamp();
        let mut statements = {
            // In the order in which a new statement takes them.
            let (table, mut figures) = (lock(&self.0.table), self.0.recorder.open(now));
            let (meter, books) = figures.parts();
            let alone = |number| meter.alone(number).map(Duration::from_secs_f64);
            let describe = |number| (table.name(number), alone(number));
            books.ledger.figures(now, describe)
        };
        share_out(&mut statements, |own| &*own.name != CONNECTION);
        statements
    }

    pub(super) fn name_of(&self, statement: usize) -> Arc<str> {
        lock(&self.0.table).name(statement)
    }
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
        InFlight::start(&self.database, self.number, clock::stamp())
    }
}
