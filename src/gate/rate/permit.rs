//! Proof that a quota admitted a request.

use super::settings::Price;
use crate::{class::Priority, gate::Finish, rejection::Reason, standing::Standing};

/// Proof that the quotas let a request pass. It holds nothing: what was spent stays spent
/// when it drops.
#[derive(Debug)]
pub struct RatePermit {
    pub(super) spent: Spent,
    standing: Option<Standing>,
}

/// What was spent.
#[derive(Clone, Copy, Debug)]
pub(super) enum Spent {
    Nothing,
    Units {
        price: Price,
        of: Purse,
    },
    /// Nothing, since there was not enough: it goes on at this priority.
    Downgraded(Priority),
    /// Nothing, since there was not enough: it would have been refused.
    Reported(Reason),
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
        Self { spent: Spent::Units { price, of }, standing }
    }

    /// Of a request that spends nothing.
    pub(super) fn free() -> Self {
        Self { spent: Spent::Nothing, standing: None }
    }

    pub(super) fn downgraded_to(priority: Priority, standing: Option<Standing>) -> Self {
        Self { spent: Spent::Downgraded(priority), standing }
    }

    /// Of one who would have been refused.
    pub(super) fn reported(reason: Reason) -> Self {
        Self { spent: Spent::Reported(reason), standing: None }
    }

    /// Why there would be none, were the quota
    /// [enforced](super::RateLimit::enforced_for) for this client.
    #[must_use]
    pub fn would_refuse(&self) -> Option<Reason> {
        match self.spent {
            Spent::Reported(reason) => Some(reason),
            Spent::Nothing | Spent::Units { .. } | Spent::Downgraded(_) => None,
        }
    }

    /// The priority at which the request has to go on, if it is over its quota and
    /// [`RateLimit::downgrade_to`](super::RateLimit::downgrade_to) lets it. It has spent
    /// nothing then.
    #[must_use]
    pub fn downgraded(&self) -> Option<Priority> {
        match self.spent {
            Spent::Downgraded(priority) => Some(priority),
            Spent::Nothing | Spent::Units { .. } | Spent::Reported(_) => None,
        }
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
