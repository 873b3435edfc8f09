//! The table of statements: their names, and the SQL texts that were seen lately.

use std::{
    collections::{HashMap, hash_map::RandomState},
    hash::BuildHasher,
    sync::Arc,
};

use quick_cache::unsync::Cache;

use super::fingerprint::fingerprint;

/// The statements by name. Bounded: whatever comes after the last number shares 0 with
/// the queries that have no name.
#[derive(Debug)]
pub(super) struct Table {
    numbers: HashMap<Arc<str>, usize>,
    /// By number.
    names: Vec<Arc<str>>,
    /// The numbers of SQL texts, by a hash that nobody outside can foresee.
    texts: Cache<u64, usize>,
    seed: RandomState,
}

impl Default for Table {
    fn default() -> Self {
        Self {
            numbers: HashMap::new(),
            names: vec![Arc::from(OTHER)],
            texts: Cache::new(TEXTS),
            seed: RandomState::new(),
        }
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

    /// The number of the fingerprint of this text. A new one is told to `listed`.
    pub(super) fn number_of_sql(
        &mut self,
        text: &str,
        listed: impl FnOnce(usize, Arc<str>),
    ) -> usize {
        let hash = self.seed.hash_one(text);
        if let Some(number) = self.texts.get(&hash) {
            return *number;
        }
        let number = self.number(&fingerprint(text), listed);
        self.texts.insert(hash, number);
        number
    }

    pub(super) fn name(&self, number: usize) -> Arc<str> {
        self.names.get(number).unwrap_or(&self.names[UNNAMED]).clone()
    }
}

pub(super) const UNNAMED: usize = 0;
/// What the statement without a name is called.
pub(super) const OTHER: &str = "(other)";
/// Names that are kept apart.
const MOST: usize = 100;
/// SQL texts whose numbers are remembered, at some 40 bytes each.
const TEXTS: usize = 1000;

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
    fn texts_that_never_come_twice_do_not_grow_it() {
        let mut table = Table::default();
        let number = table.number_of_sql("SELECT 0", |_, _| {});
        for id in 0..10_000 {
            assert_eq!(table.number_of_sql(&format!("select {id}"), |_, _| panic!()), number);
        }
        assert!(table.texts.len() <= TEXTS, "{}", table.texts.len());
        assert_eq!(&*table.name(number), "SELECT ?");
    }

    #[test]
    fn a_text_that_comes_again_is_known_without_reading_it() {
        let mut table = Table::default();
        let number = table.number_of_sql("SELECT a FROM t", |_, _| {});
        assert_eq!(table.texts.get(&table.seed.hash_one("SELECT a FROM t")), Some(&number));
        assert_eq!(table.number("SELECT a FROM t", |_, _| panic!()), number, "as if named so");
    }

    #[test]
    fn a_text_without_anything_in_it_is_like_one_without_a_name() {
        let mut table = Table::default();
        for text in ["", " ; ", "-- nothing"] {
            assert_eq!(table.number_of_sql(text, |_, _| panic!()), UNNAMED);
        }
    }
}
