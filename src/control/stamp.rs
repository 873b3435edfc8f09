//! Readings of the clock as one number, for what every query and request has to add up.

use std::{
    ops::{Add, Sub},
    sync::OnceLock,
    time::{Duration, Instant},
};

/// A reading of the clock, in nanoseconds after the first that was made one, or before it.
///
/// To take two [`Instant`]s from each other costs some fifty instructions, two of these one. So
/// an instant is turned into one of these once, where the clock was read.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct Stamp(i64);

impl Stamp {
    pub(crate) fn of(at: Instant) -> Self {
        let origin = *ORIGIN.get_or_init(|| at);
        match at.checked_duration_since(origin) {
            // It fits: no process goes on for 292 years.
            Some(after) => Self(after.as_nanos() as i64),
            None => Self(-signed(origin.saturating_duration_since(at))),
        }
    }

    /// The instant of which it was made.
    pub(crate) fn instant(self) -> Instant {
        let origin = *ORIGIN.get_or_init(|| unreachable!("there is none before the first"));
        let distance = Duration::from_nanos(self.0.unsigned_abs());
        let other =
            if self.0 < 0 { origin.checked_sub(distance) } else { origin.checked_add(distance) };
        other.unwrap_or(origin)
    }

    /// How long it is after an earlier one; nothing if that is the later.
    pub(crate) fn since(self, earlier: Self) -> Duration {
        Duration::from_nanos(self.nanos_since(earlier))
    }

    pub(crate) fn nanos_since(self, earlier: Self) -> u64 {
        self.0.saturating_sub(earlier.0).max(0).unsigned_abs()
    }

    /// So many nanoseconds later.
    pub(crate) fn after(self, nanos: u64) -> Self {
        Self(self.0.saturating_add_unsigned(nanos))
    }

    /// What several add up by.
    pub(crate) fn number(self) -> i128 {
        self.0.into()
    }
}

/// In nanoseconds, at most 292 years.
fn signed(duration: Duration) -> i64 {
    i64::try_from(nanos(duration)).unwrap_or(i64::MAX)
}

/// In nanoseconds, at most 584 years. Without the 128 bits of `as_nanos`.
pub(crate) fn nanos(duration: Duration) -> u64 {
    let whole = duration.as_secs().saturating_mul(1_000_000_000);
    whole.saturating_add(u64::from(duration.subsec_nanos()))
}

impl Add<Duration> for Stamp {
    type Output = Self;

    fn add(self, time: Duration) -> Self {
        Self(self.0.saturating_add(signed(time)))
    }
}

impl Sub<Duration> for Stamp {
    type Output = Self;

    fn sub(self, time: Duration) -> Self {
        Self(self.0.saturating_sub(signed(time)))
    }
}

impl From<Instant> for Stamp {
    fn from(at: Instant) -> Self {
        Self::of(at)
    }
}

static ORIGIN: OnceLock<Instant> = OnceLock::new();

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn they_are_as_far_apart_as_their_instants_on_both_sides_of_the_first() {
        let t0 = Instant::now();
        let (first, far) = (Stamp::of(t0), Duration::new(3_600, 1));
        let later = Stamp::of(t0 + far);
        assert_eq!((later.since(first), first.since(later)), (far, Duration::ZERO));
        assert_eq!((first + far, later - far), (later, first));
        if let Some(before) = t0.checked_sub(far) {
            assert_eq!(first.since(Stamp::of(before)), far);
            assert_eq!(Stamp::of(before).instant(), before);
        }
        assert_eq!(later.instant(), t0 + far);
    }

    #[test]
    fn what_never_comes_is_after_all_else() {
        let first = Stamp::of(Instant::now());
        assert!(first + Duration::MAX > first + Duration::from_secs(1 << 33));
        assert!(first - Duration::MAX < first);
        assert_eq!(nanos(Duration::MAX), u64::MAX);
    }
}
