//! Which errors say that a database has too much to do.

use std::{error::Error, io};

use crate::outcome::Outcome;

/// What an error says about the load, for any driver.
///
/// It is an overload if the error or one of its sources is an I/O error that means the
/// other side did not answer (refused, reset, aborted, timed out, broken pipe,
/// unreachable, no longer connected), an elapsed tokio timeout, or an error whose text
/// says that something timed out: so do the exhausted pools of sqlx, deadpool and bb8,
/// and the statement and lock timeouts of the servers. Anything else, such as a unique
/// violation or a missing row, says nothing about the load. Where that is not enough:
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
#[must_use]
pub fn outcome_of_error(error: &(dyn Error + 'static)) -> Outcome {
    let mut next = Some(error);
    while let Some(error) = next {
        let silent = error.downcast_ref::<io::Error>().is_some_and(|io| does_not_answer(io.kind()));
        if silent || error.is::<tokio::time::error::Elapsed>() || says_timeout(error) {
            return Outcome::Overload;
        }
        next = error.source();
    }
    Outcome::Ignore
}

/// No driver's type is known here, so its words have to do.
fn says_timeout(error: &(dyn Error + 'static)) -> bool {
    let text = error.to_string().to_lowercase();
    text.contains("timed out") || text.contains("timeout")
}

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
            "canceling statement due to statement timeout",
        ] {
            assert_eq!(outcome_of_error(&io::Error::other(text)), Outcome::Overload, "{text}");
        }
    }

    #[tokio::test(start_paused = true)]
    async fn an_elapsed_timeout_is_an_overload() {
        let second = std::time::Duration::from_secs(1);
        let elapsed = tokio::time::timeout(second, std::future::pending::<()>()).await;
        assert_eq!(outcome_of_error(&elapsed.unwrap_err()), Outcome::Overload);
    }
}
