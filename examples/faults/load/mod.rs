//! Trials of load: each is bounded in count and time, over loopback, and ends with an account.
//!
//! All but the last serve the shop of `trial/` from a throw-away PostgreSQL, behind the defaults.

pub(crate) mod account;
mod books;
mod client;
mod customers;
pub(crate) mod dawdlers;
mod deploys;
mod forgery;
mod hang_ups;
mod hostile;
mod instance;
mod memory;
mod overload;
mod rows;
mod slow;
mod tally;
mod target;
mod wire;

use std::time::Duration;

use account::Account;
use slow::Slowness;

use crate::trial::Stage;
use crate::trial::failure::Result;

/// How much of each.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Scale {
    overload: Duration,
    slowness: Slowness,
    hang_ups: usize,
    deploys: usize,
    inputs: usize,
}

impl Scale {
    /// With so many minutes of overload.
    pub(crate) fn full(minutes: f64) -> Self {
        Self {
            overload: Duration::from_secs_f64(60.0 * minutes),
            slowness: Slowness { connections: 20_000, hold: Duration::from_secs(60) },
            hang_ups: 50_000,
            deploys: 12,
            inputs: 1_000_000,
        }
    }

    /// Enough to see that it works, in some ten seconds.
    pub(crate) fn quick() -> Self {
        Self {
            overload: Duration::from_secs(4),
            slowness: Slowness { connections: 1_500, hold: Duration::from_secs(2) },
            hang_ups: 2_000,
            deploys: 2,
            inputs: 20_000,
        }
    }
}

/// All of them, one after the other.
pub(crate) async fn run(stage: &mut Stage, scale: Scale) -> Result<Vec<Account>> {
    Ok(vec![
        overload::run(stage, scale.overload).await?,
        slow::run(stage, scale.slowness).await?,
        hang_ups::run(stage, scale.hang_ups).await?,
        deploys::run(stage, scale.deploys).await?,
        hostile::run(scale.inputs).await?,
    ])
}
