//! Whether a setting is worth setting.

use std::fmt;

use crate::{
    knob::{self, Knob},
    trial::{Figures, Outcome, Storm, Trials, trials},
};

/// A setting, varied alone.
pub(crate) struct Study {
    pub(crate) knob: Knob,
    /// In the order of the knob's values.
    pub(crate) trials: Vec<Trials>,
    pub(crate) verdict: Verdict,
}

#[derive(Clone, Debug, PartialEq)]
pub(crate) enum Verdict {
    /// No value is better than the default.
    Leave {
        /// What the worst value costs, in the words of a figure; none if none costs anything.
        harm: Option<String>,
    },
    /// This one is, by so much.
    Set { index: usize, value: String, gain: f64 },
}

impl Study {
    pub(crate) fn of(knob: Knob, storm: &Storm, default: &Trials) -> Self {
        let tried = |(index, value): (usize, &String)| {
            let said = knob::settings([(knob.path.to_owned(), value)]);
            let is_default = index == knob.default;
            said.filter(|_| !is_default)
                .map_or_else(|| default.clone(), |said| trials(storm, &said))
        };
        let trials: Vec<_> = knob.values.iter().enumerate().map(tried).collect();
        let gains =
            trials.iter().enumerate().filter_map(|(index, own)| Some((index, gain(own, default)?)));
        let best = gains.max_by(|one, other| one.1.total_cmp(&other.1));
        let verdict = match best {
            Some((index, gain)) => Verdict::Set { index, value: knob.values[index].clone(), gain },
            None => Verdict::Leave { harm: harm(&knob, &trials, default) },
        };
        Self { knob, trials, verdict }
    }
}

/// A figure that counts: its name, what it is, and from which difference on anybody minds. More is
/// better.
struct Aspect {
    name: &'static str,
    of: fn(&Outcome) -> f64,
    matters: f64,
}

const ASPECTS: [Aspect; 4] = [
    Aspect { name: "useful work", of: |own| own.work, matters: 0.02 },
    Aspect { name: "critical answers", of: |own| own.critical, matters: 0.01 },
    Aspect { name: "refusals in vain", of: |own| -own.in_vain, matters: 0.01 },
    // Two seconds are worth as much as a fiftieth of the work.
    Aspect { name: "recovery", of: |own| -own.recovery / 100.0, matters: 0.02 },
];

impl Aspect {
    /// By how much it is better than by default, if that is more than chance and anybody's concern;
    /// worse, if it is negative.
    fn difference(&self, own: &Figures, default: &Figures) -> f64 {
        let difference = (self.of)(&own.mean()) - (self.of)(&default.mean());
        let chance = own.spread(self.of).max(default.spread(self.of));
        if difference.abs() > self.matters.max(chance) { difference } else { 0.0 }
    }
}

/// By how much it is better than the default with the database as it was measured. None if it is
/// not, or worse in anything with either of them.
pub(crate) fn gain(own: &Trials, default: &Trials) -> Option<f64> {
    let each = own.0.iter().zip(&default.0);
    let differences =
        each.map(|(own, default)| ASPECTS.each_ref().map(|aspect| aspect.difference(own, default)));
    let differences: Vec<_> = differences.collect();
    let gain = differences[0].iter().sum::<f64>();
    let is_safe = differences.iter().flatten().all(|difference| *difference >= 0.0);
    (gain > 0.0 && is_safe).then_some(gain)
}

/// The worst that comes of any value, in words.
fn harm(knob: &Knob, trials: &[Trials], default: &Trials) -> Option<String> {
    let mut losses = Vec::new();
    for (own, value) in trials.iter().zip(&knob.values) {
        for ((own, default), database) in own.0.iter().zip(&default.0).zip(DATABASES) {
            let loss = |aspect: &Aspect| (aspect.difference(own, default), aspect.name);
            losses.extend(ASPECTS.iter().map(loss).map(|loss| (loss, value, database, own.mean())));
        }
    }
    let worst = losses.into_iter().min_by(|one, other| one.0.0.total_cmp(&other.0.0))?;
    let ((loss, name), value, database, mean) = worst;
    (loss < 0.0).then(|| format!("{name} suffer most at {value}, {database}: {mean}"))
}

/// Those of [`Trials`].
const DATABASES: [&str; 2] =
    ["with the database as measured", "with one that does twice as many at once"];

impl fmt::Display for Verdict {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Leave { harm: None } => f.write_str("leave it: nothing comes of it"),
            Self::Leave { harm: Some(harm) } => write!(f, "leave it: {harm}"),
            Self::Set { value, .. } => write!(f, "set it to {value}"),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn figures(work: [f64; 2], in_vain: f64) -> Figures {
        Figures(work.map(|work| Outcome { work, critical: 1.0, in_vain, recovery: 1.0 }).to_vec())
    }

    fn alike(work: [f64; 2], in_vain: f64) -> Trials {
        Trials([figures(work, in_vain), figures(work, in_vain)])
    }

    #[test]
    fn only_what_is_more_than_chance_is_a_gain() {
        let default = alike([0.80, 0.82], 0.0);
        assert!(gain(&alike([0.90, 0.91], 0.0), &default).is_some());
        assert!(gain(&alike([0.815, 0.815], 0.0), &default).is_none(), "nobody minds");
        assert!(gain(&alike([0.75, 0.95], 0.0), &default).is_none(), "it is chance");
        assert!(gain(&default, &default).is_none());
    }

    #[test]
    fn what_costs_something_else_is_no_gain() {
        let default = alike([0.80, 0.82], 0.0);
        assert!(gain(&alike([0.90, 0.91], 0.3), &default).is_none());
    }

    #[test]
    fn what_is_right_for_the_database_of_today_alone_is_no_gain() {
        let default = alike([0.80, 0.82], 0.0);
        let tight = Trials([figures([0.90, 0.91], 0.0), figures([0.40, 0.41], 0.0)]);
        assert!(gain(&tight, &default).is_none());
    }
}
