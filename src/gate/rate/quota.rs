//! How many requests in how long.

use std::{num::NonZeroU32, time::Duration};

use crate::config::InvalidConfig;

/// A number of cells per period, and how many of them may be spent at once.
///
/// ```
/// use brownout::Quota;
///
/// // One hundred each second on average, two hundred at once after a pause.
/// let quota = Quota::per_second(100).burst(200);
/// ```
///
/// A quota of zero is found when the gate is built.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Quota {
    cells: u32,
    period: Duration,
    burst: u32,
}

impl Quota {
    /// So many cells a second.
    #[must_use]
    pub const fn per_second(cells: u32) -> Self {
        Self::per(Duration::from_secs(1), cells)
    }

    /// So many cells a minute.
    #[must_use]
    pub const fn per_minute(cells: u32) -> Self {
        Self::per(Duration::from_secs(60), cells)
    }

    /// So many cells an hour.
    #[must_use]
    pub const fn per_hour(cells: u32) -> Self {
        Self::per(Duration::from_secs(3600), cells)
    }

    /// So many cells a period. Cells come back one by one, evenly over the period.
    #[must_use]
    pub const fn per(period: Duration, cells: u32) -> Self {
        Self { cells, period, burst: cells }
    }

    /// How many cells may be spent at once after a pause. Default: those of one period.
    #[must_use]
    pub const fn burst(self, cells: u32) -> Self {
        Self { burst: cells, ..self }
    }

    /// The time in which one cell comes back.
    fn interval(&self) -> Result<Duration, InvalidConfig> {
        let nanos = self.period.as_nanos().checked_div(u128::from(self.cells));
        let interval = nanos.ok_or_else(|| InvalidConfig::new("quota", "0", "at least 1"))?;
        if interval == 0 || self.period > LONGEST {
            let got = format_args!("{} in {:?}", self.cells, self.period).to_string();
            let allowed = "at most one cell a nanosecond, in a period of at most 366 days";
            return Err(InvalidConfig::new("quota", got, allowed));
        }
        // At most 366 days, so it fits.
        Ok(Duration::from_nanos(interval as u64))
    }

    pub(super) fn checked(&self) -> Result<governor::Quota, InvalidConfig> {
        let interval = self.interval()?;
        let burst = NonZeroU32::new(self.burst)
            .ok_or_else(|| InvalidConfig::new("burst", self.burst, "at least 1"))?;
        // The burst is added up in 64 bits of nanoseconds.
        if interval.as_nanos() * u128::from(self.burst) > LONGEST.as_nanos() * 100 {
            let got = format_args!("{} cells of {interval:?} each", self.burst).to_string();
            return Err(InvalidConfig::new("burst", got, "refilled within 100 years"));
        }
        let quota = governor::Quota::with_period(interval).expect("an interval is at least 1 ns");
        Ok(quota.allow_burst(burst))
    }
}

const LONGEST: Duration = Duration::from_secs(366 * 24 * 3600);

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn zero_and_absurd_quotas_are_found_when_built() {
        let error = |quota: Quota| quota.checked().unwrap_err().to_string();
        assert_eq!(error(Quota::per_second(0)), "`quota` is 0, but must be at least 1");
        assert_eq!(error(Quota::per_second(9).burst(0)), "`burst` is 0, but must be at least 1");
        assert!(error(Quota::per(Duration::ZERO, 5)).contains("at most one cell a nanosecond"));
        assert!(error(Quota::per(Duration::MAX, 5)).contains("366 days"));
        assert!(error(Quota::per(LONGEST, 1).burst(u32::MAX)).contains("100 years"));
    }

    #[test]
    fn a_hundred_a_second_is_one_every_ten_milliseconds() {
        let quota = Quota::per_second(100).checked().expect("it is valid");
        assert_eq!(quota.replenish_interval(), Duration::from_millis(10));
        assert_eq!(quota.burst_size().get(), 100);
    }
}
