//! Limits of databases that are meant by their names.

use std::mem;

use super::AdmissionBuilder;
use crate::config::InvalidConfig;
#[cfg(feature = "serde")]
use crate::gate::ConcurrencyLimit;

#[cfg(feature = "serde")]
impl AdmissionBuilder {
    /// These, before those that [`protect_with`](Self::protect_with) says.
    pub(crate) fn limits_by_name(mut self, by_name: Vec<(String, ConcurrencyLimit)>) -> Self {
        self.by_name = by_name;
        self
    }
}

impl AdmissionBuilder {
    /// Has the databases that are meant by name their limits.
    pub(super) fn named(mut self) -> Result<Self, InvalidConfig> {
        for (name, limit) in mem::take(&mut self.by_name) {
            let mut meant =
                self.databases.iter_mut().filter(|(own, _)| own.name() == name).peekable();
            if meant.peek().is_none() {
                let names: Vec<_> = self.databases.iter().map(|(own, _)| own.name()).collect();
                let allowed =
                    format_args!("one that is protected: {}", names.join(", ")).to_string();
                return Err(InvalidConfig::new("database", name, allowed));
            }
            meant.for_each(|(_, own)| *own = Some(limit.clone()));
        }
        Ok(self)
    }
}
