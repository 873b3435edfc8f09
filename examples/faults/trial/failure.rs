//! What ends a trial early, where it is no finding.

use std::io;

#[path = "../../terminal/failure.rs"]
mod sentence;

pub(crate) use sentence::{Failure, Result};

impl From<sqlx::Error> for Failure {
    fn from(error: sqlx::Error) -> Self {
        Self::new(format!("the database failed where it should not: {error}"))
    }
}

impl From<io::Error> for Failure {
    fn from(error: io::Error) -> Self {
        Self::new(format!("the machine failed: {error}"))
    }
}
