//! A query whose text can be read before it runs.

use ::sqlx::{Execute, SqlStr, error::BoxDynError};

/// Any query, taken apart: sqlx gives the text only for the query itself.
pub(super) struct Query<DB: ::sqlx::Database> {
    sql: SqlStr,
    arguments: Result<Option<DB::Arguments>, BoxDynError>,
    statement: Option<DB::Statement>,
    persistent: bool,
}

impl<DB: ::sqlx::Database> Query<DB> {
    pub(super) fn new<'q>(mut query: impl Execute<'q, DB>) -> Self {
        Self {
            arguments: query.take_arguments(),
            statement: query.statement().cloned(),
            persistent: query.persistent(),
            sql: query.sql(),
        }
    }

    pub(super) fn text(&self) -> &str {
        self.sql.as_str()
    }
}

impl<DB: ::sqlx::Database> Execute<'_, DB> for Query<DB> {
    fn sql(self) -> SqlStr {
        self.sql
    }

    fn statement(&self) -> Option<&DB::Statement> {
        self.statement.as_ref()
    }

    fn take_arguments(&mut self) -> Result<Option<DB::Arguments>, BoxDynError> {
        std::mem::replace(&mut self.arguments, Ok(None))
    }

    fn persistent(&self) -> bool {
        self.persistent
    }
}
