//! The dearest statements of one database by name, all others as one.
//!
//! Which are the dearest changes, and a counter must not fall. So the time that passes goes to
//! a statement's own counter while it is among them, and to that of the others otherwise.

use std::{
    cmp::Reverse,
    collections::{BTreeMap, BTreeSet},
    sync::Arc,
};

use super::table;
use crate::database::{CONNECTION, OTHER, StatementFigures, hash_of_name};

/// What was told of the statements of one database. As bounded as its table of them.
#[derive(Debug, Default)]
pub(super) struct Statements {
    accounts: BTreeMap<Arc<str>, Account>,
    /// The time of those that have no counter of their own, in nanoseconds.
    rest: u64,
}

#[derive(Debug, Default)]
struct Account {
    /// All time that its queries took, in nanoseconds, when that was looked at last.
    seen: u64,
    /// As much of that as is told as its own; none before it was among the dearest.
    own: Option<u64>,
    /// Of the time of all, now.
    share: f64,
}

impl Statements {
    pub(super) fn record(&mut self, database: &str, figures: &[StatementFigures]) {
        let rest = self.see(figures);
        for (name, account) in &self.accounts {
            let Some(own) = account.own else { continue };
            tell(database, &label(name), own, account.share);
        }
        tell(database, OTHER, self.rest, rest);
    }

    /// Returns the share of those that are not among the dearest.
    fn see(&mut self, figures: &[StatementFigures]) -> f64 {
        let dearest = dearest(figures);
        self.accounts.values_mut().for_each(|account| account.share = 0.0);
        let mut rest = 0.0;
        for figures in figures.iter().filter(|own| &*own.name != CONNECTION) {
            let account = self.accounts.entry(figures.name.clone()).or_default();
            let all = nanos(figures.ever.seconds);
            let more = all.saturating_sub(account.seen);
            account.seen = account.seen.max(all);
            if dearest.contains(&*figures.name) {
                *account.own.get_or_insert(0) += more;
                account.share = figures.lately.share;
            } else {
                self.rest += more;
                rest += figures.lately.share;
            }
        }
        rest
    }
}

/// By the time that they took lately. Those without a name are among the others.
fn dearest(figures: &[StatementFigures]) -> BTreeSet<&str> {
    let named = |own: &&StatementFigures| {
        own.lately.seconds > 0.0 && !matches!(&*own.name, CONNECTION | OTHER)
    };
    let mut named: Vec<_> = figures.iter().filter(named).collect();
    named.sort_by_key(|own| Reverse(nanos(own.lately.seconds)));
    named.into_iter().take(MOST).map(|own| &*own.name).collect()
}

fn tell(database: &str, statement: &str, nanos: u64, share: f64) {
    table::STATEMENT_TIME.count([database, statement], nanos / 1_000_000);
    table::STATEMENT_SHARE.set([database, statement], share);
}

/// The name, or how it begins, with a hash of all of it.
fn label(name: &str) -> String {
    if name.chars().nth(LONGEST).is_none() {
        return name.to_owned();
    }
    let start: String = name.chars().take(LONGEST - ENDING).collect();
    format!("{start}…{:08x}", hash_of_name(name))
}

fn nanos(seconds: f64) -> u64 {
    (seconds * 1e9) as u64
}

/// Statements with a name at a time.
const MOST: usize = 20;
/// The longest that a label may be, in characters.
const LONGEST: usize = 120;
/// What one that was cut ends with.
const ENDING: usize = "…01234567".len();
