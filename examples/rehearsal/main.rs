//! The dress rehearsal of a campaign: customers come as a plan says, whether the service keeps up
//! or not, and the plan's objectives are judged by what they saw.
//!
//! `cargo run --release --example rehearsal -- --against-demo` shows it with a little shop that
//! comes along; `--plan campaign.toml --url http://127.0.0.1:3000` is for a service of yours.
//!
//! Start reading at `campaign.toml` for what a plan says, `schedule.rs` for who comes when,
//! `load/` for how they are sent, and `verdict.rs` for what is made of it.

#[allow(dead_code, reason = "another example uses the rest")]
#[path = "../page/mod.rs"]
mod page;
#[path = "../terminal/mod.rs"]
mod terminal;
#[allow(dead_code, reason = "another example uses the rest")]
#[path = "../watching/mod.rs"]
mod watching;

mod answer;
mod args;
mod conclusion;
mod demo;
#[cfg(test)]
mod end_to_end;
mod knee;
mod load;
mod log;
mod plan;
mod programme;
mod report;
mod schedule;
mod series;
mod shown;
mod stage;
mod table;
mod tally;
mod target;
mod verdict;

use std::fs;
use std::path::Path;
use std::process::ExitCode;
use std::sync::Arc;

use clap::Parser;
use tokio::runtime::Builder;

use args::Args;
use conclusion::Conclusion;
use load::Stop;
use plan::Plan;
use plan::amount::shown;
use programme::{Climb, Programme};
use stage::Stage;
use tally::Seen;
use target::Target;
use terminal::failure::{Failure, Result};
use terminal::mistake::explain;
use terminal::writable::check_writable;
use verdict::{Judged, Verdict, judge};

/// Descriptors for the connections, and for the demo's end of them.
const DESCRIPTORS: u64 = 65_536;

fn main() -> ExitCode {
    let args = match Args::try_parse() {
        Ok(args) => args,
        Err(error) => return explain("rehearsal", &error),
    };
    match run(&args) {
        Ok(Verdict::Met) => ExitCode::SUCCESS,
        Ok(Verdict::Missed) => ExitCode::from(1),
        Ok(Verdict::NotMeasured(why)) => {
            eprintln!("rehearsal: not measured: {why}");
            ExitCode::from(2)
        }
        Err(failure) => {
            eprintln!("rehearsal: {failure}");
            ExitCode::from(2)
        }
    }
}

fn run(args: &Args) -> Result<Verdict> {
    if let Some(path) = &args.log {
        return import(path, args.output.as_deref());
    }
    let plan = Arc::new(args.plan()?);
    let rehearsal = Rehearsal::of(&plan, args.find_knee)?;
    println!("{}", rehearsal.announcement());
    if args.dry_run {
        return Ok(Verdict::Met);
    }
    check_writable(&args.report)?;
    // Where it cannot be raised, what fails tells.
    let _ = rlimit::increase_nofile_limit(DESCRIPTORS);
    let runtime = Builder::new_multi_thread()
        .worker_threads(2)
        .enable_all()
        .build()
        .map_err(|error| Failure::new(format!("no runtime: {error}")))?;
    let (seen, conclusion) = runtime.block_on(perform(args, Arc::clone(&plan), rehearsal))?;
    tell(&plan, &seen, &conclusion);
    report::write(&args.report, &plan, &seen, &conclusion)?;
    println!("Report: {}", args.report.display());
    Ok(conclusion.verdict)
}

/// What is to be done.
#[derive(Debug)]
enum Rehearsal {
    Phases(Programme),
    Knee(Climb),
}

impl Rehearsal {
    fn of(plan: &Plan, find_knee: bool) -> Result<Self> {
        if find_knee {
            Climb::of(plan).map(Self::Knee)
        } else {
            Programme::of(plan).map(Self::Phases)
        }
    }

    /// How much it will be, before it is done.
    fn announcement(&self) -> String {
        match self {
            Self::Phases(programme) => format!(
                "{} requests in {}: {}",
                programme.dues.len(),
                shown(programme.length()),
                programme
                    .stretches
                    .iter()
                    .map(|own| format!("{} {} {own}", own.name, shown(own.length())))
                    .collect::<Vec<_>>()
                    .join(", ")
            ),
            Self::Knee(climb) => format!(
                "At most some {:.0} requests in {}: {}",
                climb.expected(),
                shown(climb.length()),
                climb.steps.iter().map(|own| own.name.as_str()).collect::<Vec<_>>().join(", ")
            ),
        }
    }
}

async fn perform(args: &Args, plan: Arc<Plan>, rehearsal: Rehearsal) -> Result<(Seen, Conclusion)> {
    let url = match &args.url {
        Some(url) => url.clone(),
        None => demo::open()?,
    };
    let target = Target::find(&url, args.allow_host.as_deref()).await?;
    target.is_up().await?;
    let place =
        if args.against_demo { format!("the demo at {target}") } else { target.to_string() };
    let introduction = format!("Against {place}. {}.", rehearsal.announcement());
    let stage = Stage { plan: Arc::clone(&plan), target, stop: Stop::at_interrupt() };
    Ok(match rehearsal {
        Rehearsal::Phases(programme) => {
            let seen = stage.perform(programme).await;
            let judged = judge(&plan, &seen);
            (seen, Conclusion::of(judged, introduction))
        }
        Rehearsal::Knee(climb) => {
            let (seen, finding) = stage.climb(&climb).await;
            (seen, Conclusion::knee(&finding, introduction))
        }
    })
}

/// The figures and what follows from them.
fn tell(plan: &Plan, seen: &Seen, conclusion: &Conclusion) {
    println!("{}", table::render(&table::rows(plan, seen)));
    println!("Statuses: {}", table::statuses(seen));
    for Judged { objective, measured, verdict } in &conclusion.judged {
        match verdict {
            Verdict::NotMeasured(why) => println!("  not measured  {objective}: {why}"),
            known => println!("  {:12}  {objective}: {measured}", known.name()),
        }
    }
    println!("{}", conclusion.headline);
    for paragraph in conclusion.paragraphs.iter().skip(1) {
        println!("{paragraph}");
    }
}

/// The mix of a log as a plan, in a file or at the terminal.
fn import(log: &Path, output: Option<&Path>) -> Result<Verdict> {
    let plan = log::import(log)?;
    match output {
        None => print!("{plan}"),
        Some(path) => fs::write(path, plan)
            .map_err(|error| Failure::new(format!("--output {}: {error}", path.display())))?,
    }
    Ok(Verdict::Met)
}
