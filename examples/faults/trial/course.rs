//! How long the parts of a run take, and how many customers come.

use std::time::Duration;

use super::fault::Fault;

/// The course of a run.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Course {
    pub(crate) warm_up: Duration,
    /// How long the fault is to last. It may take longer to end.
    pub(crate) fault: Duration,
    pub(crate) after: Duration,
    /// Requests per second.
    pub(crate) rate: f64,
}

impl Course {
    /// With the fault in its whole length.
    pub(crate) fn full(fault: Fault, rate: f64) -> Self {
        let seconds = Duration::from_secs;
        Self { warm_up: seconds(5), fault: fault.length(), after: seconds(8), rate }
    }

    /// As short as it may be to be felt.
    pub(crate) fn short(fault: Fault, rate: f64) -> Self {
        let second = Duration::from_secs(1);
        Self { warm_up: second, fault: fault.length().min(3 * second), after: 3 * second, rate }
    }

    /// When the last customer comes, if the fault ends in time.
    pub(crate) fn end(&self) -> Duration {
        self.warm_up + self.fault + self.after
    }
}
