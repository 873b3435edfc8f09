//! Which errors say that a database has too much to do.

use std::{error::Error, io};

use super::{code::outcome_of_text, judge::chain};
use crate::outcome::Outcome;

/// What an error says about the load, for any driver.
///
/// It is an overload if the error or one of its sources is
///
/// * an I/O error that means the other side did not answer: refused, reset, aborted, timed
///   out, broken pipe, unreachable, no longer connected;
/// * an elapsed tokio timeout;
/// * an error whose text begins with a code of MySQL or SQLite that is an overload, as those
///   of sqlx and of MySQL's own drivers do: see [`outcome_of_mysql`] and
///   [`outcome_of_sqlite`];
/// * without such a code, an error whose first line says, in English, that something timed
///   out, was deadlocked, could not be serialized or is locked, that there are too many
///   connections, or that the connection is gone: so do the exhausted pools of sqlx,
///   deadpool and bb8, and the servers.
///
/// Anything else, such as a unique violation or a missing row, says nothing about the load.
///
/// The SQLSTATE of PostgreSQL is in no text. The pool of this crate's feature `sqlx` knows
/// it; for others see [`DatabaseBuilder::recognise`]. What is neither an error of a driver
/// nor wraps one:
///
/// ```
/// use brownout::{Database, Outcome, outcome_of_error};
/// # #[derive(Debug)] enum PoolError { Exhausted }
/// # impl std::fmt::Display for PoolError {
/// #     fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result { f.write_str("") }
/// # }
/// # impl std::error::Error for PoolError {}
///
/// let db = Database::builder("shop")
///     .judge(|error| match error.downcast_ref::<PoolError>() {
///         Some(PoolError::Exhausted) => Outcome::Overload,
///         None => outcome_of_error(error),
///     })
///     .build()?;
/// # Ok::<(), brownout::InvalidConfig>(())
/// ```
///
/// [`DatabaseBuilder::recognise`]: crate::DatabaseBuilder::recognise
/// [`outcome_of_mysql`]: crate::outcome_of_mysql
/// [`outcome_of_sqlite`]: crate::outcome_of_sqlite
#[must_use]
pub fn outcome_of_error(error: &(dyn Error + 'static)) -> Outcome {
    for error in chain(error) {
        let silent = error.downcast_ref::<io::Error>().is_some_and(|io| does_not_answer(io.kind()));
        if silent || error.is::<tokio::time::error::Elapsed>() {
            return Outcome::Overload;
        }
        let text = error.to_string();
        match outcome_of_text(&text) {
            Some(outcome) => return outcome,
            None if says_overload(&text) => return Outcome::Overload,
            None => {}
        }
    }
    Outcome::Ignore
}

/// No driver's type is known here, so its words have to do. Those after the first line
/// are details, and may be anybody's.
fn says_overload(text: &str) -> bool {
    let line = text.lines().next().unwrap_or_default().to_lowercase();
    // A constraint may be called anything.
    let violation = ["violates", "duplicate", "constraint"].iter().any(|word| line.contains(word));
    !violation && WORDS.iter().any(|words| line.contains(words))
}

const WORDS: [&str; 17] = [
    "timed out",
    "timeout",
    "deadlock",
    "could not serialize",
    "could not obtain lock",
    "database is locked",
    "table is locked",
    "too many connections",
    "too many clients",
    "connection slots",
    "connection closed",
    "connection was lost",
    "lost connection",
    "gone away",
    "terminating connection",
    "closed the connection",
    "the database system is",
];

fn does_not_answer(kind: io::ErrorKind) -> bool {
    use io::ErrorKind as Kind;
    matches!(
        kind,
        Kind::ConnectionRefused
            | Kind::ConnectionReset
            | Kind::ConnectionAborted
            | Kind::NotConnected
            | Kind::BrokenPipe
            | Kind::TimedOut
            | Kind::UnexpectedEof
            | Kind::HostUnreachable
            | Kind::NetworkUnreachable
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    #[derive(Debug)]
    struct Wrapped(io::Error);

    impl std::fmt::Display for Wrapped {
        fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
            f.write_str("query failed")
        }
    }

    impl Error for Wrapped {
        fn source(&self) -> Option<&(dyn Error + 'static)> {
            Some(&self.0)
        }
    }

    #[test]
    fn a_server_that_does_not_answer_is_an_overload_however_deep() {
        let refused = Wrapped(io::ErrorKind::ConnectionRefused.into());
        assert_eq!(outcome_of_error(&refused), Outcome::Overload);
    }

    #[test]
    fn an_application_error_says_nothing() {
        let missing = Wrapped(io::ErrorKind::NotFound.into());
        assert_eq!(outcome_of_error(&missing), Outcome::Ignore);
    }

    #[test]
    fn exhausted_pools_and_statement_timeouts_are_overload() {
        for text in [
            "pool timed out while waiting for an open connection",
            "Timeout occurred while waiting for a slot to become available",
            "Timed out in bb8",
            "canceling statement due to statement timeout",
            "ERROR: deadlock detected\nDETAIL: Process 1 waits",
            "FATAL: sorry, too many clients already",
            "1205 (HY000): Sperre nicht erhalten",
        ] {
            assert_eq!(outcome_of_error(&io::Error::other(text)), Outcome::Overload, "{text}");
        }
    }

    #[test]
    fn what_a_text_quotes_says_nothing() {
        for text in [
            "duplicate key value violates unique constraint \"timeouts_pkey\"",
            "ERROR: null value in column \"a\"\nDETAIL: Failing row contains (timeout).",
            "1062 (23000): Duplicate entry 'timeout' for key 'name'",
        ] {
            assert_eq!(outcome_of_error(&io::Error::other(text)), Outcome::Ignore, "{text}");
        }
    }

    #[tokio::test(start_paused = true)]
    async fn an_elapsed_timeout_is_an_overload() {
        let second = std::time::Duration::from_secs(1);
        let elapsed = tokio::time::timeout(second, std::future::pending::<()>()).await;
        assert_eq!(outcome_of_error(&elapsed.unwrap_err()), Outcome::Overload);
    }
}
