//! How far a closed circuit is dimmed: the lower priorities give way first.

use std::time::{Duration, Instant};

use super::Scope;
use crate::class::Priority;

/// A level from 0 to 3, one step for each priority that may be refused. Up to 1 it is the
/// share of the bulk requests that are refused; from 1 to 2 all of those, and the share
/// beyond 1 of the sheddable; from 2 to 3 also the share beyond 2 of the normal. The
/// critical are never refused.
#[derive(Clone, Debug)]
pub(super) struct Dim {
    level: f64,
    /// In which it falls by 1 while calls are good.
    fall: Duration,
    moved: Instant,
    /// Since when it has been as dark as it gets.
    dark: Option<Instant>,
    /// What is still to be refused of each priority, in requests.
    owed: [f64; STEPS],
}

impl Dim {
    pub(super) fn bright(scope: Scope, now: Instant) -> Self {
        Self { level: 0.0, fall: fall(scope), moved: now, dark: None, owed: [0.0; STEPS] }
    }

    /// As far as it goes: from there it ramps up, one priority after the other.
    pub(super) fn dark(scope: Scope, now: Instant) -> Self {
        Self { level: STEPS as f64, dark: Some(now), ..Self::bright(scope, now) }
    }

    pub(super) fn level(&self) -> f64 {
        self.level
    }

    /// For how long it has been as dark as it gets.
    pub(super) fn dark_for(&self, now: Instant) -> Option<Duration> {
        self.dark.map(|since| now.saturating_duration_since(since))
    }

    /// Follows the calls; `strain` is their bad share in multiples of the share that
    /// trips. From half of that on it sinks more slowly, so that the last bit of
    /// lowering does not bring the overload back.
    pub(super) fn follow(&mut self, strain: f64, now: Instant) {
        let elapsed = now.saturating_duration_since(self.moved);
        if strain >= 1.0 {
            self.level += elapsed.min(RISE).as_secs_f64() / RISE.as_secs_f64();
        } else {
            let speed = (2.0 * (1.0 - strain)).min(1.0);
            self.level -= speed * elapsed.as_secs_f64() / self.fall.as_secs_f64();
        }
        self.level = self.level.clamp(0.0, STEPS as f64);
        self.moved = self.moved.max(now);
        self.dark = if self.level < STEPS as f64 { None } else { self.dark.or(Some(now)) };
    }

    /// True if a request of this priority has to go. Each priority gets its share to
    /// within one request, by carrying over what is owed.
    pub(super) fn refuses(&mut self, priority: Priority, now: Instant) -> bool {
        // Whoever refuses everybody hears nothing any more, and would stay so for ever.
        if now.saturating_duration_since(self.moved) >= SILENT {
            self.follow(0.0, now);
        }
        let Some(step) = step(priority) else { return false };
        let owed = &mut self.owed[step];
        *owed += (self.level - step as f64).clamp(0.0, 1.0);
        let refuse = *owed >= 1.0;
        *owed -= f64::from(u8::from(refuse));
        refuse
    }
}

fn step(priority: Priority) -> Option<usize> {
    match priority {
        Priority::Bulk => Some(0),
        Priority::Sheddable => Some(1),
        Priority::Normal => Some(2),
        Priority::Critical => None,
    }
}

const STEPS: usize = 3;

/// In which the level rises by 1, and the most that one look may make of a pause.
const RISE: Duration = Duration::from_millis(300);

/// One route is a small part of what the database does, and can come back faster.
fn fall(scope: Scope) -> Duration {
    match scope {
        Scope::Database => Duration::from_secs(1),
        Scope::Route => Duration::from_millis(300),
    }
}

/// Without a signal for so long, it falls by itself.
const SILENT: Duration = Duration::from_millis(500);

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    const TICK: Duration = Duration::from_millis(100);

    fn at(level: f64, now: Instant) -> Dim {
        Dim { level, ..Dim::bright(Scope::Database, now) }
    }

    fn refused(dim: &mut Dim, priority: Priority, of: u32, now: Instant) -> u32 {
        (0..of).map(|_| u32::from(dim.refuses(priority, now))).sum()
    }

    #[test]
    fn it_darkens_within_a_second_and_ramps_up_in_three() {
        let t0 = Instant::now();
        let mut dim = Dim::bright(Scope::Database, t0);
        (1..=9).for_each(|tick| dim.follow(1.0, t0 + tick * TICK));
        assert!((dim.level() - 3.0).abs() < 1e-9, "{dim:?}");
        let t1 = t0 + 9 * TICK;
        for tick in 1..=30 {
            assert!(dim.level() > 0.0, "after {tick} ticks");
            dim.follow(0.2, t1 + tick * TICK);
        }
        assert!(dim.level() < 1e-9, "{dim:?}");
    }

    #[test]
    fn just_below_the_share_that_trips_it_sinks_more_slowly() {
        let t0 = Instant::now();
        let (mut near, mut far) = (at(3.0, t0), at(3.0, t0));
        near.follow(0.9, t0 + 10 * TICK);
        far.follow(0.5, t0 + 10 * TICK);
        assert!((near.level() - 2.8).abs() < 1e-9 && (far.level() - 2.0).abs() < 1e-9);
    }

    #[test]
    fn a_long_pause_is_no_evidence() {
        let t0 = Instant::now();
        let mut dim = Dim::bright(Scope::Database, t0);
        dim.follow(1.0, t0 + 1_000 * TICK);
        assert!((dim.level() - 1.0).abs() < 1e-9, "{dim:?}");
    }

    #[test]
    fn whoever_hears_nothing_lets_in_again() {
        let t0 = Instant::now();
        let mut dim = at(3.0, t0);
        assert_eq!(refused(&mut dim, Priority::Bulk, 10, t0 + 4 * TICK), 10);
        assert_eq!(refused(&mut dim, Priority::Bulk, 10, t0 + 30 * TICK), 0);
    }

    proptest! {
        #[test]
        fn each_priority_gets_its_share_to_within_one_request(
            level in 0.0..=3.0_f64,
            requests in proptest::collection::vec(0..4_usize, 1..400),
        ) {
            let now = Instant::now();
            let mut dim = at(level, now);
            let mut counts = [(0_u32, 0_u32); 4];
            for which in requests {
                let (all, refused) = &mut counts[which];
                *all += 1;
                *refused += u32::from(dim.refuses(Priority::ALL[which], now));
                let share = match Priority::ALL[which] {
                    Priority::Critical => 0.0,
                    Priority::Normal => (level - 2.0).clamp(0.0, 1.0),
                    Priority::Sheddable => (level - 1.0).clamp(0.0, 1.0),
                    Priority::Bulk => level.min(1.0),
                };
                let due = share * f64::from(*all);
                prop_assert!((f64::from(*refused) - due).abs() <= 1.0 + 1e-6);
            }
        }
    }
}
