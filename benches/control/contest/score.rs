//! The figures.

use brownout::simulate::Report;

use super::{
    Contestant, Role,
    runs::{Results, SEEDS},
    trials::{Look, Trial},
};

/// The scores of all in one look.
#[derive(Clone, Debug)]
pub(crate) struct Scores {
    pub(crate) scenario: String,
    pub(crate) look: Look,
    pub(crate) rows: Vec<Row>,
    /// The same figures of the ideal itself.
    pub(crate) ideal: Score,
}

#[derive(Clone, Debug)]
pub(crate) struct Row {
    pub(crate) name: &'static str,
    pub(crate) role: Role,
    pub(crate) score: Score,
}

/// How one did in one look, the worst of the seeds for each figure.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Score {
    /// Useful work, in per cent of the ideal's.
    pub(crate) work: f64,
    /// Success weighted by priority, in per cent of the ideal's.
    pub(crate) weighted: f64,
    /// Success by priority, in per cent: critical, normal, sheddable.
    pub(crate) success: [f64; 3],
    /// Success of the requests without a query, in per cent.
    pub(crate) free: f64,
    /// First attempts refused, in per cent.
    pub(crate) refused: f64,
    /// The 99th percentile of latency, in multiples of the unloaded one.
    pub(crate) p99: f64,
    /// Jain's index of the instances.
    pub(crate) fairness: f64,
    /// Seconds until 85 % of the ideal's work was done; infinite if it never was.
    pub(crate) reached: f64,
}

impl Scores {
    pub(crate) fn title(&self) -> String {
        match self.look.what {
            "all" => self.scenario.clone(),
            what => format!("{}: {what}", self.scenario),
        }
    }
}

/// All scores, in the order of the trials.
pub(crate) fn scores(
    trials: &[Trial],
    contestants: &[Contestant],
    results: &Results,
) -> Vec<Scores> {
    let looks = trials.iter().enumerate().flat_map(|(trial, own)| {
        own.looks.iter().enumerate().map(move |(number, look)| (trial, number, *look))
    });
    looks.map(|at| scores_in(at, &trials[at.0], contestants, results)).collect()
}

fn scores_in(
    (trial, number, look): (usize, usize, Look),
    own: &Trial,
    contestants: &[Contestant],
    results: &Results,
) -> Scores {
    let unloaded = results.unloaded(trial).phases[look.phase].p99;
    let ideal = |seed| results.ideal(trial, number, seed);
    let of = |report, seed| Score::of(report, ideal(seed), look.phase, unloaded);
    let worst = |scores: &mut dyn Iterator<Item = Score>| {
        scores.reduce(Score::worse).expect("there are seeds")
    };
    let row = |(index, contestant): (usize, &Contestant)| Row {
        name: contestant.name,
        role: contestant.role,
        score: worst(&mut SEEDS.map(|seed| of(results.run(trial, index, seed), seed))),
    };
    Scores {
        scenario: own.scenario.name.clone(),
        look,
        rows: contestants.iter().enumerate().map(row).collect(),
        ideal: worst(&mut SEEDS.map(|seed| of(ideal(seed), seed))),
    }
}

impl Score {
    fn of(report: &Report, ideal: &Report, phase: usize, unloaded: f64) -> Self {
        let (seen, best) = (report.phases[phase], ideal.phases[phase]);
        let [critical, normal, sheddable, _] = seen.success.map(|share| 100.0 * share);
        Self {
            work: 100.0 * seen.work / best.work,
            weighted: 100.0 * seen.weighted / best.weighted,
            success: [critical, normal, sheddable],
            free: 100.0 * seen.free,
            refused: 100.0 * seen.refused,
            p99: seen.p99 / unloaded,
            fairness: seen.fairness,
            reached: report.reached(phase, 0.85 * best.work).unwrap_or(f64::INFINITY),
        }
    }

    fn worse(self, other: Self) -> Self {
        let mut success = self.success;
        for (own, other) in success.iter_mut().zip(other.success) {
            *own = own.min(other);
        }
        Self {
            work: self.work.min(other.work),
            weighted: self.weighted.min(other.weighted),
            success,
            free: self.free.min(other.free),
            refused: self.refused.max(other.refused),
            p99: self.p99.max(other.p99),
            fairness: self.fairness.min(other.fairness),
            reached: self.reached.max(other.reached),
        }
    }
}
