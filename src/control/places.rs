//! Whole places for a limit that is a fraction.

/// Turns a limit into whole places by error feedback (first-order sigma-delta, Inose et
/// al. 1962): what was rounded off is carried over to the next time,
///
/// ```text
/// places = ⌊limit + carry⌋        carry ← limit + carry − places
/// ```
///
/// so that 0.5 gives 0, 1, 0, 1 and 14.3 gives 14 with a 15 every third time or so. The
/// mean of the places is the limit, and no sum of them is ever off by one. So
/// thirty instances may share a database that bears ten requests.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Places {
    limit: f64,
    /// From 0 to 1, and less than 1.
    carry: f64,
    whole: usize,
}

impl Places {
    /// None yet. The `phase` is the first carry, from 0 to 1: with one drawn at random
    /// for each, the instances of a fleet do not round up all at once.
    pub(crate) fn new(phase: f64) -> Self {
        Self { limit: 0.0, carry: phase.clamp(0.0, 1.0).fract(), whole: 0 }
    }

    /// The limit as it was set.
    pub(crate) fn limit(&self) -> f64 {
        self.limit
    }

    /// The places until it is set again.
    pub(crate) fn whole(&self) -> usize {
        self.whole
    }

    /// Takes what is no number for 0.
    pub(crate) fn set(&mut self, limit: f64) {
        self.limit = if limit.is_nan() { 0.0 } else { limit.clamp(0.0, MOST.into()) };
        let nearest = self.limit.round();
        if (self.limit - nearest).abs() < EXACT {
            self.whole = nearest as usize;
            return;
        }
        let total = self.limit + self.carry;
        self.whole = total as usize;
        self.carry = total.fract();
    }
}

/// Two million, more than anybody has connections.
pub(crate) const MOST: u32 = (1 << 21) - 1;
/// So near to a whole number, the rest is an error of floating point.
const EXACT: f64 = 1e-9;

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn series(limit: f64, phase: f64, length: usize) -> Vec<usize> {
        let mut places = Places::new(phase);
        let next = std::iter::repeat_with(|| {
            places.set(limit);
            places.whole()
        });
        next.take(length).collect()
    }

    #[test]
    fn a_half_takes_turns() {
        assert_eq!(series(0.5, 0.0, 6), [0, 1, 0, 1, 0, 1]);
        assert_eq!(series(0.5, 0.5, 6), [1, 0, 1, 0, 1, 0]);
    }

    #[test]
    fn a_whole_limit_stays_whatever_the_phase() {
        for phase in [0.0, 0.3, 0.999_999_999_999_999_9] {
            assert_eq!(series(16.0, phase, 3), [16; 3]);
            assert_eq!(series((0.1 + 0.2) * 10.0, phase, 3), [3; 3], "3.0000000000000004");
            assert_eq!(series(160.0 * 0.1 - 1e-15, phase, 3), [16; 3]);
        }
    }

    #[test]
    fn what_is_no_number_gives_no_place_and_what_is_endless_gives_many() {
        assert_eq!(series(f64::NAN, 0.9, 2), [0, 0]);
        assert_eq!(series(-3.0, 0.9, 2), [0, 0]);
        assert_eq!(series(f64::INFINITY, 0.9, 2), [MOST as usize; 2]);
    }

    proptest! {
        #[test]
        fn the_sum_of_the_places_is_never_off_by_one(
            limits in prop::collection::vec(0.0..300.0_f64, 1..300),
            phase in 0.0..1.0_f64,
        ) {
            let mut places = Places::new(phase);
            let (mut given, mut asked) = (0.0, phase);
            for limit in limits {
                places.set(limit);
                asked += limit;
                given += places.whole() as f64;
                prop_assert!((-1e-6..1.0 + 1e-6).contains(&(asked - given)));
                prop_assert!((0.0..1.0).contains(&places.carry));
                prop_assert!((places.whole() as f64 - limit).abs() < 1.0);
            }
        }

        #[test]
        fn the_mean_of_the_places_is_the_limit(limit in 0.0..300.0_f64, phase in 0.0..1.0_f64) {
            let given: usize = series(limit, phase, 1000).into_iter().sum();
            prop_assert!((given as f64 / 1000.0 - limit).abs() < 0.001 + 1e-9);
        }
    }
}
