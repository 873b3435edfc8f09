//! Whose turn it is among those of one priority.

use crate::class::{Cost, Key};

/// Start-time fair queueing (Goyal, Vin and Cheng, 1996) over groups of clients: each has
/// the service it got so far, and the one with the least is next. A group that comes back
/// from a pause starts where the one that is being served began,
///
/// ```text
/// served ← max(served, now)          on entering when none of the group waits
/// now ← served, served += cost       on being served
/// ```
///
/// so that nobody saves up turns and nobody loses any. Unlike there, a request is charged
/// when it is served, not when it comes: many leave before.
///
/// Clients are hashed into 64 groups (McKenney, *Stochastic Fairness Queueing*, 1990),
/// and those without a key are one more. Who falls into the group of a heavy client shares its
/// share.
#[derive(Debug)]
pub(crate) struct Fair {
    now: u64,
    served: [u64; GROUPS],
    waiting: [u32; GROUPS],
}

impl Default for Fair {
    fn default() -> Self {
        Self { now: 0, served: [0; GROUPS], waiting: [0; GROUPS] }
    }
}

impl Fair {
    pub(crate) fn group(key: Option<Key>) -> usize {
        key.map_or(KEYED, |key| key.group(KEYED))
    }

    /// One of the group begins to wait.
    pub(crate) fn enter(&mut self, group: usize) {
        if self.waiting[group] == 0 {
            self.served[group] = self.served[group].max(self.now);
        }
        self.waiting[group] += 1;
    }

    /// One of the group waits no more.
    pub(crate) fn leave(&mut self, group: usize) {
        self.waiting[group] -= 1;
    }

    /// One of the group is served, and leaves.
    pub(crate) fn serve(&mut self, group: usize, cost: Cost) {
        self.leave(group);
        self.now = self.now.max(self.served[group]);
        self.served[group] += cost.hundredths();
    }

    /// The service that a group got. The least goes first.
    pub(crate) fn served(&self, group: usize) -> u64 {
        self.served[group]
    }

    /// How many of a group wait.
    pub(crate) fn waiting(&self, group: usize) -> u32 {
        self.waiting[group]
    }
}

const KEYED: usize = 64;
const GROUPS: usize = KEYED + 1;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn who_comes_back_has_saved_up_nothing() {
        let mut fair = Fair::default();
        for _ in 0..10 {
            fair.enter(1);
            fair.serve(1, Cost::USUAL);
        }
        fair.enter(2);
        assert_eq!(fair.served(2), 900, "where the last one began");
        fair.enter(1);
        assert_eq!(fair.served(1), 1000, "and who was served is not forgiven");
    }

    #[test]
    fn the_dear_use_up_more_of_their_share() {
        let mut fair = Fair::default();
        for group in [1, 2] {
            fair.enter(group);
        }
        fair.serve(1, Cost::times(3.0));
        assert!(fair.served(1) > fair.served(2));
        assert_eq!((fair.waiting(1), fair.waiting(2)), (0, 1));
    }

    #[test]
    fn those_without_a_key_are_a_group_of_their_own() {
        let without = Fair::group(None);
        assert!((0..1000).all(|client| Fair::group(Some(Key::of(&client))) < without));
    }
}
