//! At which rate the service stops to keep up, how that looks, and how long it takes until it
//! is back.

mod finding;

use crate::answer::{Exchange, Kind};
use crate::schedule::Stretch;

pub(crate) use self::finding::{Degraded, Finding};

/// A service that keeps up answers at least this share of what comes, afresh, and while it
/// comes.
const KEEPS_UP: f64 = 0.9;

/// What one rate showed.
#[derive(Clone, Debug)]
pub(crate) struct Step {
    pub(crate) stretch: Stretch,
    /// Requests that came.
    pub(crate) offered: usize,
    /// Fresh answers that were given in the time of the step, to whomever.
    pub(crate) answered: usize,
}

impl Step {
    /// `exchanges` are all until the end of the step.
    pub(crate) fn of(stretch: &Stretch, offered: usize, exchanges: &[Exchange]) -> Self {
        let in_time = |own: &&Exchange| own.kind == Kind::Fresh && stretch.holds(own.ended);
        let answered = exchanges.iter().filter(in_time).count();
        Self { stretch: stretch.clone(), offered, answered }
    }

    /// Whether what is answered follows what comes. Of few, some come by chance at the end of the
    /// step and are answered after it: as many as chance makes of a count.
    pub(crate) fn keeps_up(&self) -> bool {
        let offered = self.offered as f64;
        self.answered as f64 + offered.sqrt() >= KEEPS_UP * offered
    }

    /// Fresh answers per second.
    pub(crate) fn goodput(&self) -> f64 {
        self.answered as f64 / self.stretch.length().as_secs_f64()
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;
    use crate::answer::exchange;

    fn stretch() -> Stretch {
        let second = Duration::from_secs(1);
        Stretch::steady("50/s".to_owned(), second, second, 50.0)
    }

    #[test]
    fn a_step_keeps_up_while_nine_of_ten_but_for_chance_are_answered_in_its_time() {
        let step = |fresh: u64| {
            let kind = move |n| if n < fresh { Kind::Fresh } else { Kind::Copy };
            let seen: Vec<_> = (0..50).map(|n| exchange(0, 1_000 + 20 * n, 5, kind(n))).collect();
            Step::of(&stretch(), seen.len(), &seen)
        };
        assert!(step(50).keeps_up() && step(38).keeps_up());
        assert!(!step(37).keeps_up(), "a copy is not what was asked for");
        assert_eq!(step(37).goodput(), 37.0);
    }

    #[test]
    fn answers_that_come_after_the_step_are_none_of_it() {
        let late: Vec<_> =
            (0..50).map(|n| exchange(0, 1_000 + 20 * n, 1_500, Kind::Fresh)).collect();
        assert_eq!(Step::of(&stretch(), 50, &late).answered, 0);
    }

    #[test]
    fn without_requests_nothing_is_behind() {
        assert!(Step::of(&stretch(), 0, &[]).keeps_up());
    }
}
