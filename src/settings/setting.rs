//! One setting, said once: its name, what it may be, and what it does.

use std::time::Duration;

use super::{
    name::below,
    tree::Tree,
    value::{Kind, Value},
};
use crate::config::InvalidConfig;

/// What of a `B` can be set in a file.
pub(super) trait Declared: Sized + 'static {
    /// In the order in which they are written. A later one is applied after those before it.
    const SETTINGS: &'static [Setting<Self>];
}

/// A setting of a `B`.
pub(super) struct Setting<B: 'static> {
    pub(super) name: &'static str,
    pub(super) set: Set<B>,
    /// As it is written. None: there is none, or it has to be said.
    pub(super) default: Option<&'static str>,
    /// For people; a test holds it against what is checked.
    pub(super) range: &'static str,
    /// With its unit.
    pub(super) about: &'static str,
}

/// How it is set.
pub(super) enum Set<B> {
    /// What can only be turned on.
    Flag(fn(B) -> B),
    Size(fn(B, usize) -> B),
    Large(fn(B, u64) -> B),
    Count(fn(B, u32) -> B),
    Small(fn(B, u8) -> B),
    Number(fn(B, f64) -> B),
    Duration(fn(B, Duration) -> B),
    /// To one of these words.
    Word(&'static [&'static str], fn(B, usize) -> B),
}

impl<B> Setting<B> {
    pub(super) fn kind(&self) -> Kind {
        match self.set {
            Set::Flag(_) => Kind::Flag,
            Set::Size(_) => Kind::Count(usize::MAX as u64),
            Set::Large(_) => Kind::Count(u64::MAX),
            Set::Count(_) => Kind::Count(u32::MAX.into()),
            Set::Small(_) => Kind::Count(u8::MAX.into()),
            Set::Number(_) => Kind::Number,
            Set::Duration(_) => Kind::Duration,
            Set::Word(words, _) => Kind::Word(words),
        }
    }

    /// From a file, in the table at `path`.
    pub(super) fn read(&self, path: &str, tree: &Tree) -> Result<Value, InvalidConfig> {
        let kind = self.kind();
        kind.read(tree).ok_or_else(|| InvalidConfig::at(below(path, self.name), tree, kind))
    }

    pub(super) fn default(&self) -> Option<Value> {
        self.default.and_then(|default| self.kind().parse(default))
    }

    /// A value is of the kind that was read, so that it fits.
    pub(super) fn apply(&self, to: B, value: Value) -> B {
        match (&self.set, value) {
            (Set::Flag(set), Value::Flag(true)) => set(to),
            (Set::Size(set), Value::Count(count)) => set(to, count as usize),
            (Set::Large(set), Value::Count(count)) => set(to, count),
            (Set::Count(set), Value::Count(count)) => set(to, count as u32),
            (Set::Small(set), Value::Count(count)) => set(to, count as u8),
            (Set::Number(set), Value::Number(number)) => set(to, number),
            (Set::Duration(set), Value::Duration(duration)) => set(to, duration),
            (Set::Word(_, set), Value::Word(index, _)) => set(to, index),
            _ => to,
        }
    }
}
