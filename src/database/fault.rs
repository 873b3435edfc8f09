//! Which errors say that a database has too much to do.

use std::{error::Error, io};

use crate::outcome::Outcome;

/// What an error says about the load, for any driver.
///
/// It is an overload if the error or one of its sources is an I/O error that means the
/// other side did not answer (refused, reset, aborted, timed out, broken pipe,
/// unreachable, no longer connected) or an elapsed tokio timeout. Anything else, such as
/// a unique violation or a missing row, says nothing about the load. Drivers that have
/// an error of their own for an exhausted pool need a word of yours:
///
/// ```
/// use brownout::{Database, Outcome, outcome_of_error};
/// # #[derive(Debug)] enum PoolError { TimedOut }
/// # impl std::fmt::Display for PoolError {
/// #     fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result { f.write_str("") }
/// # }
/// # impl std::error::Error for PoolError {}
///
/// let db = Database::builder("shop")
///     .judge(|error| match error.downcast_ref::<PoolError>() {
///         Some(PoolError::TimedOut) => Outcome::Overload,
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
        if silent || error.is::<tokio::time::error::Elapsed>() {
            return Outcome::Overload;
        }
        next = error.source();
    }
    Outcome::Ignore
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

    #[tokio::test(start_paused = true)]
    async fn an_elapsed_timeout_is_an_overload() {
        let second = std::time::Duration::from_secs(1);
        let elapsed = tokio::time::timeout(second, std::future::pending::<()>()).await;
        assert_eq!(outcome_of_error(&elapsed.unwrap_err()), Outcome::Overload);
    }
}
