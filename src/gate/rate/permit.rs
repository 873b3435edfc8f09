//! Proof that a quota admitted a request.

use super::settings::Price;
use crate::{gate::Finish, standing::Standing};

/// Proof that the quotas admitted a request. It holds nothing: what was spent stays spent
/// when it drops.
#[derive(Debug)]
pub struct RatePermit {
    /// What was spent. None if nothing was.
    pub(super) spent: Option<Price>,
    standing: Option<Standing>,
}

impl RatePermit {
    pub(super) fn of(spent: Price, standing: Option<Standing>) -> Self {
        Self { spent: Some(spent), standing }
    }

    /// Of a request that spends nothing.
    pub(super) fn free() -> Self {
        Self { spent: None, standing: None }
    }
}

impl Finish for RatePermit {
    fn finish(&mut self, _sample: &crate::outcome::Sample) {}

    fn standing(&self) -> Option<&Standing> {
        self.standing.as_ref()
    }
}
