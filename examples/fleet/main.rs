//! A fleet that spends one quota: four processes and one Redis between them, offered five
//! times what the quota admits.
//!
//! It runs five times: strict, where each request asks Redis; leased, where a process asks for
//! several cells of a hot key at once, and so once more with less than the quota; and strict
//! while Redis is killed and started again, empty, or stands still for a while. The Redis is a
//! throw-away one with a port and a folder of its own; the processes are this program, called
//! with `member`.
//!
//! Start reading at `member.rs` for what one process does, `trial.rs` for what is done to all
//! of them and `findings.rs` for what is promised.

mod args;
mod findings;
mod ledger;
mod member;
mod page;
mod server;
mod trial;

use std::{error::Error, process::ExitCode};

use clap::Parser;

use args::{Args, Role};
use findings::Findings;
use trial::Trial;

pub(crate) type Result<T> = std::result::Result<T, Box<dyn Error>>;

fn main() -> ExitCode {
    let args = Args::parse();
    let columns = match &args.role {
        Some(Role::Member(order)) => member::run(order).map(|()| Vec::new()),
        None => try_all(&args),
    };
    match columns {
        Ok(columns) => {
            let missed = columns.iter().flat_map(Findings::missed);
            missed.for_each(|goal| eprintln!("fleet: missed: {goal}"));
            let broken: Vec<_> = columns.iter().flat_map(Findings::broken).collect();
            broken.iter().for_each(|promise| eprintln!("fleet: broken: {promise}"));
            ExitCode::from(u8::from(args.check && !broken.is_empty()))
        }
        Err(error) => {
            eprintln!("fleet: {error}");
            ExitCode::from(2)
        }
    }
}

fn try_all(args: &Args) -> Result<Vec<Findings>> {
    let mut columns: Vec<Findings> = Vec::new();
    for trial in Trial::all(args) {
        eprintln!("{} ({} s) …", trial.name, trial.terms.seconds);
        columns.push(trial.run()?);
    }
    println!("{}", page::table(&columns));
    if let Some(path) = &args.markdown {
        std::fs::write(path, page::markdown(args, &columns))?;
    }
    Ok(columns)
}
