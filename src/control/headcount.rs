//! Who is in flight under how many places, in one word.

use std::cell::Cell;

/// How many are in flight, the most that were, how many may be, and whether the count is
/// contended: somebody waits, or wants to, and who comes has to look at the queue first.
///
/// One word, so that a gate can decide and count in one step without a lock.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct Headcount(u64);

impl Headcount {
    pub(crate) fn in_flight(self) -> usize {
        self.field(IN_FLIGHT)
    }

    /// The most that were in flight since [`restart_peak`](Self::restart_peak).
    pub(crate) fn peak(self) -> usize {
        self.field(PEAK)
    }

    /// The whole places in force.
    pub(crate) fn places(self) -> usize {
        self.field(PLACES)
    }

    pub(crate) fn is_contended(self) -> bool {
        self.0 & CONTENDED != 0
    }

    pub(crate) fn count_in(self) -> Self {
        let more = Self(self.0 + ONE);
        if more.in_flight() > self.peak() { more.with(PEAK, more.in_flight()) } else { more }
    }

    pub(crate) fn count_out(self) -> Self {
        Self(self.0 - ONE)
    }

    pub(crate) fn with_places(self, places: usize) -> Self {
        self.with(PLACES, places.min(FIELD as usize))
    }

    pub(crate) fn restart_peak(self) -> Self {
        self.with(PEAK, self.in_flight())
    }

    pub(crate) fn with_contended(self, contended: bool) -> Self {
        Self(if contended { self.0 | CONTENDED } else { self.0 & !CONTENDED })
    }

    pub(crate) fn from_bits(bits: u64) -> Self {
        Self(bits)
    }

    pub(crate) fn bits(self) -> u64 {
        self.0
    }

    fn field(self, shift: u32) -> usize {
        (self.0 >> shift & FIELD) as usize
    }

    fn with(self, shift: u32, value: usize) -> Self {
        Self(self.0 & !(FIELD << shift) | (value as u64) << shift)
    }
}

/// What one in flight is in the bits: they are counted out by taking it away.
pub(crate) const ONE: u64 = 1 << IN_FLIGHT;

const IN_FLIGHT: u32 = 0;
const PEAK: u32 = BITS;
const PLACES: u32 = 2 * BITS;
const CONTENDED: u64 = 1 << (3 * BITS);
/// Two million in each field.
const BITS: u32 = 21;
const FIELD: u64 = (1 << BITS) - 1;

/// A headcount that is kept somewhere: in a cell, or in an atomic for many threads.
pub(crate) trait Counter {
    fn get(&self) -> Headcount;

    /// Changes it in one step; tells what it was, or None if `change` had none.
    fn change(&self, change: impl Fn(Headcount) -> Option<Headcount>) -> Option<Headcount>;
}

impl Counter for Cell<Headcount> {
    fn get(&self) -> Headcount {
        self.get()
    }

    fn change(&self, change: impl Fn(Headcount) -> Option<Headcount>) -> Option<Headcount> {
        let was = self.get();
        self.set(change(was)?);
        Some(was)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    proptest! {
        /// The four do not run into each other.
        #[test]
        fn all_is_counted_by_itself(
            steps in prop::collection::vec((0..5_u8, 0..=FIELD as usize), 0..200),
        ) {
            let mut count = Headcount::default();
            let (mut in_flight, mut peak, mut places, mut contended) = (0, 0, 0, false);
            for (step, number) in steps {
                match step {
                    0 => {
                        (count, in_flight) = (count.count_in(), in_flight + 1);
                        peak = peak.max(in_flight);
                    }
                    1 if in_flight > 0 => (count, in_flight) = (count.count_out(), in_flight - 1),
                    2 => (count, places) = (count.with_places(number), number),
                    3 => (count, peak) = (count.restart_peak(), in_flight),
                    4 => {
                        contended = number % 2 == 0;
                        count = count.with_contended(contended);
                    }
                    _ => {}
                }
                prop_assert_eq!(count.in_flight(), in_flight);
                prop_assert_eq!((count.peak(), count.places()), (peak, places));
                prop_assert_eq!(count.is_contended(), contended);
                prop_assert_eq!(Headcount::from_bits(count.bits()), count);
                prop_assert_eq!(count.count_in().bits() & FIELD, (count.bits() & FIELD) + ONE);
            }
        }
    }

    #[test]
    fn more_places_than_fit_are_as_many_as_fit() {
        let count = Headcount::default().count_in().with_places(usize::MAX);
        assert_eq!((count.in_flight(), count.places()), (1, FIELD as usize));
    }
}
