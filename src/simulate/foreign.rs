//! Guards that are not this crate's.

use std::fmt;

use crate::class::Priority;

/// A guard of another make, to compare with: a peer's middleware or an idea of your own.
///
/// The simulator calls it from one thread, with the time in seconds from the beginning,
/// which never goes back. Attempts have numbers that are not used twice while they are
/// inside, and each that was admitted ends in [`finish`](Foreign::finish) or
/// [`cancel`](Foreign::cancel).
///
/// ```
/// use brownout::{Priority, simulate::{Entry, Foreign, Guard, Scenario, simulate}};
///
/// #[derive(Debug)]
/// struct AtMost(usize);
///
/// impl Foreign for AtMost {
///     fn enter(&mut self, _attempt: usize, _priority: Priority, _now: f64) -> Entry {
///         match self.0.checked_sub(1) {
///             Some(left) => {
///                 self.0 = left;
///                 Entry::Admitted
///             }
///             None => Entry::Refused,
///         }
///     }
///
///     fn finish(&mut self, _attempt: usize, _latency: f64, _ok: bool, _now: f64) {
///         self.0 += 1;
///     }
///
///     fn cancel(&mut self, _attempt: usize, _now: f64) {
///         self.0 += 1;
///     }
/// }
///
/// let scenario = Scenario::new("surge").phase(10.0, 2.0);
/// let surge = simulate(&scenario, || Guard::other(AtMost(16)), 1).phases[0];
/// assert!(surge.work > 0.9 && surge.refused > 0.4, "{surge:?}");
/// ```
pub trait Foreign: fmt::Debug {
    /// An attempt comes to the guard.
    fn enter(&mut self, attempt: usize, priority: Priority, now: f64) -> Entry;

    /// One that waits and may go on now. Asked after every other call, until it is None.
    /// Default: nobody ever waits.
    fn admitted_later(&mut self, now: f64) -> Option<usize> {
        let _ = now;
        None
    }

    /// An admitted attempt is answered, `latency` seconds after its admission; `ok` is
    /// false if the answer is an error.
    fn finish(&mut self, attempt: usize, latency: f64, ok: bool, now: f64);

    /// The customer of an attempt that was admitted or waits has gone.
    fn cancel(&mut self, attempt: usize, now: f64);

    /// A tenth of a second has passed. Default: of no interest.
    fn tick(&mut self, now: f64) {
        let _ = now;
    }

    /// The limit, for those who draw it. Default: 0, for a guard that has none.
    fn limit(&self) -> usize {
        0
    }
}

/// The answer of a [`Foreign`] guard to one attempt.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Entry {
    /// It goes on at once.
    Admitted,
    /// It is kept until [`Foreign::admitted_later`] names it or its customer goes.
    Waits,
    /// It is refused.
    Refused,
}
