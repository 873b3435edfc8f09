//! All runs of a contest, on all cores.

use std::{
    collections::HashMap,
    num::NonZero,
    ops::Range,
    sync::{
        Mutex,
        atomic::{AtomicUsize, Ordering},
    },
    thread,
};

use brownout::simulate::{Guard, Report, simulate};

use super::{Contestant, ideal, trials::Trial};

/// Drawn from anew for every run.
pub(crate) const SEEDS: Range<u64> = 1..4;

/// What every run of a contest came to.
#[derive(Debug)]
pub(crate) struct Results(HashMap<Job, Vec<Report>>);

#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
enum Job {
    /// The best fixed limit, one report for each look.
    Ideal {
        trial: usize,
        seed: u64,
    },
    /// Hardly any load and no guard.
    Unloaded {
        trial: usize,
    },
    Contestant {
        trial: usize,
        number: usize,
        seed: u64,
    },
}

/// Runs everyone through everything.
pub(crate) fn run(trials: &[Trial], contestants: &[Contestant]) -> Results {
    let jobs = jobs(trials.len(), contestants.len());
    let (next, results) = (AtomicUsize::new(0), Mutex::new(HashMap::new()));
    let work = || {
        while let Some(job) = jobs.get(next.fetch_add(1, Ordering::Relaxed)) {
            let reports = job.run(trials, contestants);
            results.lock().expect("no run panicked").insert(*job, reports);
        }
    };
    thread::scope(|scope| {
        for _ in 0..thread::available_parallelism().map_or(1, NonZero::get) {
            scope.spawn(work);
        }
    });
    Results(results.into_inner().expect("no run panicked"))
}

fn jobs(trials: usize, contestants: usize) -> Vec<Job> {
    let each = |trial| {
        let ideals = SEEDS.map(move |seed| Job::Ideal { trial, seed });
        let runs = (0..contestants)
            .flat_map(move |number| SEEDS.map(move |seed| Job::Contestant { trial, number, seed }));
        ideals.chain([Job::Unloaded { trial }]).chain(runs)
    };
    (0..trials).flat_map(each).collect()
}

impl Job {
    fn run(self, trials: &[Trial], contestants: &[Contestant]) -> Vec<Report> {
        match self {
            Self::Ideal { trial, seed } => ideal::best(&trials[trial], seed),
            Self::Unloaded { trial } => {
                let scenario = trials[trial].scenario.clone().unloaded();
                vec![simulate(&scenario, Guard::none, SEEDS.start)]
            }
            Self::Contestant { trial, number, seed } => {
                vec![simulate(&trials[trial].scenario, contestants[number].guard, seed)]
            }
        }
    }
}

impl Results {
    pub(crate) fn run(&self, trial: usize, number: usize, seed: u64) -> &Report {
        &self.0[&Job::Contestant { trial, number, seed }][0]
    }

    pub(crate) fn ideal(&self, trial: usize, look: usize, seed: u64) -> &Report {
        &self.0[&Job::Ideal { trial, seed }][look]
    }

    pub(crate) fn unloaded(&self, trial: usize) -> &Report {
        &self.0[&Job::Unloaded { trial }][0]
    }
}
