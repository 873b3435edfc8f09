//! To take from a bucket: the script, what it is asked and what it answers.

use std::time::Duration;

use ::redis::{Script, ScriptInvocation};

use super::buckets::Failure;
use crate::gate::{Order, SharedRate, Taken};

/// A bucket's rates, in one step.
pub(super) struct Take(Script);

impl Take {
    pub(super) fn new() -> Self {
        Self(Script::new(include_str!("take.lua")))
    }

    /// The call that takes from the bucket at `key`.
    pub(super) fn from(&self, key: &str, order: &Order) -> Result<ScriptInvocation<'_>, Failure> {
        let least = order.least.max(1);
        let mut call = self.0.key(key);
        call.arg(least).arg(order.most.max(least));
        for rate in order.rates.iter() {
            let interval = rate.interval.max(NANOSECOND);
            let burst = rate.burst.max(1);
            if interval.as_nanos() * u128::from(burst) > LONGEST.as_nanos() {
                return Err(format!("a burst of {burst} every {interval:?} is out of range").into());
            }
            let micros = interval.as_micros() as u64;
            call.arg(micros).arg(interval.subsec_nanos() % 1_000).arg(burst);
        }
        Ok(call)
    }
}

/// What the script has answered.
pub(super) fn taken(answer: &[u64], rates: &[SharedRate]) -> Result<Taken, Failure> {
    let [units, lacking, wait, full_after @ ..] = answer else { return Err(strange(answer)) };
    if full_after.len() != 2 * rates.len() {
        return Err(strange(answer));
    }
    let time = |pair: &[u64]| Duration::from_micros(pair[0]) + Duration::from_nanos(pair[1]);
    let full_after = full_after.chunks_exact(2).map(time).collect();
    if let Some(rate) = lacking.checked_sub(1) {
        let (rate, wait) = (usize::try_from(rate)?, Duration::from_micros(*wait));
        return Ok(Taken::Lack { rate, wait, full_after });
    }
    Ok(Taken::Units { units: u32::try_from(*units)?, full_after })
}

fn strange(answer: &[u64]) -> Failure {
    format!("a script of another version has answered {answer:?}").into()
}

const NANOSECOND: Duration = Duration::from_nanos(1);
/// Above, the script would begin to round: some 140 years.
const LONGEST: Duration = Duration::from_micros(1 << 52);
