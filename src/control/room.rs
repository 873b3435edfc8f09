//! Who has room under a limit: what the less important and the dear leave free.

use crate::class::{Cost, Priority};

/// The share of the limit that is left free for others, from 0 to 1.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Headroom(u64);

impl Headroom {
    pub(crate) fn new(share: f64) -> Self {
        Self((share.clamp(0.0, 1.0) * ONE as f64) as u64)
    }

    pub(crate) fn from_bits(bits: u64) -> Self {
        Self(bits)
    }

    pub(crate) fn bits(self) -> u64 {
        self.0
    }

    /// The most that may be in flight, for one of this priority to be let in. Without
    /// headroom, whoever is important would have to wait until someone who is not is done,
    /// which may take as long as the dearest query. One critical request at a time is
    /// let in whatever the limit.
    pub(crate) fn open_to(self, priority: Priority, places: usize) -> usize {
        match priority {
            Priority::Critical => places.max(1),
            Priority::Normal => places,
            Priority::Sheddable | Priority::Bulk => without(self.0, places),
        }
    }

    /// The most that may be in flight of those with at least so many doublings.
    fn open_to_dear(self, doublings: usize, places: usize) -> usize {
        without((self.0 * doublings as u64).min(HALF), places)
    }
}

/// Without a share of them, rounded up; one place is always for everybody.
fn without(share: u64, places: usize) -> usize {
    let kept = (places as u64 * share).div_ceil(ONE) as usize;
    places.saturating_sub(kept).max(1).min(places)
}

/// In fixed point, since rounding floating point up is slow: a share of up to two million
/// places is less than 2⁵³.
const ONE: u64 = 1 << 32;
const HALF: u64 = ONE / 2;

/// How many in flight are dear.
///
/// Each doubling of the cost leaves the headroom once more, up to half of the limit, for
/// the less dear:
///
/// ```text
/// in flight of 2ᵈ and more times the usual cost ≤ limit · (1 − min(½, d · headroom))
/// ```
///
/// It bounds those that are dear and not all that is in flight: the cheap never shut
/// them out, and what they leave free is not lost while there are others.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct Dear {
    /// At each index, those of at least so many doublings.
    counts: [usize; Cost::DOUBLINGS],
}

impl Dear {
    pub(crate) fn count_in(&mut self, cost: Cost) {
        self.counts[1..=cost.doublings()].iter_mut().for_each(|count| *count += 1);
    }

    pub(crate) fn count_out(&mut self, cost: Cost) {
        self.counts[1..=cost.doublings()].iter_mut().for_each(|count| *count -= 1);
    }

    /// The most doublings that a newcomer may have.
    pub(crate) fn open_to(&self, headroom: Headroom, places: usize) -> usize {
        if self.counts[1] == 0 {
            return Cost::DOUBLINGS - 1;
        }
        let is_full = |doublings: &usize| {
            self.counts[*doublings] >= headroom.open_to_dear(*doublings, places)
        };
        (1..Cost::DOUBLINGS).find(is_full).unwrap_or(Cost::DOUBLINGS) - 1
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use Priority::{Bulk, Critical, Normal, Sheddable};
    use proptest::prelude::*;

    #[test]
    fn the_less_important_leave_a_share_rounded_up() {
        let open = |share, places| Headroom::new(share).open_to(Sheddable, places);
        assert_eq!([10, 11, 20, 200].map(|places| open(0.1, places)), [9, 9, 18, 180]);
        assert_eq!([0, 1, 2].map(|places| open(0.1, places)), [0, 1, 1]);
        assert_eq!([0, 1, 10].map(|places| open(1.0, places)), [0, 1, 1]);
        assert_eq!(open(0.0, 7), 7);
        assert_eq!(Headroom::new(0.5).open_to(Normal, 7), 7);
    }

    #[test]
    fn each_doubling_leaves_more_up_to_half() {
        let open = |doublings| Headroom::new(0.1).open_to_dear(doublings, 20);
        assert_eq!([1, 2, 3, 4, 5, 6, 7].map(open), [18, 16, 14, 12, 10, 10, 10]);
    }

    #[test]
    fn the_dear_leave_room_for_the_less_dear() {
        let (headroom, mut dear) = (Headroom::new(0.1), Dear::default());
        let (eight, two) = (Cost::times(8.0), Cost::times(2.0));
        assert_eq!(dear.open_to(headroom, 10), 7);
        assert_eq!(dear.open_to(headroom, 0), 7, "the first is as good as a cheap one");
        (0..7).for_each(|_| dear.count_in(eight));
        assert_eq!(dear.open_to(headroom, 10), 2, "seven tenths are theirs");
        (0..2).for_each(|_| dear.count_in(two));
        assert_eq!(dear.open_to(headroom, 10), 0);
        dear.count_out(eight);
        assert_eq!(dear.open_to(headroom, 10), 7);
    }

    proptest! {
        #[test]
        fn what_is_kept_is_bounded(
            share in 0.0..=1.0_f64,
            places in 0..1000_usize,
            doublings in 1..8_usize,
        ) {
            let headroom = Headroom::new(share);
            let open = Priority::ALL.map(|priority| headroom.open_to(priority, places));
            prop_assert!(open.is_sorted_by(|higher, lower| higher >= lower));
            prop_assert!(open.iter().all(|open| *open >= places.min(1)));
            prop_assert_eq!(headroom.open_to(Critical, places), places.max(1));
            prop_assert_eq!(headroom.open_to(Normal, places), places);
            let least = places as f64 * (1.0 - share);
            prop_assert!(headroom.open_to(Bulk, places) as f64 >= least.floor() - 1e-3);
            let dear = headroom.open_to_dear(doublings, places);
            prop_assert!(dear >= places / 2 && dear <= headroom.open_to_dear(doublings - 1, places));
        }
    }
}
