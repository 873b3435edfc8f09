//! How many requests may be in flight at once: the algorithms.
//!
//! [`Knee`] is the default and right for a database. [`Fixed`] is for those who know
//! the number; [`Aimd`], [`Vegas`] and [`Gradient2`] are for those who know them from
//! elsewhere. An algorithm of your own implements [`Limit`] and goes to
//! `ConcurrencyLimit::algorithm`.

mod aimd;
mod climb;
mod demand;
mod fixed;
mod gradient2;
mod knee;
#[cfg(test)]
mod papers_tests;
mod ratio;
mod sample;
mod start;
mod tally;
mod target;
mod turn;
mod vegas;

pub use aimd::Aimd;
pub use fixed::Fixed;
pub use gradient2::Gradient2;
pub use knee::Knee;
pub use vegas::Vegas;

use std::{fmt, time::Duration};

use crate::signal::Signal;

/// An algorithm that sets a concurrency limit from what it is told.
///
/// The gate has bounds of its own that it does not know: grow only while the limit is in
/// use, that is while somebody waits or nearly as many are in flight.
///
/// ```
/// use brownout::{Signal, limit::{Limit, Usage}};
///
/// /// A tenth more while queries take less than 50 ms on average, a tenth less while not.
/// #[derive(Clone, Debug)]
/// struct Tenth(f64);
///
/// impl Limit for Tenth {
///     fn limit(&self) -> f64 {
///         self.0
///     }
///
///     fn update(&mut self, signal: &Signal, usage: &Usage) {
///         let count: u64 = signal.statements.iter().map(|seen| seen.count).sum();
///         let seconds: f64 = signal.statements.iter().map(|seen| seen.seconds).sum();
///         let in_use = usage.waited > 0 || usage.peak as f64 >= 0.9 * self.0;
///         match seconds / count.max(1) as f64 {
///             mean if mean > 0.050 => self.0 = (0.9 * self.0).max(1.0),
///             _ if in_use => self.0 *= 1.1,
///             _ => {}
///         }
///     }
/// }
/// ```
pub trait Limit: fmt::Debug + Send {
    /// The limit now, in requests in flight at once. The gate holds it to its own
    /// bounds, and gives as many whole places as are this on average.
    fn limit(&self) -> f64;

    /// Learns what happened since the last call, about ten times a second while the
    /// database is used; after a pause, one signal spans all of it. `signal.at` is the
    /// time: an algorithm has no clock of its own. Runs under the gate's lock: be quick,
    /// and never call the gate.
    fn update(&mut self, signal: &Signal, usage: &Usage);

    /// What it makes of all that, for people. Default: nothing. Start from
    /// [`Insight::default`] and set what you know.
    fn insight(&self) -> Insight {
        Insight::default()
    }
}

/// What an algorithm tells of itself.
#[derive(Clone, Debug, Default, PartialEq)]
#[non_exhaustive]
pub struct Insight {
    /// What it did last, in words.
    pub decision: &'static str,
    /// How much longer than alone queries take, in multiples.
    pub stretch: Option<f64>,
    /// The share of more concurrency that becomes more work: 1 far below the knee, 0 at
    /// saturation, less beyond.
    pub elasticity: Option<f64>,
    /// What each statement takes alone, by its number.
    pub baselines: Vec<(usize, Duration)>,
}

/// What the gate in front saw since the last update. It says whether the limit was in
/// use, so that an idle service never learns upwards.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub struct Usage {
    /// The most requests that were in flight at once.
    pub peak: usize,
    /// Requests that were let in, where that is counted apart from queries: a request may
    /// run several.
    pub admitted: Option<u64>,
    /// Requests that had to wait for the limit.
    pub waited: u64,
    /// Requests that were refused for it, some of them after a wait. At least one while
    /// requests wait although what is optional is left out.
    pub refused: u64,
}

impl Usage {
    /// The same as if so many had not been in flight.
    pub(crate) fn without(self, in_flight: usize) -> Self {
        Self { peak: self.peak.saturating_sub(in_flight), ..self }
    }

    /// The same where what is optional was left out meanwhile. If anybody had to wait, that
    /// counts as a refusal: a limit that has a queue in front of it, kept short by what is
    /// left out, is in use and has to be tried like any other.
    pub(crate) fn leaving_out(self) -> Self {
        let refused = if self.waited > 0 { self.refused.max(1) } else { self.refused };
        Self { refused, ..self }
    }

    /// Adds what was seen after this.
    pub fn add(&mut self, later: &Self) {
        self.peak = self.peak.max(later.peak);
        self.admitted = match (self.admitted, later.admitted) {
            (Some(own), Some(more)) => Some(own + more),
            (own, more) => own.or(more),
        };
        self.waited += later.waited;
        self.refused += later.refused;
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    const SEEN: Usage = Usage { peak: 7, admitted: Some(5), waited: 3, refused: 0 };

    proptest! {
        #[test]
        fn usage_adds_up_whatever_was_counted(
            seen in prop::collection::vec(
                (0..100_usize, prop::option::of(0..50_u64), 0..50_u64, 0..50_u64),
                0..20,
            ),
        ) {
            let mut sum = Usage::default();
            for &(peak, admitted, waited, refused) in &seen {
                sum.add(&Usage { peak, admitted, waited, refused });
            }
            let counted: Vec<u64> = seen.iter().filter_map(|own| own.1).collect();
            prop_assert_eq!(sum.peak, seen.iter().map(|own| own.0).max().unwrap_or(0));
            prop_assert_eq!(sum.admitted, (!counted.is_empty()).then(|| counted.iter().sum()));
            prop_assert_eq!(sum.waited, seen.iter().map(|own| own.2).sum::<u64>());
            prop_assert_eq!(sum.refused, seen.iter().map(|own| own.3).sum::<u64>());
        }
    }

    #[test]
    fn what_only_hangs_was_not_in_flight() {
        assert_eq!(SEEN.without(3), Usage { peak: 4, ..SEEN });
        assert_eq!(SEEN.without(9), Usage { peak: 0, ..SEEN });
    }

    #[test]
    fn who_waits_while_something_is_left_out_is_as_good_as_refused() {
        assert_eq!(SEEN.leaving_out(), Usage { refused: 1, ..SEEN });
        let refused = Usage { refused: 4, ..SEEN };
        assert_eq!(refused.leaving_out(), refused);
        let idle = Usage { waited: 0, ..SEEN };
        assert_eq!(idle.leaving_out(), idle);
    }
}
