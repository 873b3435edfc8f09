//! What is said in one table.

use std::collections::BTreeMap;

use super::{
    fault::InvalidSettings,
    name::below,
    schema,
    setting::{Declared, Setting},
    tree::Tree,
    value::Value,
};
use crate::config::InvalidConfig;

/// The settings of one table that were set, by their names.
#[derive(Clone, Debug, Default, PartialEq)]
pub(super) struct Values(BTreeMap<&'static str, Value>);

impl Values {
    /// All of a table that has nothing else in it.
    pub(super) fn read<B: Declared>(path: &str, tree: Tree) -> Result<Self, InvalidSettings> {
        let mut values = Self::default();
        for (key, tree) in table(path, tree)? {
            if !values.take::<B>(path, &key, &tree)? {
                return Err(unknown::<B>(path, &key, &[]));
            }
        }
        Ok(values)
    }

    /// Whether this is one of them.
    pub(super) fn take<B: Declared>(
        &mut self,
        path: &str,
        key: &str,
        tree: &Tree,
    ) -> Result<bool, InvalidSettings> {
        let Some(setting) = B::SETTINGS.iter().find(|setting| setting.name == key) else {
            return Ok(false);
        };
        match self.0.insert(setting.name, setting.read(path, tree)?) {
            None => Ok(true),
            Some(_) => Err(InvalidSettings::twice(&below(path, key))),
        }
    }

    /// From text, over what was said. Faults name it so.
    pub(super) fn put<B>(
        &mut self,
        setting: &Setting<B>,
        text: &str,
        told_as: &str,
    ) -> Result<(), InvalidConfig> {
        let kind = setting.kind();
        let fault = || InvalidConfig::at(told_as.to_owned(), format_args!("{text:?}"), kind);
        self.0.insert(setting.name, kind.parse(text).ok_or_else(fault)?);
        Ok(())
    }

    /// What was said, done.
    pub(super) fn apply<B: Declared>(&self, to: B) -> B {
        let said = B::SETTINGS.iter().filter_map(|own| Some((own, *self.0.get(own.name)?)));
        said.fold(to, |to, (setting, value)| setting.apply(to, value))
    }

    /// The same with the defaults of all that was not said.
    pub(super) fn filled<B: Declared>(&self) -> Self {
        let defaults = B::SETTINGS.iter().filter_map(|own| Some((own.name, own.default()?)));
        Self(defaults.chain(self.0.iter().map(|(name, value)| (*name, *value))).collect())
    }

    pub(super) fn clear(&mut self) {
        self.0.clear();
    }

    /// Forgets all others.
    pub(super) fn keep(&mut self, kept: &str) {
        self.0.retain(|name, _| *name == kept);
    }

    pub(super) fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    pub(super) fn number(&self, name: &str) -> Option<f64> {
        match self.0.get(name) {
            Some(Value::Number(number)) => Some(*number),
            _ => None,
        }
    }

    pub(super) fn says(&self, name: &str) -> bool {
        self.0.contains_key(name)
    }

    /// In the order in which they are declared.
    pub(super) fn entries<B: Declared>(&self) -> Vec<(String, Tree)> {
        let said = B::SETTINGS.iter().filter_map(|own| Some((own.name, *self.0.get(own.name)?)));
        said.map(|(name, value)| (name.to_owned(), value.into())).collect()
    }
}

/// The entries of a table.
pub(super) fn table(path: &str, tree: Tree) -> Result<Vec<(String, Tree)>, InvalidSettings> {
    match tree {
        Tree::Table(table) => Ok(table),
        other => Err(InvalidConfig::at(path.to_owned(), other, "a table").into()),
    }
}

/// The entries of a table whose names are the owner's.
pub(super) fn named<T>(
    path: &str,
    tree: Tree,
    read: impl Fn(&str, &str, Tree) -> Result<T, InvalidSettings>,
) -> Result<BTreeMap<String, T>, InvalidSettings> {
    let mut entries = BTreeMap::new();
    for (name, tree) in table(path, tree)? {
        let path = below(path, &name);
        let entry = read(&path, &name, tree)?;
        if entries.insert(name, entry).is_some() {
            return Err(InvalidSettings::twice(&path));
        }
    }
    Ok(entries)
}

/// A key that is neither a setting of a `B` nor one of the tables beside them.
pub(super) fn unknown<B: Declared>(path: &str, key: &str, tables: &[&str]) -> InvalidSettings {
    let names = B::SETTINGS.iter().map(|setting| setting.name).chain(tables.iter().copied());
    let beside: Vec<_> = names.map(|name| below(path, name)).collect();
    InvalidSettings::unknown(&below(path, key), &beside, &schema::paths())
}
