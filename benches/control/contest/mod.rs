//! The contest: trials, contestants, the ideal, scores and how they are shown.
//!
//! A figure in per cent of the ideal is in per cent of what the best fixed limit reaches
//! in that phase, with strict priorities and, for a fleet, on one instance. Of the seeds,
//! the worst counts for each figure.

mod arguments;
mod contestants;
mod goals;
mod ideal;
mod markdown;
mod plots;
mod runs;
mod score;
mod table;
mod trials;

pub(crate) use contestants::{Contestant, Role, ours};

use arguments::Arguments;

/// Runs what the command line asks for and shows it.
pub(crate) fn hold(contestants: &[Contestant]) {
    let arguments = Arguments::read();
    let mut trials = trials::all();
    trials.retain(|trial| trial.scenario.name.contains(&arguments.word));
    let results = runs::run(&trials, contestants);
    let scores = score::scores(&trials, contestants, &results);
    let goals = goals::judge(&scores);
    print!("{}{}", table::scores(&scores), table::goals(&goals));
    if let Some(folder) = &arguments.write {
        std::fs::create_dir_all(folder).expect("the folder can be made");
        let plots = plots::write(folder, &trials, contestants, &results, &scores);
        let page = markdown::page(&scores, &goals, &plots);
        std::fs::write(folder.join("control.md"), page).expect("the page can be written");
    }
}
