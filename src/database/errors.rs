//! What the error of a query says, whatever its type.

use std::error::Error;

use super::Database;
use crate::outcome::{Judge, Outcome};

/// A result is a success, and an error what the database's own
/// [`judge`](super::DatabaseBuilder::judge) says of it.
#[derive(Clone, Debug)]
pub struct JudgeErrors(pub(super) Database);

impl<Res, Err> Judge<Res, Err> for JudgeErrors
where
    Err: Error + 'static,
{
    fn judge(&self, result: &Result<Res, Err>) -> Outcome {
        match result {
            Ok(_) => Outcome::Success,
            Err(error) => self.0.judge(error),
        }
    }
}

/// Like [`JudgeErrors`], for errors that are no [`Error`] themselves but hold one:
/// `tower::BoxError`, `anyhow::Error`.
#[derive(Clone, Debug)]
pub struct JudgeBoxedErrors(pub(super) Database);

impl<Res, Err> Judge<Res, Err> for JudgeBoxedErrors
where
    Err: AsRef<dyn Error + Send + Sync>,
{
    fn judge(&self, result: &Result<Res, Err>) -> Outcome {
        match result {
            Ok(_) => Outcome::Success,
            Err(error) => self.0.judge(error.as_ref()),
        }
    }
}
