//! The table of statements.

use std::{collections::HashMap, sync::Arc};

use super::checkout::CONNECTION;
use crate::control::call::WAIT;

/// The statements by name. Bounded: whatever comes after the last number shares 0 with
/// the queries that have no name.
#[derive(Debug)]
pub(super) struct Table {
    numbers: HashMap<Arc<str>, usize>,
    /// By number.
    names: Vec<Arc<str>>,
}

impl Default for Table {
    fn default() -> Self {
        let mut table = Self { numbers: HashMap::new(), names: vec![Arc::from(OTHER)] };
        let number = table.number(CONNECTION, |_, _| {});
        debug_assert_eq!(number, WAIT);
        table
    }
}

impl Table {
    /// The number of this name. A new one is told to `listed`.
    pub(super) fn number(&mut self, name: &str, listed: impl FnOnce(usize, Arc<str>)) -> usize {
        if let Some(number) = self.numbers.get(name) {
            return *number;
        }
        if self.names.len() > MOST || name.is_empty() {
            return UNNAMED;
        }
        let (number, name) = (self.names.len(), Arc::<str>::from(name));
        self.numbers.insert(name.clone(), number);
        self.names.push(name.clone());
        listed(number, name);
        number
    }

    pub(super) fn name(&self, number: usize) -> Arc<str> {
        self.names.get(number).unwrap_or(&self.names[UNNAMED]).clone()
    }
}

pub(super) const UNNAMED: usize = 0;
/// What the statement without a name is called.
pub(crate) const OTHER: &str = "(other)";
/// Names that are kept apart.
const MOST: usize = 100;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_keep_their_numbers_and_the_table_its_bound() {
        let mut table = Table::default();
        let first = table.number("first", |_, _| {});
        for name in 0..10_000 {
            assert!(table.number(&name.to_string(), |_, _| {}) <= MOST);
        }
        assert_eq!(table.number("first", |_, _| {}), first);
        assert_ne!(first, UNNAMED);
        assert_eq!(table.number("one too many", |_, _| panic!("it is full")), UNNAMED);
        assert_eq!((table.numbers.len(), table.names.len()), (MOST, MOST + 1));
        assert_eq!((&*table.name(first), &*table.name(UNNAMED)), ("first", OTHER));
    }

    #[test]
    fn nothing_is_no_name() {
        assert_eq!(Table::default().number("", |_, _| panic!("it has none")), UNNAMED);
    }
}
