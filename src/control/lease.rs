//! What a process holds of one key's quota, where a fleet shares it.
//!
//! Units are asked for before they are needed, so that a hot key does not need a round trip
//! for each request. What is held when it is [stale](LIFE) is lost: the fleet admits so much
//! less, never more.

use std::time::{Duration, Instant};

/// Units of one key that are held, and on their way.
#[derive(Clone, Debug, Default)]
pub(crate) struct Lease {
    units: u32,
    /// How many of them are a cell.
    per_cell: u32,
    /// Until when they are good.
    until: Option<Instant>,
    /// On their way, beyond what those need who asked for them.
    coming: u32,
    /// The last question: when, and for how many.
    asked: Option<Instant>,
    size: u32,
    /// Until when there is nothing to be had that is worth a question.
    rests: Option<Instant>,
}

impl Lease {
    /// So many units are a cell from now on. Where it was another number, what is held and
    /// on its way is lost: tells whether it was.
    pub(crate) fn count_in(&mut self, per_cell: u32) -> bool {
        let other = self.per_cell != per_cell;
        if other {
            *self = Self { per_cell, ..Self::default() };
        }
        other
    }

    /// What may be spent without asking anybody.
    pub(crate) fn units(&self, now: Instant) -> u32 {
        if self.until.is_some_and(|until| now < until) { self.units } else { 0 }
    }

    /// Spends what is held, or nothing.
    pub(crate) fn spend(&mut self, price: u32, now: Instant) -> bool {
        let Some(left) = self.units(now).checked_sub(price) else { return false };
        self.units = left;
        true
    }

    /// Whether so many units are on their way that nobody waits for, where others wait for
    /// `spoken_for`.
    pub(crate) fn brings(&self, price: u32, spoken_for: u32) -> bool {
        self.coming >= spoken_for.saturating_add(price)
    }

    /// How many units to ask for beyond the price: none at first. A key that asks again
    /// within half the life of a unit is hot, and asks for twice as many as the last time,
    /// up to `most` with what is there already; one that asked longer ago than that life is
    /// not.
    pub(crate) fn ask(&mut self, price: u32, most: u32, spoken_for: u32, now: Instant) -> u32 {
        let pause = self.asked.map(|asked| now.saturating_duration_since(asked));
        let size = match pause {
            Some(pause) if pause < LIFE / 2 => self.size.saturating_mul(2),
            Some(pause) if pause < LIFE => self.size,
            _ => 0,
        };
        self.size = size.min(most).max(price);
        self.asked = Some(now);
        let free = self.units(now).saturating_add(self.coming).saturating_sub(spoken_for);
        let more = (self.size - price).min(most.saturating_sub(free));
        self.coming = self.coming.saturating_add(more);
        more
    }

    /// So many are not on their way any more, whatever became of them.
    pub(crate) fn arrived(&mut self, more: u32) {
        self.coming = self.coming.saturating_sub(more);
    }

    /// There was less than was asked for, of a rate with this interval. Where several are
    /// held at a time, nobody asks before as many as the last time have come back: else
    /// each process would ask for each of them. No longer than [`REST`], though, so that a
    /// client waits little longer than it has to.
    pub(crate) fn rest(&mut self, interval: Duration, most: u32, now: Instant) {
        let time = interval.saturating_mul(self.size.min(most)).min(REST);
        self.rests = Some(now + time);
    }

    /// For how long nobody is to ask.
    pub(crate) fn rest_left(&self, now: Instant) -> Option<Duration> {
        let left = self.rests?.saturating_duration_since(now);
        (!left.is_zero()).then_some(left)
    }

    /// Holds so many units more, for as long as all that are held: no more than `most`.
    pub(crate) fn hold(&mut self, units: u32, most: u32, now: Instant) {
        let held = self.units(now);
        self.units = held.saturating_add(units).min(most.max(held));
        if units > 0 {
            self.until = Some(now + LIFE);
        }
    }
}

/// What is known of the rates of one key: in how long each was whole again, as it was told
/// last. Others may have spent since, so the truth is this late at least, and what it
/// refuses would be refused if it was asked.
#[derive(Clone, Debug, Default)]
pub(crate) struct Debts(Option<Told>);

#[derive(Clone, Debug)]
struct Told {
    at: Instant,
    full_after: Box<[Duration]>,
}

/// A rate: in what time a unit comes back, and how many may be spent at once.
pub(crate) type Pace = (Duration, u32);

impl Debts {
    pub(crate) fn told(at: Instant, full_after: Vec<Duration>) -> Self {
        Self(Some(Told { at, full_after: full_after.into() }))
    }

    /// In how long this rate is whole again, of those that hold: no longer than a burst of
    /// it takes, since it may have taken the place of another.
    pub(crate) fn of(&self, rate: usize, (interval, burst): Pace, now: Instant) -> Duration {
        self.left(rate, now).min(interval.saturating_mul(burst))
    }

    /// Of the rates that have too few units, that which will for the longest time, and until
    /// it has enough. More than a burst counts as a burst. What was told of another rate in
    /// the same place is not known of this one.
    pub(crate) fn lack(
        &self,
        rates: impl Iterator<Item = Pace>,
        price: u32,
        now: Instant,
    ) -> Option<(usize, Duration)> {
        let wait = |(rate, (interval, burst)): (usize, Pace)| {
            let debt = self.left(rate, now);
            let allowed = interval.saturating_mul(burst.saturating_sub(price));
            let is_known = debt <= interval.saturating_mul(burst);
            (is_known && debt > allowed).then(|| (rate, debt - allowed))
        };
        let lacks = rates.enumerate().filter_map(wait);
        lacks.reduce(|one, other| if other.1 > one.1 { other } else { one })
    }

    /// Writes down that nobody owes more than a burst. Else who was told to wait without an
    /// answer would owe as much when it comes again.
    pub(crate) fn forgive(&mut self, rates: impl Iterator<Item = Pace>, now: Instant) {
        let Some(Told { at, full_after }) = &mut self.0 else { return };
        let passed = now.saturating_duration_since(*at);
        for (debt, (interval, burst)) in full_after.iter_mut().zip(rates) {
            *debt = (*debt).min(passed.saturating_add(interval.saturating_mul(burst)));
        }
    }

    fn left(&self, rate: usize, now: Instant) -> Duration {
        let Some(Told { at, full_after }) = &self.0 else { return Duration::ZERO };
        let debt = full_after.get(rate).copied().unwrap_or_default();
        debt.saturating_sub(now.saturating_duration_since(*at))
    }
}

/// For so long a unit is good that was not spent. Units that come to others last as long as
/// the newest.
pub(crate) const LIFE: Duration = Duration::from_secs(1);

/// The longest time for which nobody asks although there may be some units.
const REST: Duration = Duration::from_millis(50);

#[cfg(test)]
mod tests;
