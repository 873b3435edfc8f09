//! The command line.

use std::path::PathBuf;

use clap::{Parser, ValueEnum};

use crate::trial::dialect::Dialect;
use crate::trial::fault::Fault;

/// Has a database go wrong in six ways under a shop that serves.
#[derive(Debug, Parser)]
#[command(name = "faults", version)]
pub(crate) struct Args {
    /// The server to start and to harm [default: each]
    #[arg(long)]
    pub(crate) server: Option<Kind>,

    /// What goes wrong; may be given several times [default: all]
    #[arg(long, value_name = "NAME", value_parser = fault, help = faults())]
    pub(crate) fault: Vec<Fault>,

    /// Requests per second
    #[arg(long, value_name = "RATE", default_value_t = 200.0, value_parser = rate)]
    pub(crate) rate: f64,

    /// The same shop without admission control
    #[arg(long)]
    pub(crate) unprotected: bool,

    /// Fail if a promise that does not depend on speed is broken [default: only report it]
    #[arg(long)]
    pub(crate) check: bool,

    /// File for the figures as a page
    #[arg(long, value_name = "PATH")]
    pub(crate) markdown: Option<PathBuf>,
}

#[derive(Clone, Copy, Debug, ValueEnum)]
pub(crate) enum Kind {
    Postgres,
    Mariadb,
}

impl Args {
    pub(crate) fn servers(&self) -> Vec<Dialect> {
        match self.server {
            None => vec![Dialect::Postgres, Dialect::MariaDb],
            Some(Kind::Postgres) => vec![Dialect::Postgres],
            Some(Kind::Mariadb) => vec![Dialect::MariaDb],
        }
    }

    pub(crate) fn faults(&self) -> Vec<Fault> {
        if self.fault.is_empty() { Fault::ALL.into() } else { self.fault.clone() }
    }
}

fn faults() -> String {
    let names = Fault::ALL.map(Fault::name).join(", ");
    format!("What goes wrong, of {names}; may be given several times [default: all]")
}

fn fault(text: &str) -> Result<Fault, String> {
    let found = Fault::ALL.into_iter().find(|fault| fault.name() == text);
    found.ok_or_else(|| format!("must be one of {}", Fault::ALL.map(Fault::name).join(", ")))
}

fn rate(text: &str) -> Result<f64, String> {
    let rate: f64 = text.parse().map_err(|_| "not a number".to_owned())?;
    if (10.0..=2_000.0).contains(&rate) {
        Ok(rate)
    } else {
        Err("must lie between 10 and 2000".to_owned())
    }
}
