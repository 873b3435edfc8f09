//! What a rehearsal showed, in words.

use crate::answer::Kind;
use crate::knee::{Degraded, Finding};
use crate::plan::amount::shown;
use crate::table::per_cent;
use crate::tally::Figures;
use crate::verdict::{Judged, Verdict};

/// What there is to say beside the figures.
#[derive(Debug)]
pub(crate) struct Conclusion {
    /// In one sentence.
    pub(crate) headline: String,
    /// One paragraph each.
    pub(crate) paragraphs: Vec<String>,
    pub(crate) judged: Vec<Judged>,
    pub(crate) verdict: Verdict,
}

impl Conclusion {
    /// Of objectives.
    pub(crate) fn of(judged: Vec<Judged>, introduction: String) -> Self {
        let count =
            |is_one: fn(&Verdict) -> bool| judged.iter().filter(|own| is_one(&own.verdict)).count();
        let missed = count(|own| *own == Verdict::Missed);
        let open = count(|own| matches!(own, Verdict::NotMeasured(_)));
        let (all, met) = (judged.len(), judged.len() - missed - open);
        let headline = match (all, missed, open) {
            (0, ..) => "The plan has no objectives; see the figures.".to_owned(),
            (_, 0, 0) => format!("All {all} objectives were met."),
            (_, _, 0) => format!("{missed} of {all} objectives missed."),
            _ => format!(
                "Of {all} objectives {met} met, {missed} missed, {open} not measured, which is no pass."
            ),
        };
        let first = judged.iter().find_map(|own| match &own.verdict {
            Verdict::NotMeasured(why) => Some(format!("{}: {why}", own.objective)),
            _ => None,
        });
        let verdict = match (missed, first) {
            (1.., _) => Verdict::Missed,
            (0, Some(why)) => Verdict::NotMeasured(why),
            (0, None) => Verdict::Met,
        };
        Self { headline, paragraphs: vec![introduction], judged, verdict }
    }

    /// Of a search for the knee.
    pub(crate) fn knee(finding: &Finding, introduction: String) -> Self {
        let (headline, verdict) = match (&finding.doubt, finding.kept(), &finding.degraded) {
            (Some(why), ..) => (format!("Not measured: {why}."), Verdict::NotMeasured(why.clone())),
            (None, Some(kept), Some(_)) => (
                format!("Keeps up with {kept:.0} requests/s, and not with {:.0}.", last(finding)),
                Verdict::Met,
            ),
            (None, None, Some(_)) => (
                format!("Does not keep up with the first rate, {:.0} requests/s.", last(finding)),
                Verdict::Met,
            ),
            (None, ..) => (
                format!("Keeps up with all rates, up to {:.0} requests/s: no knee.", last(finding)),
                Verdict::Met,
            ),
        };
        let mut paragraphs = vec![introduction];
        paragraphs.extend(finding.degraded.iter().flat_map(|own| degraded(finding, own)));
        Self { headline, paragraphs, judged: Vec::new(), verdict }
    }
}

fn last(finding: &Finding) -> f64 {
    finding.steps.last().map_or(0.0, |step| step.stretch.rate)
}

fn degraded(finding: &Finding, of: &Degraded) -> [String; 3] {
    let goodput = finding.steps.last().map_or(0.0, |step| step.goodput());
    let how = format!(
        "At {:.0}/s, {goodput:.0} fresh answers a second; of the requests {}.",
        last(finding),
        kinds(&of.figures)
    );
    let yielded = of.yielded.iter().map(|own| {
        format!(
            "{} from {:.0}/s on (fresh at last: {})",
            own.request,
            own.from,
            per_cent(Some(own.fresh))
        )
    });
    let yielded = match of.yielded.is_empty() {
        true => "No request in particular gave way.".to_owned(),
        false => {
            format!("What gave way, in this order: {}.", yielded.collect::<Vec<_>>().join(", "))
        }
    };
    let back = match &of.back {
        Err(why) => format!("How long it takes until it is back was not measured: {why}."),
        Ok(Some(time)) if time.is_zero() => {
            "Back at the first rate, all was well at once.".to_owned()
        }
        Ok(Some(time)) => format!("Back at the first rate, all was well after {}.", shown(*time)),
        Ok(None) => {
            format!("Back at the first rate, it was not well again within {}.", shown(of.observed))
        }
    };
    [how, yielded, back]
}

/// Which part of the requests ended how.
fn kinds(figures: &Figures) -> String {
    let seen = Kind::ALL.into_iter().filter(|kind| figures.count(*kind) > 0);
    let parts =
        seen.map(|kind| format!("{} {}", per_cent(figures.share(|own| own == kind)), kind.name()));
    parts.collect::<Vec<_>>().join(", ")
}

#[cfg(test)]
mod tests {
    use super::*;

    fn of(verdicts: &[Verdict]) -> Conclusion {
        let judged = verdicts.iter().map(|verdict| Judged {
            objective: "all: p99 < 1 s".to_owned(),
            measured: String::new(),
            verdict: verdict.clone(),
        });
        Conclusion::of(judged.collect(), String::new())
    }

    #[test]
    fn one_miss_is_a_miss_and_what_is_not_measured_is_no_pass() {
        let open = Verdict::NotMeasured("late".to_owned());
        assert_eq!(of(&[Verdict::Met, Verdict::Met]).verdict, Verdict::Met);
        assert_eq!(of(&[Verdict::Met, open.clone(), Verdict::Missed]).verdict, Verdict::Missed);
        let why = Verdict::NotMeasured("all: p99 < 1 s: late".to_owned());
        assert_eq!(of(&[Verdict::Met, open.clone()]).verdict, why);
        assert!(of(&[Verdict::Met, open]).headline.contains("1 met, 0 missed, 1 not measured"));
        assert!(of(&[]).headline.contains("no objectives"));
    }
}
