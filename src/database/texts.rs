//! The statements of the SQL texts that were seen lately.

use std::{collections::hash_map::RandomState, hash::BuildHasher};

use quick_cache::sync::Cache;

/// Which statement a text is, by a hash of it that nobody outside can foresee, so that
/// the usual query costs a hash and a look-up without a lock on the statements.
#[derive(Debug)]
pub(super) struct Texts {
    numbers: Cache<u64, usize>,
    seed: RandomState,
}

impl Default for Texts {
    fn default() -> Self {
        Self { numbers: Cache::new(MOST), seed: RandomState::new() }
    }
}

impl Texts {
    /// The number of this text, which `find` finds if it is not known.
    pub(super) fn number(&self, text: &str, find: impl FnOnce() -> usize) -> usize {
        let hash = self.seed.hash_one(text);
        self.numbers.get(&hash).unwrap_or_else(|| {
            let number = find();
            self.numbers.insert(hash, number);
            number
        })
    }
}

/// At some 40 bytes each. Texts with literals in them come and go.
const MOST: usize = 1000;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_text_that_comes_again_is_not_looked_for() {
        let texts = Texts::default();
        assert_eq!(texts.number("SELECT 1", || 7), 7);
        assert_eq!(texts.number("SELECT 1", || panic!("it is known")), 7);
        assert_eq!(texts.number("SELECT 2", || 8), 8);
    }

    #[test]
    fn texts_that_never_come_twice_do_not_grow_it() {
        let texts = Texts::default();
        for id in 0..10_000 {
            texts.number(&id.to_string(), || id);
        }
        assert!(texts.numbers.len() <= MOST, "{}", texts.numbers.len());
    }
}
