//! The postmortem, replayed: a campaign sends a shop five times what its
//! database sustains, first without admission control, then with it and with copies
//! of good answers for those whom it refuses.
//!
//! One process holds both sides: the shop (a small axum service on a loopback
//! port, with threads of its own) and its customers (an open-loop generator
//! with timeouts and retries). The database is an embedded SQLite file, or the
//! server that `--database-url` names.
//!
//! Start reading at `shop.rs` for what is protected, `protection.rs` for how,
//! `run.rs` for the course of a run.

#[allow(dead_code, reason = "another example uses the rest")]
#[path = "../page/mod.rs"]
mod page;
#[path = "../terminal/mod.rs"]
mod terminal;
#[allow(dead_code, reason = "another example uses the rest")]
#[path = "../watching/mod.rs"]
mod watching;

mod args;
mod calibrate;
mod client;
mod dialect;
mod errand;
mod goals;
mod load;
mod mix;
mod popularity;
mod protection;
mod quiet_hours;
mod record;
mod recovery;
mod report;
mod run;
mod seed;
mod series;
mod server;
mod shop;
mod store;
mod table;
mod timeline;

use std::path::Path;
use std::process::ExitCode;

use clap::Parser;
use rand::SeedableRng;
use rand::rngs::StdRng;
use tempfile::TempDir;

use args::Args;
use calibrate::Calibration;
use dialect::Source;
use mix::Route;
use protection::Protection;
use run::{Run, Stage};
use store::Store;
use terminal::failure::{Failure, Result};
use terminal::mistake::explain;
use terminal::writable::check_writable;

/// Descriptors for both ends of every connection that a surge piles up.
const DESCRIPTORS: u64 = 65_536;

fn main() -> ExitCode {
    let args = match Args::try_parse() {
        Ok(args) => args,
        Err(error) => return explain("meltdown", &error),
    };
    match replay(&args) {
        Ok(broken) if broken.is_empty() => ExitCode::SUCCESS,
        Ok(broken) => {
            for invariant in &broken {
                eprintln!("meltdown: broken invariant: {invariant}");
            }
            ExitCode::from(if args.check { 1 } else { 0 })
        }
        Err(failure) => {
            eprintln!("meltdown: {failure}");
            ExitCode::from(2)
        }
    }
}

/// Everything from the first look at the settings to the report; returns the
/// broken invariants.
fn replay(args: &Args) -> Result<Vec<String>> {
    check_writable(&args.report)?;
    let listener = args.bind()?;
    // Where it cannot be raised, the surge shows that too: as "no connection".
    let _ = rlimit::increase_nofile_limit(DESCRIPTORS);
    sqlx::any::install_default_drivers();
    let directory =
        TempDir::new().map_err(|error| Failure::new(format!("no temporary directory: {error}")))?;
    let source = match &args.database_url {
        Some(url) => Source::server(url)?,
        None => Source::embedded(directory.path()),
    };
    let runtime = tokio::runtime::Builder::new_multi_thread()
        .worker_threads(2)
        .thread_name("customers")
        .enable_all()
        .build()
        .map_err(|error| Failure::new(format!("no runtime: {error}")))?;
    let store = runtime.block_on(Store::open(&source))?;
    let mut stage = Stage { runtime, listener, source, store, products: 0, seed: args.seed };
    let outcome = perform(args, &mut stage);
    let cleared = stage.runtime.block_on(seed::clear(&stage.store));
    outcome.and_then(|broken| cleared.map(|()| broken))
}

fn perform(args: &Args, stage: &mut Stage) -> Result<Vec<String>> {
    let mut rng = StdRng::seed_from_u64(args.seed);
    let items = Protection::VARIANTS.len() as i64 + 1;
    eprintln!("Filling the shop ({}) …", stage.source.dialect.name());
    stage.products = stage.runtime.block_on(seed::fill(&stage.store, items, &mut rng))?;
    let calibration = stage.calibrate(args.calibration_step())?;
    let introduction = introduction(stage, &calibration);
    println!("{introduction}");
    let mut runs = Vec::new();
    let mut before = calibration.sustained_work();
    for (item, protection) in (1..).zip(Protection::VARIANTS) {
        let mut run = stage.run(protection()?, item, args.timeline(), &calibration)?;
        let after = stage.sustained_now(&calibration, args.calibration_step())?;
        run.sustained = (before + after) / 2.0;
        before = after;
        runs.push(run);
    }
    conclude(&args.report, &introduction, &runs)?;
    Ok(goals::broken_invariants(&runs))
}

/// What the database is and what it sustains.
fn introduction(stage: &Stage, calibration: &Calibration) -> String {
    let levels: Vec<String> =
        calibration.levels.iter().map(|(level, work)| format!("{work:.2} at {level}")).collect();
    let costs: Vec<String> = Route::ALL
        .into_iter()
        .filter(|route| route.needs_database())
        .map(|route| format!("{} {:.1} ms", route.name(), calibration.weight(route) * 1e3))
        .collect();
    format!(
        "{} with {} products sustains {:.0} requests/s of the mix.\n\
         A request alone takes: {}; searches are {:.0} % of the work.\n\
         Work done, in such seconds a second: {} at once.",
        stage.source.dialect.name(),
        stage.products,
        calibration.sustained_rate(),
        costs.join(", "),
        calibration.search_share(),
        levels.join(", "),
    )
}

/// The figures, the goals and the report.
fn conclude(report: &Path, introduction: &str, runs: &[Run]) -> Result<()> {
    let sections = table::sections(runs);
    let goals = goals::goals(runs);
    println!("{}", table::render(&sections, runs));
    println!("Goals");
    for goal in &goals {
        let verdict = if goal.met { "met   " } else { "missed" };
        println!("  {verdict}  {}: {}: {}", goal.run, goal.wanted, goal.measured);
    }
    report::write(report, introduction, runs, &sections, &goals)?;
    println!(
        "Report: {} (its last parts: what the database handle says, and the draft of a postmortem)",
        report.display()
    );
    Ok(())
}
