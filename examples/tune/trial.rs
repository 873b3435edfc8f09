//! One trial: a quiet time, a surge, and a quiet time again.

use std::fmt;

use brownout::{
    Settings,
    simulate::{Guard, Scenario, simulate},
};

use crate::measured::Measured;

/// What happens, to whom, and how often it is tried.
pub(crate) struct Storm {
    /// The database as it was measured, and one that does more at once than that: a setting
    /// that is right for the first alone was never safe to say.
    scenarios: [Scenario; 2],
    seeds: u64,
}

impl Storm {
    pub(crate) fn new(measured: &Measured, quick: bool) -> Self {
        let (seconds, seeds) = if quick { (6.0, 2) } else { (20.0, 5) };
        let mut grown = measured.scenario();
        grown.knee *= 2.0;
        let scenarios = [measured.scenario(), grown].map(|scenario| {
            let scenario = scenario.phase(seconds, QUIET).phase(seconds, measured.surge);
            scenario.phase(seconds, QUIET)
        });
        Self { scenarios, seeds }
    }
}

/// What came of one trial.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) struct Outcome {
    /// Work done for answers in time in the surge, of what the database can do.
    pub(crate) work: f64,
    /// The share of critical customers who were answered in the surge.
    pub(crate) critical: f64,
    /// The share that was refused while there was room for all.
    pub(crate) in_vain: f64,
    /// After the surge, in seconds until the database did nearly what was asked of it.
    pub(crate) recovery: f64,
}

/// Those of all seeds, with one database.
#[derive(Clone, Debug)]
pub(crate) struct Figures(pub(crate) Vec<Outcome>);

/// Those of the database as it was measured, and of the larger one.
#[derive(Clone, Debug)]
pub(crate) struct Trials(pub(crate) [Figures; 2]);

pub(crate) fn trials(storm: &Storm, settings: &Settings) -> Trials {
    let figures = |scenario| {
        Figures((1..=storm.seeds).map(|seed| outcome(scenario, settings, seed)).collect())
    };
    Trials(storm.scenarios.each_ref().map(figures))
}

fn outcome(scenario: &Scenario, settings: &Settings, seed: u64) -> Outcome {
    let guard = || Guard::with(settings.limit()).expect("settings are in range");
    let report = simulate(scenario, guard, seed);
    let [quiet, surge, after] = report.phases[..] else { unreachable!("there are three") };
    Outcome {
        work: surge.work,
        critical: surge.success[0],
        in_vain: quiet.refused,
        recovery: report.reached(2, NEARLY * QUIET).unwrap_or(after.end - after.begin),
    }
}

impl Trials {
    /// The mean with the database as it was measured.
    pub(crate) fn mean(&self) -> Outcome {
        self.0[0].mean()
    }
}

impl Figures {
    pub(crate) fn mean(&self) -> Outcome {
        let of = |figure: fn(&Outcome) -> f64| {
            self.0.iter().map(figure).sum::<f64>() / self.0.len() as f64
        };
        Outcome {
            work: of(|own| own.work),
            critical: of(|own| own.critical),
            in_vain: of(|own| own.in_vain),
            recovery: of(|own| own.recovery),
        }
    }

    /// How far the seeds are apart.
    pub(crate) fn spread(&self, figure: fn(&Outcome) -> f64) -> f64 {
        let figures = || self.0.iter().map(figure);
        figures().fold(f64::MIN, f64::max) - figures().fold(f64::MAX, f64::min)
    }
}

impl fmt::Display for Outcome {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let percent = |share: f64| 100.0 * share;
        write!(
            f,
            "{:.1} % useful work, {:.1} % of the critical, {:.2} % refused in vain, well after {:.1} s",
            percent(self.work),
            percent(self.critical),
            percent(self.in_vain),
            self.recovery
        )
    }
}

/// The load of a quiet time.
const QUIET: f64 = 0.7;
/// Arrivals are random, and so is how much there is to do in a second.
const NEARLY: f64 = 0.9;
