//! Which settings are worth setting, for your database?
//!
//! ```sh
//! cargo run --release --features simulate --example tune -- \
//!     --connections 40 --service 8ms --capacity 900 > brownout.toml
//! ```
//!
//! Takes what was measured of a database (as flags, or the JSON of `db.report()` with `--from`),
//! models it with customers around it, and sends it a quiet time, a surge and a quiet time again, in
//! virtual time. Then it varies each setting of the limit alone over its range, and says what of
//! that matters: of the work done in time, of the critical requests that were answered in the
//! surge, of the requests that were refused without need, and of how soon all was well again. What
//! does better than the default by more than chance, and no harm with a database that does twice as many
//! at once, is printed as a `brownout.toml`; most of the time that is nothing, and then it says so.
//! `tune.html` has the curves.
//!
//! Circuits, quotas and the level are not varied: the model has no failures that a circuit would
//! know, no clients who would share a quota, and no pages with parts to leave out. And a
//! model is no database: try what comes out of it with `report_only` first.

mod args;
mod knob;
mod measured;
mod page;
mod report;
mod trial;
mod verdict;

use std::process::ExitCode;

use brownout::Settings;
use clap::Parser;

use args::Args;
use measured::Measured;
use trial::{Storm, Trials, trials};
use verdict::{Study, Verdict};

fn main() -> ExitCode {
    match tune(&Args::parse()) {
        Ok(settings) => {
            print!("{settings}");
            ExitCode::SUCCESS
        }
        Err(fault) => {
            eprintln!("tune: {fault}");
            ExitCode::FAILURE
        }
    }
}

/// What of all that is to be said in a file.
fn tune(args: &Args) -> Result<String, String> {
    let measured = Measured::of(args)?;
    eprintln!("{measured}");
    let storm = Storm::new(&measured, args.quick);
    let default = trials(&storm, &Settings::default());
    eprintln!("with the defaults: {}", default.mean());
    let mut studies = Vec::new();
    for knob in knob::all(&measured) {
        let study = Study::of(knob, &storm, &default);
        eprintln!("{}: {}", study.knob.path, study.verdict);
        studies.push(study);
    }
    let recommended = recommended(&studies, &storm, &default);
    let text = match recommended == Settings::default() {
        true => format!(
            "# {measured}\n# Nothing is worth setting here: the defaults do as well as any.\n"
        ),
        false => format!("# {measured}\n{}", recommended.to_toml()),
    };
    report::write(&args.report, &measured, &default, &studies, &text)?;
    eprintln!("the curves are in {}", args.report.display());
    Ok(text)
}

/// All that is better alone, if it is so together, too; else the one that is most.
fn recommended(studies: &[Study], storm: &Storm, default: &Trials) -> Settings {
    let better = studies.iter().filter_map(|study| match &study.verdict {
        Verdict::Set { value, gain, .. } => Some((*gain, study.knob.path, value)),
        Verdict::Leave { .. } => None,
    });
    let mut better: Vec<_> = better.collect();
    better.sort_by(|one, other| other.0.total_cmp(&one.0));
    let settings = |count: usize| {
        let said = better[..count].iter().map(|(_, path, value)| ((*path).to_owned(), *value));
        knob::settings(said)
    };
    let holds = |count: &usize| {
        let said = settings(*count);
        said.is_some_and(|said| verdict::gain(&trials(storm, &said), default).is_some())
    };
    let count = (1..=better.len()).rev().find(holds).unwrap_or_default();
    settings(count).unwrap_or_default()
}
