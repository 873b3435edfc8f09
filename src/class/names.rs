//! Names by small numbers, for values that are copied with every request.

use std::{
    collections::HashMap,
    hash::{BuildHasher, RandomState},
    sync::{Arc, OnceLock, PoisonError, RwLock},
};

/// A bounded number of names, each with a number. Filled in the course of the process and
/// never emptied.
pub(super) struct Names {
    most: usize,
    /// Seeded, so that nobody outside can choose names that meet.
    seed: OnceLock<RandomState>,
    table: OnceLock<RwLock<Table>>,
}

#[derive(Default)]
struct Table {
    numbers: HashMap<u64, u32>,
    names: Vec<Arc<str>>,
}

impl Names {
    pub(super) const fn at_most(most: usize) -> Self {
        Self { most, seed: OnceLock::new(), table: OnceLock::new() }
    }

    /// The number of what these parts name; `name` is called for the first of them alone.
    /// None if there are too many.
    pub(super) fn number(
        &self,
        parts: &(&str, &str),
        name: impl FnOnce() -> Arc<str>,
    ) -> Option<u32> {
        let hash = self.seed.get_or_init(RandomState::new).hash_one(parts);
        let known = self.table().read().unwrap_or_else(PoisonError::into_inner);
        if let Some(number) = known.numbers.get(&hash) {
            return Some(*number);
        }
        if known.names.len() >= self.most {
            return None;
        }
        drop(known);
        let mut table = self.table().write().unwrap_or_else(PoisonError::into_inner);
        table.add(hash, name(), self.most)
    }

    /// What has this number.
    pub(super) fn name(&self, number: u32) -> Arc<str> {
        let table = self.table().read().unwrap_or_else(PoisonError::into_inner);
        table.names[number as usize].clone()
    }

    fn table(&self) -> &RwLock<Table> {
        self.table.get_or_init(RwLock::default)
    }
}

impl Table {
    fn add(&mut self, hash: u64, name: Arc<str>, most: usize) -> Option<u32> {
        // Another thread may have been faster.
        if let Some(number) = self.numbers.get(&hash) {
            return Some(*number);
        }
        let number = u32::try_from(self.names.len()).ok()?;
        if self.names.len() >= most {
            return None;
        }
        self.names.push(name);
        self.numbers.insert(hash, number);
        Some(number)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_table_has_a_bound() {
        let mut table = Table::default();
        let added = (0..5000).filter_map(|hash| table.add(hash, Arc::from("x"), 1000)).count();
        assert_eq!((added, table.names.len()), (1000, 1000));
        assert_eq!(table.add(7, Arc::from("x"), 1000), Some(7), "what is there stays");
    }
}
