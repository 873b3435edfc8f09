//! The command line, and the checks that need no run to be made.

use std::net::{SocketAddr, TcpListener};
use std::path::PathBuf;
use std::time::Duration;

use clap::Parser;

use crate::terminal::failure::{Failure, Result};
use crate::timeline::Timeline;

/// Replays the surge that took a shop's database down: without admission
/// control, then with it.
#[derive(Debug, Parser)]
#[command(name = "meltdown", version)]
pub(crate) struct Args {
    /// Database to saturate: postgres://… or mysql://… [default: a SQLite file in a temporary directory]
    ///
    /// Tables named meltdown_* are dropped, created, filled and dropped again.
    #[arg(long, value_name = "URL")]
    pub(crate) database_url: Option<String>,

    /// Shorter phases: 3 s calm, 6 s surge, 5 s recovery [default: 6 s, 20 s, 12 s]
    #[arg(long)]
    pub(crate) quick: bool,

    /// Arrival rate of the surge, in multiples of what the database sustains (1 to 20)
    #[arg(long, value_name = "FACTOR", default_value_t = 5.0, value_parser = surge_factor)]
    pub(crate) surge: f64,

    /// Loopback address and TCP port of the shop (port 0: any free one)
    #[arg(long, value_name = "ADDR:PORT", default_value = "127.0.0.1:0")]
    pub(crate) listen: SocketAddr,

    /// File for the HTML report
    #[arg(long, value_name = "PATH", default_value = "meltdown.html")]
    pub(crate) report: PathBuf,

    /// Random seed of the load generator: the same seed, the same arrivals at the same rate
    #[arg(long, value_name = "N", default_value_t = 1)]
    pub(crate) seed: u64,

    /// Fail if an invariant that does not depend on speed is broken [default: only report it]
    #[arg(long)]
    pub(crate) check: bool,
}

impl Args {
    /// The phases of each run.
    pub(crate) fn timeline(&self) -> Timeline {
        let [calm, surge, recovery] = if self.quick { [3, 6, 5] } else { [6, 20, 12] };
        Timeline {
            calm: Duration::from_secs(calm),
            surge: Duration::from_secs(surge),
            recovery: Duration::from_secs(recovery),
            surge_factor: self.surge,
        }
    }

    /// How long calibration stays at each level of concurrency.
    pub(crate) fn calibration_step(&self) -> Duration {
        Duration::from_millis(if self.quick { 1_500 } else { 3_000 })
    }

    /// Takes the port for the whole replay.
    pub(crate) fn bind(&self) -> Result<TcpListener> {
        let failed = |error| Failure::new(format!("--listen {}: {error}", self.listen));
        let listener = TcpListener::bind(self.listen).map_err(failed)?;
        listener.set_nonblocking(true).map_err(failed)?;
        Ok(listener)
    }
}

fn surge_factor(text: &str) -> Result<f64, String> {
    let factor: f64 = text.parse().map_err(|_| "not a number".to_owned())?;
    if (1.0..=20.0).contains(&factor) {
        Ok(factor)
    } else {
        Err("must lie between 1 and 20".to_owned())
    }
}
