//! What the search for the knee found.

use std::time::Duration;

use super::Step;
use crate::answer::Kind;
use crate::plan::Plan;
use crate::plan::request::Request;
use crate::schedule::Stretch;
use crate::tally::{Figures, Seen};
use crate::verdict::{back, doubt};

/// A request that is not answered as asked any more.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Yielded {
    pub(crate) request: String,
    /// The first rate at which it was not.
    pub(crate) from: f64,
    /// Per cent of its requests that got a fresh answer in the last step.
    pub(crate) fresh: f64,
}

#[derive(Clone, Debug)]
pub(crate) struct Finding {
    pub(crate) steps: Vec<Step>,
    /// Of the step that the service did not keep up with.
    pub(crate) degraded: Option<Degraded>,
    /// Why all this says nothing of the service, if it does not.
    pub(crate) doubt: Option<String>,
}

#[derive(Clone, Debug)]
pub(crate) struct Degraded {
    /// What came in the first step with which it did not keep up.
    pub(crate) figures: Figures,
    /// Those that gave way, in the order in which they did.
    pub(crate) yielded: Vec<Yielded>,
    /// From the end of that step until all was well again; `None` if it never was, and an error
    /// says why it is not known.
    pub(crate) back: Result<Option<Duration>, String>,
    /// How long it was looked for.
    pub(crate) observed: Duration,
}

impl Finding {
    /// `steps` are all that were tried; after the last one comes the time for the service to
    /// recover, if it did not keep up.
    pub(crate) fn of(plan: &Plan, seen: &Seen, steps: Vec<Step>) -> Self {
        let interrupted = steps.is_empty().then(|| "interrupted before the first step".to_owned());
        let doubt = interrupted.or_else(|| {
            steps.iter().find_map(|step| {
                let why = doubt(plan, seen, &step.stretch)?;
                Some(format!("at {}: {why}", step.stretch.name))
            })
        });
        let last = steps.last().filter(|step| !step.keeps_up());
        let degraded = last.map(|step| Degraded::of(plan, seen, &steps, &step.stretch));
        Self { steps, degraded, doubt }
    }

    /// The highest rate that the service kept up with.
    pub(crate) fn kept(&self) -> Option<f64> {
        let kept = self.steps.iter().filter(|step| step.keeps_up());
        kept.map(|step| step.stretch.rate).reduce(f64::max)
    }
}

impl Degraded {
    fn of(plan: &Plan, seen: &Seen, steps: &[Step], stretch: &Stretch) -> Self {
        let after = seen.stretches.iter().find(|own| own.start >= stretch.end);
        let back = match after {
            None => Err("interrupted".to_owned()),
            Some(after) => match doubt(plan, seen, after) {
                Some(why) => Err(why),
                None => Ok(back(seen.exchanges.iter(), after)),
            },
        };
        Self {
            figures: Figures::of(seen.within(stretch)),
            yielded: yielded(plan, seen, steps),
            back,
            observed: after.map_or(Duration::ZERO, Stretch::length),
        }
    }
}

/// The requests of which more than one in a hundred was not answered afresh in the last step.
fn yielded(plan: &Plan, seen: &Seen, steps: &[Step]) -> Vec<Yielded> {
    let fresh = |number: usize, step: &Step| {
        let own = seen.within(&step.stretch).filter(|exchange| exchange.request == number);
        Figures::of(own).share(|kind| kind == Kind::Fresh).unwrap_or(100.0)
    };
    let of = |(number, request): (usize, &Request)| {
        let last = fresh(number, steps.last()?);
        // From where on it never was well again.
        let bad = steps.iter().rev().take_while(|step| fresh(number, step) < WELL).last()?;
        let from = bad.stretch.rate;
        Some(Yielded { request: request.name.clone(), from, fresh: last })
    };
    let mut yielded: Vec<_> = plan.requests.iter().enumerate().filter_map(of).collect();
    let order = |own: &Yielded, other: &Yielded| {
        own.from.total_cmp(&other.from).then(own.fresh.total_cmp(&other.fresh))
    };
    yielded.sort_by(order);
    yielded
}

/// Per cent of fresh answers from which a request counts as answered as asked.
const WELL: f64 = 99.0;

#[cfg(test)]
mod tests {
    use super::*;
    use crate::answer::exchange;

    fn plan() -> Plan {
        let text = "base_rate = 100\n\
                    [[phase]]\nname = \"a\"\nlength = \"1s\"\nrate = 1\n\
                    [[request]]\nname = \"buy\"\nroute = \"/buy\"\n\
                    [[request]]\nname = \"page\"\nroute = \"/\"\n\
                    [[request]]\nname = \"search\"\nroute = \"/search\"\n";
        Plan::parse(text).unwrap()
    }

    fn stretch(second: u64, rate: f64, length: u64) -> Stretch {
        let [start, length] = [second, length].map(Duration::from_secs);
        Stretch::steady(format!("{rate}/s"), start, length, rate)
    }

    /// Two steps of a second and four seconds after; in the second one, searches are refused
    /// and half of the pages come from a copy. After it, copies for another second.
    fn found(change: impl Fn(&mut Seen)) -> Finding {
        let stretches = vec![stretch(0, 100.0, 1), stretch(1, 200.0, 1), stretch(2, 100.0, 4)];
        let kind = |at: u64, request| match (at, request) {
            (1_000..2_000, 2) => Kind::Refused,
            (1_000..2_000, 1) if at % 20 == 0 => Kind::Copy,
            (2_000..3_000, 1) => Kind::Copy,
            _ => Kind::Fresh,
        };
        let all = (0..6_000).step_by(10).flat_map(|at| [0, 1, 2].map(|request| (at, request)));
        let exchanges = all.map(|(at, request)| exchange(request, at, 1, kind(at, request)));
        let mut seen = Seen::new(stretches, exchanges.collect(), None);
        change(&mut seen);
        let step =
            |stretch: &Stretch| Step::of(stretch, seen.within(stretch).count(), &seen.exchanges);
        let steps = seen.stretches[..2].iter().map(step).collect();
        Finding::of(&plan(), &seen, steps)
    }

    #[test]
    fn the_rate_the_routes_and_the_recovery_are_told() {
        let finding = found(|_| {});
        assert_eq!((finding.kept(), &finding.doubt), (Some(100.0), &None));
        let degraded = finding.degraded.unwrap();
        let yielded =
            |request: &str, fresh| Yielded { request: request.to_owned(), from: 200.0, fresh };
        assert_eq!(degraded.yielded, [yielded("search", 0.0), yielded("page", 50.0)]);
        assert_eq!(degraded.figures.count(Kind::Refused), 100);
        let back = degraded.back.unwrap().unwrap();
        assert!(back.abs_diff(Duration::from_secs(1)) <= Duration::from_millis(50), "{back:?}");
    }

    #[test]
    fn who_gave_way_at_a_lower_rate_comes_first() {
        let sooner = |seen: &mut Seen| {
            let pages = seen.exchanges.iter_mut().filter(|own| own.request == 1);
            pages.filter(|own| own.due.as_millis() < 50).for_each(|own| own.kind = Kind::Copy);
        };
        let yielded = found(sooner).degraded.unwrap().yielded;
        let order: Vec<_> = yielded.iter().map(|own| (own.request.as_str(), own.from)).collect();
        assert_eq!(order, [("page", 100.0), ("search", 200.0)]);
    }

    #[test]
    fn a_service_that_is_not_back_in_the_time_is_not_back() {
        let worse = |seen: &mut Seen| {
            let later = seen.exchanges.iter_mut().filter(|own| own.due.as_secs() >= 5);
            later.for_each(|own| own.kind = Kind::TimedOut);
        };
        let degraded = found(worse).degraded.unwrap();
        assert_eq!((degraded.back, degraded.observed), (Ok(None), Duration::from_secs(4)));
        let early = |seen: &mut Seen| seen.interrupted = Some(Duration::from_secs(5));
        let back = found(early).degraded.unwrap().back;
        assert_eq!(back, Err("interrupted".to_owned()), "nobody looked to the end");
    }

    #[test]
    fn a_generator_that_lags_finds_nothing() {
        let late = |seen: &mut Seen| {
            seen.exchanges.iter_mut().for_each(|own| own.lag = Duration::from_secs(1));
        };
        assert!(found(late).doubt.unwrap().starts_with("at 100/s: the generator was 1 s late"));
    }

    #[test]
    fn without_a_step_nothing_is_found() {
        let seen = Seen::new(vec![stretch(0, 100.0, 1)], Vec::new(), Some(Duration::ZERO));
        let finding = Finding::of(&plan(), &seen, Vec::new());
        assert!(finding.doubt.is_some() && finding.degraded.is_none());
    }

    #[test]
    fn a_service_that_keeps_up_has_no_knee() {
        let well = |seen: &mut Seen| {
            seen.exchanges.iter_mut().for_each(|own| own.kind = Kind::Fresh);
        };
        let finding = found(well);
        assert_eq!(finding.kept(), Some(200.0));
        assert!(finding.degraded.is_none());
    }
}
