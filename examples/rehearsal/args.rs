//! The command line.

use std::path::PathBuf;

use clap::Parser;

use crate::plan::Plan;
use crate::terminal::failure::{Failure, Result};

/// Rehearses a surge against a service: what a plan says comes, when it comes, and whether the
/// plan's objectives hold.
///
/// Ends with 0 if all objectives were met, with 1 if one was missed, and with 2 if it could not
/// run or one could not be measured.
#[derive(Debug, Parser)]
#[command(name = "rehearsal", version)]
pub(crate) struct Args {
    /// The plan, a TOML file; examples/rehearsal/campaign.toml explains all of it
    #[arg(long, value_name = "FILE", required_unless_present_any = ["against_demo", "log"])]
    pub(crate) plan: Option<PathBuf>,

    /// The service, as in http://127.0.0.1:3000; has to be on this machine
    #[arg(long, value_name = "URL", required_unless_present_any = ["against_demo", "log", "dry_run"])]
    pub(crate) url: Option<String>,

    /// Send to a host that is not this machine: the very name in the URL
    #[arg(long, value_name = "NAME", requires = "url")]
    pub(crate) allow_host: Option<String>,

    /// A little shop behind brownout, started for this, in place of a service
    #[arg(long, conflicts_with_all = ["url", "allow_host"])]
    pub(crate) against_demo: bool,

    /// In place of the plan's phases, raise the rate until the service does not keep up
    #[arg(long)]
    pub(crate) find_knee: bool,

    /// Say what would be sent, and send nothing
    #[arg(long)]
    pub(crate) dry_run: bool,

    /// File for the HTML report
    #[arg(long, value_name = "FILE", default_value = "rehearsal.html")]
    pub(crate) report: PathBuf,

    /// Write a plan with the mix of an access log (common or combined format), and send nothing
    #[arg(long, value_name = "FILE", conflicts_with_all = ["plan", "url", "against_demo", "find_knee", "dry_run"])]
    pub(crate) log: Option<PathBuf>,

    /// File for the plan of --log [default: standard output]
    #[arg(long, value_name = "FILE", requires = "log")]
    pub(crate) output: Option<PathBuf>,
}

impl Args {
    /// The plan that was named, or that of the shop that comes along.
    pub(crate) fn plan(&self) -> Result<Plan> {
        match &self.plan {
            Some(path) => Plan::read(path),
            None => Plan::parse(include_str!("campaign.toml"))
                .map_err(|what| Failure::new(format!("campaign.toml: {what}"))),
        }
    }
}

#[cfg(test)]
mod tests {
    use clap::CommandFactory;

    use super::*;

    fn parse(line: &str) -> Result<Args, clap::Error> {
        Args::try_parse_from(["rehearsal"].into_iter().chain(line.split_ascii_whitespace()))
    }

    #[test]
    fn what_belongs_together_is_asked_for() {
        Args::command().debug_assert();
        for fine in
            ["--against-demo", "--plan a --url b", "--plan a --dry-run", "--log a --output b"]
        {
            assert!(parse(fine).is_ok(), "{fine}");
        }
        for wrong in [
            "",
            "--plan a",
            "--url b",
            "--log a --url b",
            "--plan a --output b",
            "--against-demo --url b",
            "--against-demo --allow-host c",
        ] {
            assert!(parse(wrong).is_err(), "{wrong}");
        }
    }

    #[test]
    fn without_a_plan_there_is_that_of_the_demo() {
        assert!(parse("--against-demo").unwrap().plan().is_ok());
    }
}
