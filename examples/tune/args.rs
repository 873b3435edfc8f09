//! What is asked for.

use std::{path::PathBuf, time::Duration};

use clap::Parser;

/// Says which settings of the limit are worth setting for a database, by a model of it.
#[derive(Debug, Parser)]
pub(crate) struct Args {
    /// The JSON of `db.report()` (feature `serde`), in place of --service, --capacity and --knee
    #[arg(long)]
    pub(crate) from: Option<PathBuf>,
    /// Connections of the pool of each instance: 1 to 10000
    #[arg(long, default_value_t = 64, value_parser = clap::value_parser!(u32).range(1..=10_000))]
    pub(crate) connections: u32,
    /// What a request takes of the database with nothing else to do, on average
    #[arg(long, default_value = "10ms", value_parser = duration)]
    pub(crate) service: Duration,
    /// Requests a second that the database does at its best, more than 0
    #[arg(long, default_value_t = 600.0)]
    pub(crate) capacity: f64,
    /// Queries at once at which it does that; by default the fewest that can
    #[arg(long)]
    pub(crate) knee: Option<f64>,
    /// How long customers wait before they try again
    #[arg(long, default_value = "1s", value_parser = duration)]
    pub(crate) patience: Duration,
    /// How many times its best is asked of it in the surge: 1 to 20
    #[arg(long, default_value_t = 5.0)]
    pub(crate) surge: f64,
    /// Instances of the service: 1 to 64
    #[arg(long, default_value_t = 1, value_parser = clap::value_parser!(u32).range(1..=64))]
    pub(crate) instances: u32,
    /// Where the curves go
    #[arg(long, default_value = "tune.html")]
    pub(crate) report: PathBuf,
    /// Fewer and shorter trials: to see that it works
    #[arg(long)]
    pub(crate) quick: bool,
}

fn duration(text: &str) -> Result<Duration, String> {
    let range = Duration::from_micros(10)..=Duration::from_secs(60);
    let duration = humantime::parse_duration(text).map_err(|error| error.to_string())?;
    match range.contains(&duration) {
        true => Ok(duration),
        false => Err("it has to be from 10us to 1m".into()),
    }
}
