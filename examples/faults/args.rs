//! The command line.

use std::path::PathBuf;

use clap::{Parser, ValueEnum};

use crate::load::Scale;
use crate::trial::course::Course;
use crate::trial::dialect::Dialect;
use crate::trial::fault::Fault;

/// Has a database go wrong in fifteen ways under a shop that serves.
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

    /// Trials of load as well, and all in one table; fails where something is lost, leaks or panics
    #[arg(long, conflicts_with = "unprotected")]
    pub(crate) budget: bool,

    /// With --budget: minutes of overload
    #[arg(long, value_name = "MINUTES", default_value_t = 10.0, value_parser = minutes, requires = "budget")]
    pub(crate) minutes: f64,

    /// With --budget: seconds of each, and faults cut short
    #[arg(long, requires = "budget", conflicts_with = "minutes")]
    pub(crate) quick: bool,

    /// Holds so many slow connections to a shop; what --budget starts
    #[arg(long, hide = true, num_args = 2, value_names = ["ADDRESS", "COUNT"])]
    pub(crate) dawdle: Vec<String>,
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

    /// How much of each trial of load.
    pub(crate) fn scale(&self) -> Scale {
        if self.quick { Scale::quick() } else { Scale::full(self.minutes) }
    }

    pub(crate) fn course(&self, fault: Fault) -> Course {
        if self.quick { Course::short(fault, self.rate) } else { Course::full(fault, self.rate) }
    }

    pub(crate) fn faults(&self) -> Vec<Fault> {
        if self.fault.is_empty() { Fault::ALL.into() } else { self.fault.clone() }
    }
}

fn minutes(text: &str) -> Result<f64, String> {
    let minutes: f64 = text.parse().map_err(|_| "not a number".to_owned())?;
    if (0.05..=60.0).contains(&minutes) {
        Ok(minutes)
    } else {
        Err("must lie between 0.05 and 60".to_owned())
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
