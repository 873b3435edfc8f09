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

#[cfg(test)]
mod tests {
    use super::*;

    const RATE: SharedRate = SharedRate::new(Duration::from_secs(1), 5);

    #[test]
    fn times_are_put_together_of_micros_and_nanos() {
        let units = taken(&[3, 0, 0, 2, 999, 0, 1], &[RATE; 2]).expect("it is an answer");
        let full_after = [2_999, 1].map(Duration::from_nanos).into();
        assert_eq!(units, Taken::Units { units: 3, full_after });
        let lack = taken(&[0, 1, 7, 5_000_000, 0], &[RATE]).expect("it is an answer");
        let (wait, full_after) = (Duration::from_micros(7), vec![Duration::from_secs(5)]);
        assert_eq!(lack, Taken::Lack { rate: 0, wait, full_after });
    }

    #[test]
    fn an_answer_that_does_not_fit_is_an_error() {
        for answer in [&[][..], &[1, 0, 0], &[1, 0, 0, 2, 0, 2, 0], &[u64::MAX, 0, 0, 2, 0]] {
            assert!(taken(answer, &[RATE]).is_err(), "{answer:?}");
        }
    }
}
