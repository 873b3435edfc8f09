//! What the errors of sqlx say about the load.

use std::error::Error as AnyError;

use sqlx::{Error, error::DatabaseError};

use crate::{
    database::{chain, outcome_of_sqlite, outcome_of_sqlstate, outcome_of_text},
    outcome::Outcome,
};

/// What an error says about the load, by the code that the database gave if it or one of
/// its sources is one of sqlx, else as [`outcome_of_error`](crate::outcome_of_error).
///
/// An overload are the codes of [`outcome_of_sqlstate`], [`outcome_of_mysql`] and
/// [`outcome_of_sqlite`], an exhausted pool, and whatever happened to the connection. A pool
/// that was closed, a missing row, or a value that could not be read say nothing.
///
/// The errors of a [`Database`](crate::Database) with a pool of this module are judged so by
/// themselves. For one without:
///
/// ```
/// use brownout::{Database, sqlx};
///
/// let db = Database::builder("shop").judge(sqlx::outcome_of_error).build()?;
/// # Ok::<(), brownout::InvalidConfig>(())
/// ```
///
/// [`outcome_of_mysql`]: crate::outcome_of_mysql
#[must_use]
pub fn outcome_of_error(error: &(dyn AnyError + 'static)) -> Outcome {
    chain(error).find_map(known).unwrap_or_else(|| crate::database::outcome_of_error(error))
}

/// What an error of sqlx says, if it is one.
pub(crate) fn known(error: &(dyn AnyError + 'static)) -> Option<Outcome> {
    // As the source of an error, it is a box.
    let database = || error.downcast_ref::<Box<dyn DatabaseError>>().map(|error| by_code(&**error));
    error.downcast_ref::<Error>().map(outcome).or_else(database)
}

/// What an error of sqlx says.
pub(crate) fn outcome(error: &Error) -> Outcome {
    match error {
        Error::Database(error) => by_code(&**error),
        Error::PoolTimedOut | Error::Io(_) | Error::Tls(_) | Error::WorkerCrashed => {
            Outcome::Overload
        }
        Error::PoolClosed | Error::RowNotFound => Outcome::Ignore,
        other => crate::database::outcome_of_error(other),
    }
}

/// The number of MySQL is in its text alone: its SQLSTATE is often none in particular.
fn by_code(error: &dyn DatabaseError) -> Outcome {
    let code = error.code();
    let state = || outcome_of_sqlstate(code.as_deref()?);
    let number = || outcome_of_sqlite(code.as_deref()?.parse().ok()?);
    let known = outcome_of_text(&error.to_string()).or_else(state).or_else(number);
    known.unwrap_or(Outcome::Ignore)
}

#[cfg(test)]
mod tests {
    use std::{borrow::Cow, fmt, io};

    use sqlx::error::ErrorKind;

    use super::*;

    #[derive(Debug)]
    struct Refusal(&'static str, &'static str);

    impl fmt::Display for Refusal {
        fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
            f.write_str(self.1)
        }
    }

    impl AnyError for Refusal {}

    impl DatabaseError for Refusal {
        fn message(&self) -> &str {
            self.1
        }

        fn code(&self) -> Option<Cow<'_, str>> {
            Some(self.0.into())
        }

        fn as_error(&self) -> &(dyn AnyError + Send + Sync + 'static) {
            self
        }

        fn as_error_mut(&mut self) -> &mut (dyn AnyError + Send + Sync + 'static) {
            self
        }

        fn into_error(self: Box<Self>) -> Box<dyn AnyError + Send + Sync + 'static> {
            self
        }

        fn kind(&self) -> ErrorKind {
            ErrorKind::Other
        }
    }

    #[test]
    fn what_the_database_says_is_judged_by_its_code() {
        for (code, text, expected) in [
            ("40001", "Zugriff konnte nicht serialisiert werden", Outcome::Overload),
            ("23505", "it violates \"timeout\", too many connections", Outcome::Ignore),
            ("HY000", "1205 (HY000): Lock wait", Outcome::Overload),
            ("23000", "1062 (23000): Duplicate entry 'timeout'", Outcome::Ignore),
            ("5", "(code: 5) database is locked", Outcome::Overload),
            ("517", "it is busy", Outcome::Overload),
            ("2067", "(code: 2067) UNIQUE constraint failed", Outcome::Ignore),
            ("", "timeout", Outcome::Ignore),
        ] {
            let error = Error::from(Refusal(code, text));
            assert_eq!(outcome(&error), expected, "{code}: {text}");
            let wrapped = io::Error::other(error);
            assert_eq!(outcome_of_error(&wrapped), expected, "{code}: {text}, wrapped");
        }
    }

    /// Else an open circuit would not spare a server that lets nobody in.
    #[test]
    fn whatever_the_database_says_to_who_connects_is_an_overload() {
        let db = crate::Database::new("shop");
        for (code, text) in [
            ("28P01", "password authentication failed for user \"shop\""),
            ("28000", "1045 (28000): Access denied for user 'shop'"),
            ("3D000", "database \"shop\" does not exist"),
        ] {
            let refused = Err::<(), _>(Error::from(Refusal(code, text)));
            assert_eq!(super::super::pool::outcome(&db, &refused), Outcome::Overload, "{text}");
        }
        let refused = Err::<(), _>(Error::PoolClosed);
        assert_eq!(super::super::pool::outcome(&db, &refused), Outcome::Ignore);
        assert_eq!(super::super::pool::outcome(&db, &Ok(())), Outcome::Success);
    }

    #[test]
    fn what_happens_before_the_database_says_anything_is_judged_by_its_kind() {
        let io = Error::Io(io::Error::other("of its own"));
        for error in [Error::PoolTimedOut, io, Error::WorkerCrashed] {
            assert_eq!(outcome(&error), Outcome::Overload, "{error}");
        }
        let decode = Error::Decode("no number".into());
        for error in [Error::RowNotFound, Error::PoolClosed, decode] {
            assert_eq!(outcome(&error), Outcome::Ignore, "{error}");
        }
        let deep = Error::AnyDriverError(Box::new(Error::PoolTimedOut));
        assert_eq!(outcome(&deep), Outcome::Overload);
    }
}
