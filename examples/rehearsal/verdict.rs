//! Whether the objectives were met.

use std::time::Duration;

use crate::answer::{Exchange, Kind};
use crate::plan::Plan;
use crate::plan::amount::shown;
use crate::plan::objective::{Ending, Objective, Want};
use crate::schedule::Stretch;
use crate::tally::{Figures, Seen};
use crate::watching::recovery::time_to_recover;

/// What can be said of an objective.
#[derive(Clone, Debug, PartialEq)]
pub(crate) enum Verdict {
    Met,
    Missed,
    /// And why. It is no pass.
    NotMeasured(String),
}

/// An objective with what was measured.
#[derive(Clone, Debug)]
pub(crate) struct Judged {
    pub(crate) objective: String,
    pub(crate) measured: String,
    pub(crate) verdict: Verdict,
}

impl Verdict {
    pub(crate) fn name(&self) -> &'static str {
        match self {
            Self::Met => "met",
            Self::Missed => "missed",
            Self::NotMeasured(_) => "not measured",
        }
    }
}

/// All objectives of the plan.
pub(crate) fn judge(plan: &Plan, seen: &Seen) -> Vec<Judged> {
    plan.objectives.iter().map(|objective| Case { plan, seen, objective }.judged()).collect()
}

struct Case<'a> {
    plan: &'a Plan,
    seen: &'a Seen,
    objective: &'a Objective,
}

impl Case<'_> {
    fn judged(&self) -> Judged {
        let (measured, verdict) = self.measure();
        let doubt = self.stretches().find_map(|stretch| doubt(self.plan, self.seen, stretch));
        let verdict = doubt.map_or(verdict, Verdict::NotMeasured);
        Judged { objective: self.sentence(), measured, verdict }
    }

    /// `checkout in surge (5×): p99 < 500 ms`
    fn sentence(&self) -> String {
        let of = self.objective.request.as_deref().unwrap_or("all");
        let phase = self.plan.phases.iter().find(|own| self.is_named(&own.name));
        let Some(phase) = phase else {
            return format!("{of}, throughout: {}", self.objective.want);
        };
        let times = (self.plan.times(phase) * 100.0).round() / 100.0;
        let when = if self.is_about_the_time_after() { "after" } else { "in" };
        format!("{of} {when} {} ({times}×): {}", phase.name, self.objective.want)
    }

    fn measure(&self) -> (String, Verdict) {
        match self.objective.want {
            Want::Latency { quantile, bound, time } => match self.figures().latency(quantile.0) {
                None => nothing(),
                Some(latency) => (shown(latency), verdict(bound.holds(latency, time))),
            },
            Want::Share { of, bound, per_cent } => {
                match self.figures().share(|kind| ends(of, kind)) {
                    None => nothing(),
                    Some(share) => {
                        let asked = self.figures().asked;
                        let ones = (share * asked as f64 / 100.0).round();
                        let measured = format!("{share:.2} % ({ones} of {asked})");
                        (measured, verdict(bound.holds(share, per_cent)))
                    }
                }
            }
            Want::Back { within } => self.back(within),
        }
    }

    fn back(&self, within: Duration) -> (String, Verdict) {
        // The plan was checked: there is a phase before.
        let Some(after) = self.stretches().next() else { return nothing() };
        match back(self.exchanges(), after) {
            _ if self.exchanges().next().is_none() => nothing(),
            None => (format!("not within {}", shown(after.length())), Verdict::Missed),
            Some(time) => (shown(time), verdict(time <= within)),
        }
    }

    fn figures(&self) -> Figures {
        Figures::of(self.exchanges())
    }

    fn exchanges(&self) -> impl Iterator<Item = &Exchange> + Clone {
        let of = |exchange: &&Exchange| match &self.objective.request {
            None => true,
            Some(name) => self.plan.requests[exchange.request].name == *name,
        };
        let here = |exchange: &&Exchange| self.stretches().any(|own| own.holds(exchange.due));
        self.seen.exchanges.iter().filter(of).filter(here)
    }

    /// Those whose requests count.
    fn stretches(&self) -> impl Iterator<Item = &Stretch> {
        let all = &self.seen.stretches;
        let named = all.iter().position(|own| self.is_named(&own.name));
        let counted = match named {
            None => 0..all.len(),
            Some(at) if self.is_about_the_time_after() => at + 1..(at + 2).min(all.len()),
            Some(at) => at..at + 1,
        };
        all[counted].iter()
    }

    fn is_named(&self, phase: &str) -> bool {
        self.objective.phase.as_deref() == Some(phase)
    }

    fn is_about_the_time_after(&self) -> bool {
        matches!(self.objective.want, Want::Back { .. })
    }
}

fn nothing() -> (String, Verdict) {
    ("nothing".to_owned(), Verdict::NotMeasured("no request came".to_owned()))
}

fn verdict(is_met: bool) -> Verdict {
    if is_met { Verdict::Met } else { Verdict::Missed }
}

fn ends(so: Ending, kind: Kind) -> bool {
    match so {
        Ending::Success => kind.is_useful(),
        Ending::Fresh => kind == Kind::Fresh,
        Ending::Copy => kind == Kind::Copy,
        Ending::Refused => kind == Kind::Refused,
        Ending::Failed => kind == Kind::Failed,
        Ending::TimedOut => kind == Kind::TimedOut,
    }
}

/// When all was as it would be without any trouble, from the start of the time after; `None` if
/// never. A copy does not count, since nobody gets one when all is well.
pub(crate) fn back<'a>(
    exchanges: impl Iterator<Item = &'a Exchange>,
    after: &Stretch,
) -> Option<Duration> {
    let come = exchanges.filter(|exchange| after.holds(exchange.due));
    let arrivals = come.map(|own| (own.due - after.start, own.kind == Kind::Fresh));
    time_to_recover(arrivals.collect(), after.length())
}

/// Why what was seen in a stretch says nothing of the service, if it does not.
pub(crate) fn doubt(plan: &Plan, seen: &Seen, stretch: &Stretch) -> Option<String> {
    if seen.interrupted.is_some_and(|at| at < stretch.end) {
        return Some("interrupted".to_owned());
    }
    let figures = Figures::of(seen.within(stretch));
    let unsent = figures.count(Kind::Unsent);
    if unsent > 0 {
        let most = plan.max_in_flight;
        return Some(format!("{unsent} not sent, since {most} were in flight (max_in_flight)"));
    }
    let lag = figures.lag(0.99).filter(|lag| *lag > plan.max_lag)?;
    Some(format!(
        "the generator was {} late (p99), and may be {} (max_lag)",
        shown(lag),
        shown(plan.max_lag)
    ))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::answer::exchange;
    use crate::schedule::stretches;

    /// Of a rehearsal with 100 requests a second, each as `kind` says by its moment.
    fn judged(objective: &str, kind: impl Fn(u64) -> (u64, Kind)) -> Judged {
        seen_as(objective, kind, |_| {})
    }

    fn seen_as(
        objective: &str,
        kind: impl Fn(u64) -> (u64, Kind),
        change: impl Fn(&mut Seen),
    ) -> Judged {
        let plan = Plan::parse(&format!(
            "base_rate = 100\nmax_lag = \"50ms\"\n\
             [[request]]\nname = \"page\"\nroute = \"/\"\n\
             [[request]]\nname = \"buy\"\nroute = \"/buy\"\n\
             [[phase]]\nname = \"surge\"\nlength = \"2s\"\ntimes = 5\n\
             [[phase]]\nname = \"after\"\nlength = \"4s\"\ntimes = 1\n\
             [[objective]]\n{objective}"
        ));
        let plan = plan.unwrap();
        let exchanges = (0..6_000).step_by(10).map(|at| {
            let (latency, kind) = kind(at);
            exchange(usize::from(at % 100 == 0), at, latency, kind)
        });
        let exchanges = exchanges.collect();
        let mut seen = Seen::new(stretches(&plan), exchanges, None);
        change(&mut seen);
        judge(&plan, &seen).remove(0)
    }

    fn bad_in_the_surge(at: u64) -> (u64, Kind) {
        if at < 2_000 { (1_000, Kind::Refused) } else { (20, Kind::Fresh) }
    }

    #[test]
    fn an_objective_is_of_its_phase_and_request() {
        let success =
            |of: &str| judged(&format!("{of}\nwant = \"success >= 99 %\""), bad_in_the_surge);
        assert_eq!(success("phase = \"surge\"").verdict, Verdict::Missed);
        assert_eq!(success("phase = \"after\"").verdict, Verdict::Met);
        assert_eq!(success("").verdict, Verdict::Missed);
        assert_eq!(success("").measured, "66.67 % (400 of 600)");
        let page_only = |at| if at % 100 == 0 { (1, Kind::Fresh) } else { (1, Kind::Failed) };
        let of =
            |name| judged(&format!("request = \"{name}\"\nwant = \"success >= 99 %\""), page_only);
        assert_eq!((of("buy").verdict, of("page").verdict), (Verdict::Met, Verdict::Missed));
        let sentence = success("request = \"buy\"\nphase = \"surge\"").objective;
        assert_eq!(sentence, "buy in surge (5×): success ≥ 99 %");
    }

    #[test]
    fn who_waited_in_vain_counts_as_long() {
        let seldom = |at| if at % 50 == 0 { (2_000, Kind::TimedOut) } else { (20, Kind::Fresh) };
        assert_eq!(judged("want = \"p99 < 500 ms\"", seldom).verdict, Verdict::Missed);
        assert_eq!(judged("want = \"p50 < 500 ms\"", seldom).verdict, Verdict::Met);
        let quick = |_| (20, Kind::Fresh);
        assert_eq!(judged("want = \"max <= 20 ms\"", quick).verdict, Verdict::Met);
        assert_eq!(judged("want = \"max < 20 ms\"", quick).verdict, Verdict::Missed);
    }

    #[test]
    fn recovery_is_seen_in_the_phase_after() {
        let want = "phase = \"surge\"\nwant = \"back to normal within 1 s\"";
        let until = |end| move |at| if at < end { (1, Kind::Copy) } else { (1, Kind::Fresh) };
        assert_eq!(judged(want, until(2_500)).verdict, Verdict::Met);
        let late = judged(want, until(4_000));
        assert_eq!((late.verdict, late.measured.as_str()), (Verdict::Missed, "2 s"));
        assert_eq!(judged(want, until(9_000)).measured, "not within 4 s");
    }

    #[test]
    fn what_the_generator_could_not_do_is_never_a_pass() {
        let fine = |_| (1, Kind::Fresh);
        let of = |change: &dyn Fn(&mut Seen)| {
            let want = "phase = \"surge\"\nwant = \"success >= 0 %\"";
            seen_as(want, fine, change).verdict
        };
        assert_eq!(of(&|_| {}), Verdict::Met);
        let why = |verdict| match verdict {
            Verdict::NotMeasured(why) => why,
            other => panic!("{other:?}"),
        };
        let late = |seen: &mut Seen| {
            let late = seen.exchanges.iter_mut().filter(|own| own.due.subsec_millis() < 100);
            late.for_each(|own| own.lag = Duration::from_millis(80));
        };
        assert!(why(of(&late)).contains("80 ms late"), "{}", why(of(&late)));
        let unsent = |seen: &mut Seen| seen.exchanges[7].kind = Kind::Unsent;
        assert!(why(of(&unsent)).contains("1 not sent"));
        let early = |seen: &mut Seen| seen.interrupted = Some(Duration::from_secs(1));
        assert_eq!(why(of(&early)), "interrupted");
        let empty = |seen: &mut Seen| seen.exchanges.clear();
        assert_eq!(why(of(&empty)), "no request came");
        // What went wrong later does not touch it.
        let later = |seen: &mut Seen| seen.interrupted = Some(Duration::from_secs(3));
        assert_eq!(of(&later), Verdict::Met);
    }
}
