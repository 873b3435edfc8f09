//! Which quotas hold for a request.

use std::{fmt, sync::Arc};

use super::names::Names;

/// A plan that a client is on, such as `free` and `pro`, or a tenant with quotas of its
/// own: a rate limit may have other quotas for it.
///
/// Up to 10 000 plans are kept apart in a process, so make them of your own names and never
/// of what a client sends.
///
/// ```
/// use brownout::{Plan, Quota, RateLimit};
///
/// let pro = Plan::named("pro").expect("there are few");
/// assert_eq!(Plan::named("pro"), Some(pro));
/// let limit = RateLimit::new(Quota::per_second(10)).plan(pro, [Quota::per_second(1_000)]);
/// # let _ = limit;
/// ```
#[derive(Clone, Copy, PartialEq, Eq, Hash)]
pub struct Plan(u32);

impl Plan {
    /// The plan of this name. `None` when there are too many: then the quotas are those
    /// of a request without a plan.
    #[must_use]
    pub fn named(name: &str) -> Option<Self> {
        PLANS.number(&("", name), || name.into()).map(Self)
    }

    /// What people call it.
    #[must_use]
    pub fn name(self) -> Arc<str> {
        PLANS.name(self.0)
    }

    /// Its number.
    pub(crate) fn index(self) -> usize {
        self.0 as usize
    }
}

impl fmt::Debug for Plan {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("Plan").field(&self.name()).finish()
    }
}

impl fmt::Display for Plan {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(&self.name())
    }
}

static PLANS: Names = Names::at_most(10_000);
