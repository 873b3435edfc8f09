//! The figures that our limit is held to.

use std::fmt;

use super::{
    Role,
    score::{Score, Scores},
    trials::{Look, Topic},
};

/// One figure and whether it is reached.
#[derive(Clone, Debug)]
pub(crate) struct Goal {
    pub(crate) what: String,
    pub(crate) measured: String,
    pub(crate) met: bool,
}

/// All goals that the looks at hand can tell of.
pub(crate) fn judge(all: &[Scores]) -> Vec<Goal> {
    let ours = Ours(all);
    let work = |score: &Score| score.work;
    let is = |topic: Topic| move |look: &Look| look.topic == topic;
    let small = |look: &Look| matches!(look.topic, Topic::Change | Topic::Drift);
    let one = |look: &Look| look.topic != Topic::Fleet;
    let fits = move |look: &Look| look.critical_fits && one(look);
    let (calm, bursts) = (is(Topic::Calm), is(Topic::Bursts));
    let goals = [
        ours.least("useful work in a surge of 2×, 5×, 10×, %", 98.0, is(Topic::Surge), work),
        ours.least("useful work after a change or in a drift, %", 98.0, small, work),
        ours.lasting(),
        ours.least("useful work after a loss of capacity, %", 95.0, is(Topic::Loss), work),
        ours.least("useful work in hard cases, %", 90.0, is(Topic::Hard), work),
        ours.least("useful work with other knees and pools, %", 98.0, is(Topic::Size), work),
        ours.least("useful work after it is over, %", 95.0, is(Topic::Recovery), work),
        ours.least("weighted success, % of the ideal's", 98.0, one, |score| score.weighted),
        ours.least("critical success where it fits, %", 99.9, fits, |score| score.success[0]),
        ours.least("success without a database, %", 100.0, |_| true, |score| score.free),
        ours.most("refused at 0.5× and 0.9×, %", 0.5, calm, |score| score.refused),
        ours.most("refused at 0.7× in bursts, %", 0.5, bursts, |score| score.refused),
        ours.reached("seconds to 85 % after a step up", 1.0, is(Topic::Surge)),
        ours.reached("seconds to 85 % after a loss of capacity", 3.0, is(Topic::Loss)),
        ours.reached("seconds to 85 % after it is over", 3.0, is(Topic::Recovery)),
        ours.most("p99 in a surge, times the unloaded", 1.5, is(Topic::Surge), |score| score.p99),
        ours.least("fleets: useful work, % of one instance's", 95.0, is(Topic::Fleet), work),
        ours.least("fleets: Jain's index", 0.95, is(Topic::Fleet), |score| score.fairness),
        ours.least("fleets: critical success, %", 98.0, is(Topic::Fleet), |s| s.success[0]),
        ours.ahead("useful work, points ahead of the best other", work),
        ours.ahead("weighted success, points ahead of the best other", |score| score.weighted),
    ];
    goals.into_iter().flatten().collect()
}

struct Ours<'a>(&'a [Scores]);

impl Ours<'_> {
    fn least(
        &self,
        what: &str,
        goal: f64,
        of: impl Fn(&Look) -> bool,
        figure: impl Fn(&Score) -> f64,
    ) -> Option<Goal> {
        let figures = self.figures(of, figure);
        let worst = figures.min_by(|one, other| one.value.total_cmp(&other.value))?;
        let what = format!("{what} ≥ {goal}");
        Some(Goal { what, measured: worst.to_string(), met: worst.value >= goal })
    }

    fn most(
        &self,
        what: &str,
        goal: f64,
        of: impl Fn(&Look) -> bool,
        figure: impl Fn(&Score) -> f64,
    ) -> Option<Goal> {
        let figures = self.figures(of, figure);
        let worst = figures.max_by(|one, other| one.value.total_cmp(&other.value))?;
        let what = format!("{what} ≤ {goal}");
        Some(Goal { what, measured: worst.to_string(), met: worst.value <= goal })
    }

    fn reached(&self, what: &str, goal: f64, of: impl Fn(&Look) -> bool) -> Option<Goal> {
        self.most(what, goal, |look| look.timed && of(look), |score| score.reached)
    }

    /// The last minute of a long surge against its first.
    fn lasting(&self) -> Option<Goal> {
        let work = |topic| {
            let of = move |look: &Look| look.topic == topic;
            self.figures(of, |score| score.work).next().map(|figure| figure.value)
        };
        let (first, last) = (work(Topic::LongFirst)?, work(Topic::LongLast)?);
        Some(Goal {
            what: "useful work in 20 minutes, last minute within 2 points of the first".into(),
            measured: format!("{first:.2} and {last:.2}"),
            met: last >= first - 2.0,
        })
    }

    /// How far ahead of the best other one, in the look where that is least.
    fn ahead(&self, what: &str, figure: impl Fn(&Score) -> f64) -> Option<Goal> {
        let margin = |scores: &Scores| {
            let of = |ours: bool| {
                let rows = scores.rows.iter().filter(move |row| (row.role == Role::Ours) == ours);
                rows.map(|row| (figure(&row.score), row.name))
                    .max_by(|one, other| one.0.total_cmp(&other.0))
            };
            let (own, (other, name)) = (of(true)?.0, of(false)?);
            Some((own - other, format!("{name}, {}", scores.title())))
        };
        let margins = self.0.iter().filter_map(margin);
        let (least, at) = margins.min_by(|one, other| one.0.total_cmp(&other.0))?;
        let (what, measured) = (format!("{what} ≥ −1"), format!("{least:.2} ({at})"));
        Some(Goal { what, measured, met: least >= -1.0 })
    }

    fn figures(
        &self,
        of: impl Fn(&Look) -> bool,
        figure: impl Fn(&Score) -> f64,
    ) -> impl Iterator<Item = Figure> {
        let looks = self.0.iter().filter(move |scores| of(&scores.look));
        looks.filter_map(move |scores| {
            let own = scores.rows.iter().find(|row| row.role == Role::Ours)?;
            let (value, ideal) = (figure(&own.score), figure(&scores.ideal));
            Some(Figure { value, ideal, at: scores.title() })
        })
    }
}

/// What was measured, what the ideal has there, and where that is.
struct Figure {
    value: f64,
    ideal: f64,
    at: String,
}

impl fmt::Display for Figure {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { value, ideal, at } = self;
        write!(f, "{value:.2}, the ideal {ideal:.2} ({at})")
    }
}
