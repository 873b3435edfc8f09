//! What is said of one database.

use super::{
    fault::InvalidSettings,
    name::below,
    setting::{Declared, Set, Setting},
    tree::Tree,
    values::{Values, table, unknown},
};
use crate::{
    database::{Database, DatabaseBuilder},
    gate::ConcurrencyLimit,
};

impl Declared for DatabaseBuilder {
    const SETTINGS: &'static [Setting<Self>] = &[
        Setting {
            name: "slow_after",
            set: Set::Duration(Self::slow_after),
            default: Some("1s"),
            range: "1ms to 1h",
            about: "from so long on a query is slow",
        },
        Setting {
            name: "slow_times",
            set: Set::Number(Self::slow_times),
            default: Some("20"),
            range: "at least 2",
            about: "from so many times on of what its statement takes alone",
        },
    ];
}

/// The table of one database.
#[derive(Clone, Debug, Default, PartialEq)]
pub(super) struct Of {
    pub(super) own: Values,
    /// Where it differs from the limit of all.
    pub(super) limit: Values,
}

impl Of {
    pub(super) fn read(path: &str, tree: Tree) -> Result<Self, InvalidSettings> {
        let mut of = Self::default();
        for (key, tree) in table(path, tree)? {
            match key.as_str() {
                LIMIT if !of.limit.is_empty() => {
                    return Err(InvalidSettings::twice(&below(path, LIMIT)));
                }
                LIMIT => of.limit = Values::read::<ConcurrencyLimit>(&below(path, LIMIT), tree)?,
                _ if of.own.take::<DatabaseBuilder>(path, &key, &tree)? => {}
                _ => return Err(unknown::<DatabaseBuilder>(path, &key, &[LIMIT])),
            }
        }
        Ok(of)
    }

    /// Whether all of it may be so, where this is the limit of all.
    pub(super) fn check(&self, path: &str, all: ConcurrencyLimit) -> Result<(), InvalidSettings> {
        let own = self.own.apply(Database::builder(""));
        own.check().map_err(|invalid| invalid.within(path))?;
        let limit = self.limit.apply(all).checked();
        limit.map_err(|invalid| invalid.within(&below(path, LIMIT)))?;
        Ok(())
    }

    pub(super) fn filled(&self) -> Self {
        Self { own: self.own.filled::<DatabaseBuilder>(), limit: self.limit.clone() }
    }

    pub(super) fn to_tree(&self) -> Tree {
        let mut table = self.own.entries::<DatabaseBuilder>();
        if !self.limit.is_empty() {
            table.push((LIMIT.to_owned(), Tree::Table(self.limit.entries::<ConcurrencyLimit>())));
        }
        Tree::Table(table)
    }
}

const LIMIT: &str = "limit";
