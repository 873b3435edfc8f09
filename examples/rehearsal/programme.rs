//! All that a rehearsal will send, known before it begins.

use std::time::Duration;

use crate::plan::Plan;
use crate::schedule::{Draw, Due, Stretch, stretches};
use crate::terminal::failure::{Failure, Result};

/// The phases of a plan, with everybody who comes in them.
#[derive(Debug)]
pub(crate) struct Programme {
    pub(crate) stretches: Vec<Stretch>,
    pub(crate) dues: Vec<Due>,
}

impl Programme {
    /// What `plan` says, if it is not more than it allows.
    pub(crate) fn of(plan: &Plan) -> Result<Self> {
        let stretches = stretches(plan);
        check_count(plan, stretches.iter().map(Stretch::expected).sum())?;
        let mut draw = Draw::new(&plan.requests, plan.seed);
        let dues = stretches.iter().flat_map(|stretch| draw.stretch(stretch)).collect();
        Ok(Self { stretches, dues })
    }

    pub(crate) fn length(&self) -> Duration {
        self.stretches.last().map_or(Duration::ZERO, |last| last.end)
    }
}

/// The steps to the knee, as many as there may be, and the time to recover.
#[derive(Debug)]
pub(crate) struct Climb {
    /// The first rate once more, before: what comes to a step late from the one before it makes
    /// up for what goes late into the next, and the first step has none before it otherwise.
    pub(crate) warm_up: Stretch,
    pub(crate) steps: Vec<Stretch>,
    /// How long, and at which rate.
    recovery: (Duration, f64),
}

impl Climb {
    pub(crate) fn of(plan: &Plan) -> Result<Self> {
        let rise = &plan.knee;
        let rates = rise.rates(plan.base_rate);
        let recovery = (rise.recovery, rates[0]);
        let warm_up = Stretch::steady("warm-up".to_owned(), Duration::ZERO, rise.step, rates[0]);
        let mut start = warm_up.end;
        let step = |rate: f64| {
            let stretch = Stretch::steady(format!("{rate:.0}/s"), start, rise.step, rate);
            start = stretch.end;
            stretch
        };
        let climb = Self { warm_up, steps: rates.into_iter().map(step).collect(), recovery };
        check_count(plan, climb.expected())?;
        Ok(climb)
    }

    /// All of it, if all rates are tried.
    pub(crate) fn whole(&self) -> Vec<Stretch> {
        let first = vec![self.warm_up.clone()];
        let last = vec![self.recovery_after(self.steps.last())];
        [first, self.steps.clone(), last].concat()
    }

    /// How many come if all rates are tried.
    pub(crate) fn expected(&self) -> f64 {
        self.whole().iter().map(Stretch::expected).sum()
    }

    /// How long it takes if all rates are tried.
    pub(crate) fn length(&self) -> Duration {
        self.recovery_after(self.steps.last()).end
    }

    /// The time after the last step that was tried.
    pub(crate) fn recovery_after(&self, last: Option<&Stretch>) -> Stretch {
        let start = last.map_or(Duration::ZERO, |last| last.end);
        let (length, rate) = self.recovery;
        Stretch::steady("recovery".to_owned(), start, length, rate)
    }
}

fn check_count(plan: &Plan, expected: f64) -> Result<()> {
    // Chance may bring some more than are expected; so many more it brings once in ten thousand.
    let most = expected + 4.0 * expected.sqrt();
    if most <= plan.max_requests as f64 {
        return Ok(());
    }
    Err(Failure::new(format!(
        "it may be up to {most:.0} requests, and `max_requests` is {}",
        plan.max_requests
    )))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn plan(max_requests: usize) -> Plan {
        let text = include_str!("short.toml");
        let most = format!("max_requests = {max_requests}");
        Plan::parse(&text.replace("max_requests = 5000", &most)).unwrap()
    }

    #[test]
    fn a_programme_is_known_beforehand_and_within_its_bound() {
        let programme = Programme::of(&plan(5_000)).unwrap();
        assert_eq!(programme.length(), Duration::from_secs(5));
        assert!((420..620).contains(&programme.dues.len()), "{}", programme.dues.len());
        assert!(programme.dues.is_sorted_by_key(|due| due.at));
        let said = Programme::of(&plan(100)).unwrap_err().to_string();
        assert!(said.contains("up to 611 requests, and `max_requests` is 100"), "{said}");
    }

    #[test]
    fn a_climb_is_bounded_too() {
        let climb = Climb::of(&plan(5_000)).unwrap();
        assert_eq!((climb.expected(), climb.length()), (100.0, Duration::from_secs(4)));
        let whole = climb.whole();
        assert!(whole.windows(2).all(|pair| pair[0].end == pair[1].start));
        assert!(Climb::of(&plan(101)).is_err());
    }
}
