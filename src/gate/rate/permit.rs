//! Proof that a quota admitted a request.

use super::settings::Price;
use crate::{gate::Finish, standing::Standing};

/// Proof that the quotas admitted a request. It holds nothing: what was spent stays spent
/// when it drops.
#[derive(Debug)]
pub struct RatePermit {
    /// None if nothing was spent.
    pub(super) spent: Option<Spent>,
    standing: Option<Standing>,
}

/// What was spent.
#[derive(Clone, Copy, Debug)]
pub(super) struct Spent {
    pub(super) price: Price,
    pub(super) of: Purse,
}

/// Where units come from, and are handed back to.
#[derive(Clone, Copy, Debug)]
pub(super) enum Purse {
    /// The bucket of this process, whose quotas are divided among so many.
    Bucket { among: u32 },
    /// What this process holds of a bucket that a fleet shares.
    Lease,
}

impl RatePermit {
    pub(super) fn of(price: Price, of: Purse, standing: Option<Standing>) -> Self {
        Self { spent: Some(Spent { price, of }), standing }
    }

    /// Of a request that spends nothing.
    pub(super) fn free() -> Self {
        Self { spent: None, standing: None }
    }
}

impl Finish for RatePermit {
    fn finish(&mut self, _sample: &crate::outcome::Sample) {}

    fn listens(&self) -> bool {
        false
    }

    fn standing(&self) -> Option<&Standing> {
        self.standing.as_ref()
    }
}
