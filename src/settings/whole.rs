//! All settings of one service.

use std::collections::BTreeMap;

use serde::{Deserialize, Deserializer, Serialize, Serializer, de};

use super::{
    database::Of,
    fault::InvalidSettings,
    name::below,
    rate::Rate,
    route,
    tree::Tree,
    values::{Values, named, table, unknown},
};
use crate::{
    admission::{Admission, AdmissionBuilder},
    class::Class,
    gate::{CircuitBreaker, ConcurrencyLimit, RateLimit},
};

/// What of an admission can be said in a file, all of it in range.
///
/// It comes out of whatever serde reads (as a value inside of a configuration of your own, too),
/// [`from_toml`](Self::from_toml) or [`with_vars`](Self::with_vars), and goes to
/// [`AdmissionBuilder::settings`]. What is not said has its default. All there is stands in the
/// [module](crate::settings).
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Settings {
    pub(super) own: Values,
    pub(super) limit: Values,
    pub(super) breaker: Values,
    pub(super) rate: Rate,
    pub(super) databases: BTreeMap<String, Of>,
    pub(super) routes: BTreeMap<String, Values>,
}

impl Settings {
    /// The limit of each database that has none of its own.
    pub fn limit(&self) -> ConcurrencyLimit {
        self.limit.apply(ConcurrencyLimit::new())
    }

    /// The limit of the database of this name.
    pub fn limit_of(&self, database: &str) -> ConcurrencyLimit {
        let own = self.databases.get(database).map(|of| &of.limit);
        own.into_iter().fold(self.limit(), |limit, own| own.apply(limit))
    }

    /// The names of the databases of which something is said.
    pub fn databases(&self) -> impl Iterator<Item = &str> {
        self.databases.keys().map(String::as_str)
    }

    /// When circuits open.
    pub fn breaker(&self) -> CircuitBreaker {
        self.breaker.apply(CircuitBreaker::new())
    }

    /// The quotas, if there are any: to be [shared](RateLimit::shared) among a fleet, say.
    #[must_use]
    pub fn rate(&self) -> Option<RateLimit> {
        self.rate.get()
    }

    /// The same, with the defaults of all that was not said: what is in effect, to be written out.
    #[must_use]
    pub fn effective(&self) -> Self {
        let databases = self.databases.iter().map(|(name, of)| (name.clone(), of.filled()));
        let routes = self.routes.iter().map(|(path, of)| (path.clone(), of.filled::<Class>()));
        Self {
            own: self.own.filled::<AdmissionBuilder>(),
            limit: self.limit.filled::<ConcurrencyLimit>(),
            breaker: self.breaker.filled::<CircuitBreaker>(),
            rate: self.rate.filled(),
            databases: databases.collect(),
            routes: routes.collect(),
        }
    }

    pub(super) fn read(tree: Tree) -> Result<Self, InvalidSettings> {
        let mut settings = Self::default();
        let mut seen = Vec::new();
        for (key, tree) in table("", tree)? {
            if settings.own.take::<AdmissionBuilder>("", &key, &tree)? {
                continue;
            }
            settings.read_table(&key, tree)?;
            match seen.contains(&key) {
                true => return Err(InvalidSettings::twice(&key)),
                false => seen.push(key),
            }
        }
        settings.checked()
    }

    fn read_table(&mut self, key: &str, tree: Tree) -> Result<(), InvalidSettings> {
        match key {
            LIMIT => self.limit = Values::read::<ConcurrencyLimit>(key, tree)?,
            BREAKER => self.breaker = Values::read::<CircuitBreaker>(key, tree)?,
            RATE => self.rate = Rate::read(key, tree)?,
            DATABASE => self.databases = named(key, tree, |path, _, tree| Of::read(path, tree))?,
            ROUTES => self.routes = named(key, tree, route::read)?,
            _ => return Err(unknown::<AdmissionBuilder>("", key, &TABLES)),
        }
        Ok(())
    }

    /// Whether all of it may be so, as those say who take it.
    pub(super) fn checked(self) -> Result<Self, InvalidSettings> {
        self.own.apply(Admission::builder()).checked_dim_above()?;
        self.limit().checked().map_err(|invalid| invalid.within(LIMIT))?;
        self.breaker().checked().map_err(|invalid| invalid.within(BREAKER))?;
        self.rate.check(RATE)?;
        for (name, of) in &self.databases {
            of.check(&below(DATABASE, name), self.limit())?;
        }
        Ok(self)
    }

    pub(super) fn to_tree(&self) -> Tree {
        let mut table = self.own.entries::<AdmissionBuilder>();
        let mut push = |key: &str, tree| table.push((key.to_owned(), Tree::Table(tree)));
        push(LIMIT, self.limit.entries::<ConcurrencyLimit>());
        push(BREAKER, self.breaker.entries::<CircuitBreaker>());
        push(RATE, self.rate.entries());
        push(DATABASE, named_as(&self.databases, Of::to_tree));
        push(ROUTES, named_as(&self.routes, |of| Tree::Table(of.entries::<Class>())));
        table.retain(|(_, tree)| *tree != Tree::Table(Vec::new()));
        Tree::Table(table)
    }
}

fn named_as<T>(entries: &BTreeMap<String, T>, write: impl Fn(&T) -> Tree) -> Vec<(String, Tree)> {
    entries.iter().map(|(name, entry)| (name.clone(), write(entry))).collect()
}

impl<'de> Deserialize<'de> for Settings {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        Self::read(Tree::deserialize(deserializer)?).map_err(de::Error::custom)
    }
}

/// What was said, and nothing else: see [`effective`](Settings::effective).
impl Serialize for Settings {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        self.to_tree().serialize(serializer)
    }
}

pub(super) const LIMIT: &str = "limit";
pub(super) const BREAKER: &str = "breaker";
pub(super) const RATE: &str = "rate";
const DATABASE: &str = "database";
const ROUTES: &str = "routes";
const TABLES: [&str; 5] = [LIMIT, BREAKER, RATE, DATABASE, ROUTES];
