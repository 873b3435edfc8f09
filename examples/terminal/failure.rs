//! What ends the example early: one line for the person at the terminal.

use std::fmt;

/// A sentence that names the setting at fault and its value.
#[derive(Debug)]
pub(crate) struct Failure(String);

pub(crate) type Result<T, E = Failure> = std::result::Result<T, E>;

impl Failure {
    pub(crate) fn new(sentence: impl Into<String>) -> Self {
        Self(sentence.into())
    }
}

impl fmt::Display for Failure {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        // Drivers wrap some of their messages over several lines.
        f.write_str(&self.0.split_whitespace().collect::<Vec<_>>().join(" "))
    }
}
