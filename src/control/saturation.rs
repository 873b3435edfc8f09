//! How long a database was asked for more than it could do.

use std::time::Duration;

use super::reading::Reading;

/// Counts the time in which queries took more than twice what they take alone, more than a
/// tenth of them were slow or failed by overload, or nothing came back at all.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub(crate) struct Saturation {
    /// All of it.
    pub(crate) total: Duration,
    /// How often it began.
    pub(crate) spells: u64,
    pub(crate) longest: Duration,
    /// When it first began and last ended, as time since the Unix epoch.
    pub(crate) first: Option<Duration>,
    pub(crate) last: Option<Duration>,
    /// The spell that is not over.
    spell: Option<Spell>,
}

#[derive(Clone, Copy, Debug, PartialEq)]
struct Spell {
    length: Duration,
    /// How long there was none since.
    quiet: Duration,
}

impl Saturation {
    pub(crate) fn hear(&mut self, reading: &Reading) {
        if is_saturated(reading) {
            self.go_on(reading);
        } else if let Some(spell) = &mut self.spell {
            spell.quiet += reading.span;
            if spell.quiet >= QUIET {
                self.spell = None;
            }
        }
    }

    /// Whether it is now.
    pub(crate) fn lasts(&self) -> bool {
        self.spell.is_some_and(|spell| spell.quiet.is_zero())
    }

    fn go_on(&mut self, reading: &Reading) {
        // Without a query nothing is saturated.
        let length = reading.span.min(reading.busy);
        self.total = self.total.saturating_add(length);
        self.first = self.first.or(Some(reading.wall.saturating_sub(length)));
        self.last = Some(reading.wall);
        if self.spell.is_none() {
            self.spells += 1;
        }
        let before = self.spell.map_or(Duration::ZERO, |spell| spell.length);
        let length = before.saturating_add(length);
        self.longest = self.longest.max(length);
        self.spell = Some(Spell { length, quiet: Duration::ZERO });
    }
}

fn is_saturated(reading: &Reading) -> bool {
    let stretched = reading.stretch().is_some_and(|stretch| stretch > STRETCH);
    let bad = reading.all >= ENOUGH && reading.bad as f64 > BAD * reading.all as f64;
    stretched || bad || (reading.all == 0 && reading.overdue)
}

/// Times what queries take alone.
const STRETCH: f64 = 2.0;
/// The share that is slow or fails, of so many at least.
const BAD: f64 = 0.1;
const ENOUGH: u64 = 10;
/// A pause that is shorter does not end a spell.
const QUIET: Duration = Duration::from_secs(5);

#[cfg(test)]
mod tests {
    use super::*;

    const SECOND: Duration = Duration::from_secs(1);

    /// A second in which ten queries took so many times what they take alone.
    fn second(at: u32, stretch: f64) -> Reading {
        Reading {
            wall: at * SECOND,
            span: SECOND,
            busy: 3 * SECOND,
            count: 10,
            observed: stretch,
            alone: 1.0,
            all: 10,
            ..Reading::default()
        }
    }

    #[test]
    fn spells_are_counted_and_a_short_pause_ends_none() {
        let mut saturation = Saturation::default();
        let spells = [(101..=110, 3.0), (111..=113, 1.5), (114..=115, 2.1), (116..=125, 2.0)];
        for (seconds, stretch) in spells {
            seconds.for_each(|at| saturation.hear(&second(at, stretch)));
        }
        assert!(!saturation.lasts());
        saturation.hear(&second(126, 9.0));
        assert!(saturation.lasts());
        assert_eq!((saturation.total, saturation.spells), (13 * SECOND, 2));
        assert_eq!(saturation.longest, 12 * SECOND, "without the pause");
        assert_eq!((saturation.first, saturation.last), (Some(100 * SECOND), Some(126 * SECOND)));
    }

    #[test]
    fn slow_or_failed_queries_saturate_and_so_does_a_stall() {
        let bad = Reading { bad: 2, ..second(1, 1.0) };
        let some = Reading { bad: 1, ..second(1, 1.0) };
        let stall = Reading { count: 0, all: 0, overdue: true, ..second(1, 0.0) };
        let idle = Reading { overdue: false, ..stall };
        let judged = [bad, some, stall, idle].map(|reading| is_saturated(&reading));
        assert_eq!(judged, [true, false, true, false]);
    }

    #[test]
    fn a_quiet_hour_with_one_slow_minute_is_a_minute() {
        let mut saturation = Saturation::default();
        saturation.hear(&Reading { span: 3600 * SECOND, busy: 60 * SECOND, ..second(7200, 9.0) });
        assert_eq!(saturation.total, 60 * SECOND);
    }
}
