//! Things with numbers, remembered only while they matter.

use std::{
    collections::VecDeque,
    ops::{Index, IndexMut},
};

/// Numbers things from 0 and forgets the oldest once they are over. A number is never
/// given twice, so that an old one finds nothing rather than something else.
#[derive(Debug)]
pub(super) struct Roll<T> {
    first: usize,
    entries: VecDeque<T>,
}

impl<T> Roll<T> {
    pub(super) fn new() -> Self {
        Self { first: 0, entries: VecDeque::new() }
    }

    /// Puts one in and says its number.
    pub(super) fn push(&mut self, entry: T) -> usize {
        self.entries.push_back(entry);
        self.first + self.entries.len() - 1
    }

    /// None if it is forgotten.
    pub(super) fn get(&self, number: usize) -> Option<&T> {
        self.entries.get(number.checked_sub(self.first)?)
    }

    /// Forgets the oldest up to the first that is not over.
    pub(super) fn forget(&mut self, over: impl Fn(&T) -> bool) {
        while self.entries.front().is_some_and(&over) {
            self.entries.pop_front();
            self.first += 1;
        }
    }
}

impl<T> Index<usize> for Roll<T> {
    type Output = T;

    fn index(&self, number: usize) -> &T {
        &self.entries[number - self.first]
    }
}

impl<T> IndexMut<usize> for Roll<T> {
    fn index_mut(&mut self, number: usize) -> &mut T {
        &mut self.entries[number - self.first]
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_over_is_forgotten_from_the_front_and_numbers_stay() {
        let mut roll = Roll::new();
        let numbers: Vec<usize> = [true, true, false, true].map(|over| roll.push(over)).into();
        assert_eq!(numbers, [0, 1, 2, 3]);
        roll.forget(|over| *over);
        assert_eq!(roll.get(1), None);
        assert_eq!(roll.get(2), Some(&false));
        assert!(roll[3]);
        assert_eq!(roll.push(true), 4);
    }
}
