//! How a request or query ended, as far as the gates care.

use std::time::Duration;

/// What an ending says about the load.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Outcome {
    /// It was done: its latency counts.
    Success,
    /// It failed because something downstream has too much to do or does not answer:
    /// a timeout, an exhausted pool, a refused connection.
    Overload,
    /// It says nothing about the load: a 404, a unique violation, a bad request.
    Ignore,
}

/// One finished request.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Sample {
    /// From admission to the result; the wait for admission is not in it.
    pub latency: Duration,
    /// How it ended.
    pub outcome: Outcome,
}

impl Sample {
    /// A request that ended so after `latency`.
    #[must_use]
    pub const fn new(latency: Duration, outcome: Outcome) -> Self {
        Self { latency, outcome }
    }
}

/// Tells what a result says about the load. Closures do it.
pub trait Judge<Res, Err> {
    /// The outcome of `result`.
    fn judge(&self, result: &Result<Res, Err>) -> Outcome;
}

impl<Res, Err, F> Judge<Res, Err> for F
where
    F: Fn(&Result<Res, Err>) -> Outcome,
{
    fn judge(&self, result: &Result<Res, Err>) -> Outcome {
        self(result)
    }
}
