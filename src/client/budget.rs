//! What many clients may retry together.

use std::sync::{Arc, Mutex};

use crate::{
    clock,
    config::{InvalidConfig, share},
    control::budget::Budget,
    lock::lock,
};

/// How often a client may retry: a share of its first tries, and a floor for those who try
/// little. Clones share it: have one for each service that is called.
///
/// From its start on, `retries ≤ share · first tries + floor · (seconds + 1)`. What is not used
/// within about 10 seconds is forgotten.
///
/// tower's own [`TpsBudget`](tower::retry::budget::TpsBudget) has the same figures, and can be
/// used in its place. Its slots expire up to twice as fast as it says, and its floor is then up
/// to twice as high.
#[derive(Clone, Debug)]
pub struct RetryBudget(Arc<Mutex<Budget>>);

impl RetryBudget {
    /// The `share` is of first tries, more than 0 and at most 1, and the `floor` in retries per
    /// second, from 0. Default: a fifth, and 10 per second.
    ///
    /// # Errors
    ///
    /// [`InvalidConfig`] if one of them is outside its range.
    pub fn new(share: f64, floor: f64) -> Result<Self, InvalidConfig> {
        let share = self::share("share", share)?;
        if !(0.0..f64::INFINITY).contains(&floor) {
            return Err(InvalidConfig::new("floor", floor, "a finite number from 0"));
        }
        Ok(Self::of(share, floor))
    }

    fn of(share: f64, floor: f64) -> Self {
        Self(Arc::new(Mutex::new(Budget::new(share, floor, clock::now()))))
    }

    /// How many retries could be made at once.
    #[must_use]
    pub fn balance(&self) -> f64 {
        lock(&self.0).balance(clock::now())
    }
}

impl Default for RetryBudget {
    fn default() -> Self {
        Self::of(0.2, 10.0)
    }
}

impl tower::retry::budget::Budget for RetryBudget {
    fn deposit(&self) {
        lock(&self.0).deposit(clock::now());
    }

    fn withdraw(&self) -> bool {
        lock(&self.0).withdraw(clock::now())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_outside_its_range_is_no_budget() {
        let setting =
            |share, floor| RetryBudget::new(share, floor).map_err(|no| no.setting().to_owned());
        assert!(setting(0.2, 0.0).is_ok() && setting(1.0, 1e9).is_ok());
        for share in [0.0, 1.1, f64::NAN] {
            assert_eq!(setting(share, 1.0).err(), Some("share".to_owned()));
        }
        for floor in [-1.0, f64::INFINITY, f64::NAN] {
            assert_eq!(setting(0.2, floor).err(), Some("floor".to_owned()));
        }
    }
}
