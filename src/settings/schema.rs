//! All settings there are, by their paths.

use super::{
    name::below,
    quota::Said,
    setting::{Declared, Setting},
    whole::{BREAKER, LIMIT, RATE},
};
use crate::{
    admission::AdmissionBuilder,
    class::Class,
    database::DatabaseBuilder,
    gate::{CircuitBreaker, ConcurrencyLimit, RateLimit},
};

/// A setting that there is, for people.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Known {
    /// Where it stands; names in capitals are the owner's: `limit.max`, `database.NAME.slow_after`.
    pub path: String,
    /// As it would be written. None: there is none, it has to be said, or it is that of `limit`.
    pub default: Option<&'static str>,
    /// What it may be.
    pub range: &'static str,
    /// What it does, and in which unit.
    pub about: &'static str,
}

/// All settings there are, in the order of the table above.
#[must_use]
pub fn known() -> Vec<Known> {
    let tables = [
        of::<AdmissionBuilder>(""),
        of::<ConcurrencyLimit>(LIMIT),
        of::<CircuitBreaker>(BREAKER),
        of::<RateLimit>(RATE),
        of::<Said>("rate.quotas[]"),
        of::<Said>("rate.plans.NAME[]"),
        of::<DatabaseBuilder>("database.NAME"),
        of::<ConcurrencyLimit>("database.NAME.limit").into_iter().map(laid_over).collect(),
        of::<Class>("routes.\"/PATH\""),
    ];
    tables.into_iter().flatten().collect()
}

fn of<B: Declared>(table: &str) -> Vec<Known> {
    let row = |setting: &Setting<B>| {
        let Setting { name, default, range, about, .. } = *setting;
        Known { path: below(table, name), default, range, about }
    };
    B::SETTINGS.iter().map(row).collect()
}

/// What is not said is that of another table.
fn laid_over(known: Known) -> Known {
    Known { default: None, ..known }
}

pub(super) fn paths() -> Vec<String> {
    known().into_iter().map(|row| row.path).collect()
}
