//! How much work a request is.

use std::num::NonZeroU16;

#[cfg(all(feature = "serde", feature = "tower"))]
use crate::config::InvalidConfig;

/// The database work that is expected of a request, in multiples of a usual one: twice
/// the time of one that runs alone is a cost of 2.
///
/// Kept in hundredths, from 0.01 to 655.35.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Cost(u16);

impl Cost {
    /// That of a usual request: 1. The default.
    pub const USUAL: Self = Self(HUNDREDTHS);

    /// So many times that of a usual request, rounded to hundredths and held to the range
    /// of 0.01 to 655.35. What is no number is taken for 1.
    ///
    /// ```
    /// use brownout::Cost;
    ///
    /// assert_eq!(Cost::times(2.5).get(), 2.5);
    /// assert_eq!(Cost::times(1e9).get(), 655.35);
    /// assert_eq!(Cost::times(f64::NAN), Cost::USUAL);
    /// ```
    #[must_use]
    pub fn times(usual: f64) -> Self {
        if usual.is_nan() {
            return Self::USUAL;
        }
        // The cast saturates.
        Self(((usual * f64::from(HUNDREDTHS)).round() as u16).max(1))
    }

    /// Whether that is one, so that `times` would change it by no more than to hundredths.
    #[cfg(all(feature = "serde", feature = "tower"))]
    pub(crate) fn check(times: f64) -> Result<(), InvalidConfig> {
        let most = f64::from(u16::MAX) / f64::from(HUNDREDTHS);
        if (0.01..=most).contains(&times) {
            return Ok(());
        }
        Err(InvalidConfig::new("cost", times, format_args!("from 0.01 to {most}")))
    }

    /// In multiples of a usual request.
    #[must_use]
    pub fn get(self) -> f64 {
        f64::from(self.0) / f64::from(HUNDREDTHS)
    }

    #[cfg_attr(not(feature = "tower"), allow(dead_code, reason = "the gates use it"))]
    pub(crate) fn of_hundredths(hundredths: NonZeroU16) -> Self {
        Self(hundredths.get())
    }

    pub(crate) fn hundredths(self) -> u64 {
        self.0.into()
    }

    /// How often a usual request is doubled in it: ⌊log₂ cost⌋, from 0 to 7.
    pub(crate) fn doublings(self) -> usize {
        let most = Self::DOUBLINGS as u32 - 1;
        (self.0 / HUNDREDTHS).max(1).ilog2().min(most) as usize
    }

    /// How many different doublings there are.
    pub(crate) const DOUBLINGS: usize = 8;
}

impl Default for Cost {
    fn default() -> Self {
        Self::USUAL
    }
}

const HUNDREDTHS: u16 = 100;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn doublings_are_whole_and_bounded() {
        let doublings = |times| Cost::times(times).doublings();
        assert_eq!([0.0, 0.5, 1.0, 1.99].map(doublings), [0; 4]);
        assert_eq!([2.0, 3.99, 4.0, 100.0].map(doublings), [1, 1, 2, 6]);
        assert_eq!([128.0, 600.0, f64::INFINITY].map(doublings), [7; 3]);
    }

    #[test]
    fn no_cost_is_nothing() {
        assert_eq!(Cost::times(-1.0).hundredths(), 1);
        assert_eq!(Cost::times(0.001).hundredths(), 1);
    }
}
