//! What could be had: for each phase the best fixed limit, with strict priorities.

use brownout::{
    limit::Fixed,
    simulate::{Guard, Report, simulate},
};

use super::trials::Trial;

/// Fixed limits among which the ideal chooses.
const CANDIDATES: [usize; 17] = [1, 2, 3, 4, 6, 8, 11, 14, 16, 19, 23, 30, 38, 47, 60, 80, 110];

/// The run with the best limit for each look of `trial`.
///
/// Useful work over the limit has one peak, so every second limit is tried first and then
/// the neighbours of the best. All of it is on one instance, since what a fleet can reach
/// is what one could.
pub(crate) fn best(trial: &Trial, seed: u64) -> Vec<Report> {
    let mut alone = trial.scenario.clone();
    alone.instances = 1;
    let run = |limit: usize| simulate(&alone, || Guard::limit(Fixed::new(limit)), seed);
    let mut runs: [Option<Report>; CANDIDATES.len()] = Default::default();
    for index in (0..CANDIDATES.len()).step_by(2) {
        runs[index] = Some(run(CANDIDATES[index]));
    }
    for look in &trial.looks {
        let best = best_of(&runs, look.phase).expect("every second limit was tried");
        for next in [best.saturating_sub(1), best + 1] {
            if let Some(missing @ None) = runs.get_mut(next) {
                *missing = Some(run(CANDIDATES[next]));
            }
        }
    }
    let chosen = |phase| best_of(&runs, phase).and_then(|best| runs[best].clone());
    trial.looks.iter().filter_map(|look| chosen(look.phase)).collect()
}

/// The one with the most useful work; where limits do not differ in it, as below capacity,
/// the one that refuses least.
fn best_of(runs: &[Option<Report>], phase: usize) -> Option<usize> {
    let tried = || {
        let run =
            |(index, run): (usize, &'_ Option<Report>)| Some((index, run.as_ref()?.phases[phase]));
        runs.iter().enumerate().filter_map(run)
    };
    let most = tried().map(|(_, seen)| seen.work).fold(0.0, f64::max);
    let equal = tried().filter(|(_, seen)| seen.work >= most * 0.999);
    let best = equal.min_by(|(_, one), (_, other)| {
        one.refused.total_cmp(&other.refused).then(other.work.total_cmp(&one.work))
    });
    best.map(|(index, _)| index)
}
