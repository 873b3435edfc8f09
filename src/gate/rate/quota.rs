//! How many requests in how long.

use std::{num::NonZeroU32, sync::Arc, time::Duration};

use super::limiter::Limiter;
use crate::{config::InvalidConfig, standing::Policy};

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
    name: &'static str,
}

impl Quota {
    /// So many cells a second.
    #[must_use]
    pub const fn per_second(cells: u32) -> Self {
        Self::per(Duration::from_secs(1), cells).named("second")
    }

    /// So many cells a minute.
    #[must_use]
    pub const fn per_minute(cells: u32) -> Self {
        Self::per(Duration::from_secs(60), cells).named("minute")
    }

    /// So many cells an hour.
    #[must_use]
    pub const fn per_hour(cells: u32) -> Self {
        Self::per(Duration::from_secs(3600), cells).named("hour")
    }

    /// So many cells a day, of 24 hours.
    #[must_use]
    pub const fn per_day(cells: u32) -> Self {
        Self::per(Duration::from_secs(24 * 3600), cells).named("day")
    }

    /// So many cells a period of at most 366 days. Cells come back one by one, evenly over
    /// the period.
    ///
    /// The time of a cell is rounded up to whole nanoseconds, so that there are never more
    /// than said: of a million a second there may be up to 0.1 % fewer, and of ten thousand
    /// where [costs are counted](super::RateLimit::by_cost), since then that is the time of
    /// a hundredth of a cell.
    #[must_use]
    pub const fn per(period: Duration, cells: u32) -> Self {
        Self { cells, period, burst: cells, name: "quota" }
    }

    /// How many cells may be spent at once after a pause. Default: those of one period.
    #[must_use]
    pub const fn burst(self, cells: u32) -> Self {
        Self { burst: cells, ..self }
    }

    /// What clients are told it is called, in printable ASCII without `"` and `\`. Default:
    /// `second`, `minute`, `hour`, `day`, or else `quota`.
    #[must_use]
    pub const fn named(self, name: &'static str) -> Self {
        Self { name, ..self }
    }

    /// In units of which a cell has so many.
    pub(super) fn checked(&self, units: u32) -> Result<Rate, InvalidConfig> {
        let interval = self.interval(units)?;
        let burst = self.burst.checked_mul(units).and_then(NonZeroU32::new).ok_or_else(|| {
            let allowed = format_args!("from 1 to {}", u32::MAX / units).to_string();
            InvalidConfig::new("burst", self.burst, allowed)
        })?;
        // The burst is added up in 64 bits of nanoseconds.
        if interval.as_nanos() * u128::from(burst.get()) > u128::from(MOST_SPAN) {
            let got = format_args!("{} cells of {:?} each", self.burst, interval * units);
            return Err(InvalidConfig::new("burst", got.to_string(), "refilled within 100 years"));
        }
        // At most 366 days, so it fits.
        Ok(Rate::new(interval.as_nanos() as u64, burst, self.policy()?))
    }

    /// The time in which one unit comes back.
    fn interval(&self, units: u32) -> Result<Duration, InvalidConfig> {
        let cells = u128::from(self.cells) * u128::from(units);
        if cells == 0 {
            return Err(InvalidConfig::new("quota", "0", "at least 1"));
        }
        let nanos = self.period.as_nanos();
        if nanos < cells || self.period > LONGEST {
            let got = format_args!("{} in {:?}", self.cells, self.period).to_string();
            let allowed = "at most one cell a nanosecond (in hundredths, where costs are \
                           counted), in a period of at most 366 days";
            return Err(InvalidConfig::new("quota", got, allowed));
        }
        // Up, so that it is never more than was asked for.
        Ok(Duration::from_nanos(nanos.div_ceil(cells) as u64))
    }

    fn policy(&self) -> Result<Policy, InvalidConfig> {
        let Self { cells, period, burst, name } = *self;
        let is_plain =
            |letter: u8| matches!(letter, b' '..=b'~') && !matches!(letter, b'"' | b'\\');
        if name.is_empty() || !name.bytes().all(is_plain) {
            let allowed = "printable ASCII without `\"` and `\\`";
            return Err(InvalidConfig::new("name", format_args!("{name:?}"), allowed));
        }
        Ok(Policy { name: Arc::from(name), cells, period, burst })
    }
}

/// A quota that was checked, in whole units of a cell.
#[derive(Debug)]
pub(super) struct Rate {
    /// In which one unit comes back, in nanoseconds: at least 1.
    pub(super) interval: u64,
    /// In units.
    pub(super) burst: NonZeroU32,
    pub(super) policy: Policy,
    pub(super) limiter: Limiter,
}

impl Rate {
    pub(super) fn new(interval: u64, burst: NonZeroU32, policy: Policy) -> Self {
        let quota = governor::Quota::with_period(Duration::from_nanos(interval));
        let quota = quota.expect("an interval is at least 1 ns").allow_burst(burst);
        Self { interval, burst, policy, limiter: Limiter::new(quota) }
    }

    /// The whole units that are left, where it is whole again in so many nanoseconds.
    pub(super) fn left(&self, debt: u64) -> u64 {
        self.span().saturating_sub(debt) / self.interval
    }

    /// The share of one of so many, for a request of this price. That may come at once, if it
    /// may at all: cut to less, it would pay for less.
    pub(super) fn divided(&self, among: u32, price: NonZeroU32) -> Self {
        let interval = self.interval.saturating_mul(among.into()).min(MOST_SPAN);
        let share = NonZeroU32::new(self.burst.get() / among.max(1)).unwrap_or(NonZeroU32::MIN);
        let burst = share.max(price).min(self.burst);
        Self::new(interval, burst, self.policy.clone())
    }

    /// The time in which a whole burst comes back, in nanoseconds.
    #[inline]
    pub(super) fn span(&self) -> u64 {
        self.interval * u64::from(self.burst.get())
    }
}

const LONGEST: Duration = Duration::from_secs(366 * 24 * 3600);
/// The longest time in which a burst comes back, in nanoseconds.
const MOST_SPAN: u64 = 100 * LONGEST.as_secs() * 1_000_000_000;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn zero_and_absurd_quotas_are_found_when_built() {
        let error = |quota: Quota| quota.checked(1).unwrap_err().to_string();
        assert_eq!(error(Quota::per_second(0)), "`quota` is 0, but must be at least 1");
        assert_eq!(
            error(Quota::per_second(9).burst(0)),
            "`burst` is 0, but must be from 1 to 4294967295"
        );
        assert!(error(Quota::per(Duration::ZERO, 5)).contains("at most one cell a nanosecond"));
        assert!(error(Quota::per(Duration::MAX, 5)).contains("366 days"));
        assert!(error(Quota::per(LONGEST, 1).burst(u32::MAX)).contains("100 years"));
        assert!(error(Quota::per_second(1).named("a \"b\"")).contains("printable ASCII"));
    }

    #[test]
    fn the_share_of_one_of_many_is_within_bounds() {
        let rate = |quota: Quota| quota.checked(1).expect("it is valid");
        let price = |units| NonZeroU32::new(units).expect("it is some");
        let quarter = rate(Quota::per_second(100).burst(10)).divided(4, price(1));
        assert_eq!((quarter.interval, quarter.burst.get()), (40_000_000, 2));
        let bursts = [3, 10, 99].map(|units| {
            rate(Quota::per_second(100).burst(10)).divided(4, price(units)).burst.get()
        });
        assert_eq!(bursts, [3, 10, 10]);
        let least = rate(Quota::per(LONGEST, 1)).divided(u32::MAX, price(1));
        assert_eq!((least.span(), least.burst.get()), (MOST_SPAN, 1));
        let same = rate(Quota::per_second(100)).divided(1, price(1));
        assert_eq!((same.interval, same.burst.get()), (10_000_000, 100));
    }

    #[test]
    fn a_hundred_a_second_is_one_every_ten_milliseconds() {
        let rate = Quota::per_second(100).checked(1).expect("it is valid");
        assert_eq!(
            (rate.interval, rate.burst.get(), rate.span()),
            (10_000_000, 100, 1_000_000_000)
        );
        let third = Quota::per_second(3).checked(1).expect("it is valid");
        assert_eq!(third.interval, 333_333_334, "never more than three a second");
        let hundredths = Quota::per_second(100).checked(100).expect("it is valid");
        assert_eq!((hundredths.interval, hundredths.burst.get()), (100_000, 10_000));
    }
}
