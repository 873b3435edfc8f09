//! The command line.

use std::path::PathBuf;

use clap::{Parser, Subcommand};

/// Has the processes of a fleet spend one quota through one Redis, which is killed once.
#[derive(Debug, Parser)]
#[command(name = "fleet", version)]
pub(crate) struct Args {
    /// Processes of the fleet
    #[arg(long, default_value_t = 4, value_parser = clap::value_parser!(u32).range(1..=32))]
    pub(crate) processes: u32,

    /// How long each run is, in seconds
    #[arg(long, default_value_t = 10, value_parser = clap::value_parser!(u32).range(3..=600))]
    pub(crate) seconds: u32,

    /// The quota of each client: cells a second; its burst is a tenth of that
    #[arg(long, default_value_t = 400, value_parser = clap::value_parser!(u32).range(10..=100_000))]
    pub(crate) rate: u32,

    /// The cells of a hot key that a process may hold, in the run with leases
    #[arg(long, default_value_t = 10, value_parser = clap::value_parser!(u32).range(2..=1_000))]
    pub(crate) lease: u32,

    /// Fail if a promise is broken that holds also on a busy machine [default: only report it]
    #[arg(long)]
    pub(crate) check: bool,

    /// File for the figures as a page
    #[arg(long, value_name = "PATH")]
    pub(crate) markdown: Option<PathBuf>,

    #[command(subcommand)]
    pub(crate) role: Option<Role>,
}

#[derive(Debug, Subcommand)]
pub(crate) enum Role {
    /// One process of the fleet
    #[command(hide = true)]
    Member(Order),
}

/// What one process is told.
#[derive(Clone, Debug, clap::Args)]
pub(crate) struct Order {
    /// Where Redis is.
    #[arg(long)]
    pub(crate) url: String,
    /// When all begin, in milliseconds since 1970.
    #[arg(long)]
    pub(crate) start: u64,
    #[command(flatten)]
    pub(crate) terms: Terms,
}

/// What holds for all processes of a run.
#[derive(Clone, Copy, Debug, clap::Args)]
pub(crate) struct Terms {
    #[arg(id = "of", long = "of")]
    pub(crate) processes: u32,
    #[arg(id = "for", long = "for")]
    pub(crate) seconds: u32,
    #[arg(id = "quota", long = "quota")]
    pub(crate) rate: u32,
    #[arg(id = "hold", long = "hold")]
    pub(crate) lease: u32,
    /// What a hot client wants, in times its quota.
    #[arg(id = "times", long = "times")]
    pub(crate) times: f64,
    /// For an answer, in milliseconds.
    #[arg(id = "patience", long = "patience")]
    pub(crate) patience: u64,
}

impl Terms {
    pub(crate) fn burst(self) -> u32 {
        self.rate / 10
    }

    /// What the quota of one key admits in the whole run.
    pub(crate) fn quota(self) -> u32 {
        self.burst() + self.rate * self.seconds
    }

    /// As arguments of [`Order`].
    pub(crate) fn arguments(self) -> [String; 6] {
        let Self { processes, seconds, rate, lease, times, patience } = self;
        [
            format!("--of={processes}"),
            format!("--for={seconds}"),
            format!("--quota={rate}"),
            format!("--hold={lease}"),
            format!("--times={times}"),
            format!("--patience={patience}"),
        ]
    }
}
