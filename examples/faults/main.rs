//! Fifteen things that go wrong with databases, each done to a real server under a shop that
//! serves:
//!
//! * the server: a table locked, all of it frozen, crashed and restarted, its connections cut,
//!   filled with slow queries, taken by another client, its password changed, its disk full;
//! * the network, by a proxy in between: slow, lossy, silent, half-open, refusing, and the
//!   server's name unknown;
//! * the shop: a handler that keeps connections for which it has no use.
//!
//! The servers are throw-away ones, started from the installed binaries with a data
//! folder, a port and an unprivileged user of their own. One process holds the shop (a
//! small axum service on a loopback port) and its customers, who come when they come.
//!
//! Start reading at `trial/shop.rs` for what is protected, `trial/protection.rs` for how,
//! `trial/fault/` for what goes wrong and `trial/findings.rs` for what is promised.

mod args;
mod budget;
mod load;
mod page;
mod table;
mod trial;

use std::process::ExitCode;

use clap::Parser;
use tokio::runtime::{Builder, Runtime};
use tokio::signal::unix::{SignalKind, signal};

use args::Args;
use load::account::Account;
use load::dawdlers;
use trial::Stage;
use trial::dialect::Dialect;
use trial::failure::{Failure, Result};
use trial::findings::Findings;
use trial::server::Server;

fn main() -> ExitCode {
    let args = Args::parse();
    match run(&args) {
        Ok(broken) if broken.is_empty() => ExitCode::SUCCESS,
        Ok(broken) => {
            for promise in &broken {
                eprintln!("faults: broken promise: {promise}");
            }
            ExitCode::from(if args.check || args.budget { 1 } else { 0 })
        }
        Err(failure) => {
            eprintln!("faults: {failure}");
            ExitCode::from(2)
        }
    }
}

/// What the arguments say; returns the broken promises.
fn run(args: &Args) -> Result<Vec<String>> {
    // Two threads beside this one, which has to stay: the servers end with it.
    let runtime = Builder::new_multi_thread().worker_threads(2).enable_all().build()?;
    if let [shop, connections] = &*args.dawdle {
        let unclear = |_| Failure::new("--dawdle takes an address and a number");
        let shop = shop.parse().map_err(|_| unclear(()))?;
        let connections = connections.parse().map_err(|_| unclear(()))?;
        let done = runtime.block_on(dawdlers::dawdle(shop, connections));
        // A read of its input may be under way.
        runtime.shutdown_background();
        return done.map(|()| Vec::new());
    }
    if args.budget { spend_budget(args, &runtime) } else { strike_all(args, &runtime) }
}

/// All faults on all servers.
fn strike_all(args: &Args, runtime: &Runtime) -> Result<Vec<String>> {
    let (mut sections, mut broken) = (Vec::new(), Vec::new());
    for server in args.servers() {
        let runs = runtime.block_on(unless_interrupted(strike(args, server)))?;
        let title = title(args, server);
        println!("{}\n", table::render(&title, &runs));
        broken.extend(runs.iter().filter(|run| run.guarded).flat_map(|run| {
            let place = format!("{}, {}", server.name(), run.fault.name());
            run.broken()
                .into_iter()
                .map(move |figure| format!("{place}: {}: {}", figure.what, figure.shown))
        }));
        sections.push(table::markdown(&title, &runs));
    }
    if let Some(path) = &args.markdown {
        page::write(path, args.rate, &sections)?;
    }
    Ok(broken)
}

/// Load, then all faults on all servers that are there, in one account.
fn spend_budget(args: &Args, runtime: &Runtime) -> Result<Vec<String>> {
    let mut accounts = runtime.block_on(unless_interrupted(bear_load(args)))?;
    for server in args.servers() {
        if !Server::is_installed(server) {
            eprintln!("{} is not installed, so nothing is done to it", server.name());
            continue;
        }
        let runs = runtime.block_on(unless_interrupted(strike(args, server)))?;
        accounts.extend(runs.iter().map(|run| budget::of(server.name(), run)));
    }
    println!("{}", budget::render(&accounts));
    if let Some(path) = &args.markdown {
        budget::write(path, "cargo run --release --example faults -- --budget", &accounts)?;
    }
    Ok(Account::sum(&accounts).broken)
}

async fn bear_load(args: &Args) -> Result<Vec<Account>> {
    let mut stage = Stage::set(Dialect::Postgres).await?;
    load::run(&mut stage, args.scale()).await
}

/// Who interrupts it wants the servers gone and what they left removed, too.
async fn unless_interrupted<T>(work: impl Future<Output = Result<T>>) -> Result<T> {
    let mut interrupt = signal(SignalKind::interrupt())?;
    let mut terminate = signal(SignalKind::terminate())?;
    tokio::select! {
        done = work => done,
        _ = interrupt.recv() => Err(Failure::new("interrupted")),
        _ = terminate.recv() => Err(Failure::new("terminated")),
    }
}

async fn strike(args: &Args, server: Dialect) -> Result<Vec<Findings>> {
    eprintln!("Starting {} …", server.name());
    let mut stage = Stage::set(server).await?;
    let sustained = stage.sustained().await?;
    eprintln!("{} sustains some {sustained:.0} requests/s of this mix.", server.name());
    let mut runs = Vec::new();
    for fault in args.faults() {
        let course = args.course(fault);
        eprintln!("{}: {} ({} s) …", server.name(), fault.name(), course.end().as_secs());
        let run = stage.play(fault, course, !args.unprotected).await?;
        eprintln!("  answers in it: {}", run.answers());
        runs.push(run);
    }
    Ok(runs)
}

fn title(args: &Args, server: Dialect) -> String {
    let guard = if args.unprotected { "unprotected" } else { "protected" };
    format!("{}, {guard}", server.name())
}
