//! Whether every order that was acknowledged exists, once: in so much room from the start,
//! however many come.

use std::collections::HashSet;
use std::sync::Arc;
use std::sync::atomic::{AtomicU8, Ordering};

use crate::trial::failure::Result;
use crate::trial::seed::audit;

/// The orders of one run by number. Clones are the same books.
#[derive(Clone, Debug)]
pub(crate) struct Books {
    run: Arc<str>,
    orders: Arc<[AtomicU8]>,
}

/// What was found in the tables.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct Settled {
    pub(crate) acknowledged: u64,
    /// Acknowledged without a row.
    pub(crate) lost: u64,
    /// Pieces sold without a row, or rows without a piece sold.
    pub(crate) doubled: u64,
    /// Rows that nobody ordered.
    pub(crate) strange: u64,
}

const UNSENT: u8 = 0;
const SENT: u8 = 1;
const ACKNOWLEDGED: u8 = 2;

impl Books {
    /// For numbers below `orders`.
    pub(crate) fn open(run: &str, orders: usize) -> Self {
        Self { run: run.into(), orders: (0..orders).map(|_| AtomicU8::new(UNSENT)).collect() }
    }

    pub(crate) fn sent(&self, order: usize) {
        self.orders[order].fetch_max(SENT, Ordering::Relaxed);
    }

    pub(crate) fn acknowledged(&self, order: usize) {
        self.orders[order].fetch_max(ACKNOWLEDGED, Ordering::Relaxed);
    }

    /// Looks into the tables, which hold the orders of these books and no others.
    pub(crate) async fn settle(all: &[&Self], url: &str) -> Result<Settled> {
        let (rows, sold) = audit(url).await?;
        Ok(Self::compare(all, &rows, sold))
    }

    fn compare(all: &[&Self], rows: &[String], sold: i64) -> Settled {
        let mut settled =
            Settled { doubled: sold.abs_diff(rows.len() as i64), ..Settled::default() };
        let mut known = 0;
        for books in all {
            let kept: HashSet<_> = rows.iter().filter_map(|row| books.number(row)).collect();
            let acknowledged =
                || (0..books.orders.len()).filter(|own| books.state(*own) == ACKNOWLEDGED);
            settled.acknowledged += acknowledged().count() as u64;
            settled.lost += acknowledged().filter(|own| !kept.contains(own)).count() as u64;
            known += kept.len();
        }
        settled.strange = (rows.len() - known) as u64;
        settled
    }

    /// The number of a row, if it is of an order that was sent.
    fn number(&self, row: &str) -> Option<usize> {
        let number = row.strip_prefix(&*self.run).and_then(number)?;
        (self.state(number) != UNSENT).then_some(number)
    }

    fn state(&self, order: usize) -> u8 {
        self.orders.get(order).map_or(UNSENT, |own| own.load(Ordering::Relaxed))
    }
}

impl Settled {
    pub(crate) fn wrong(&self) -> u64 {
        self.lost + self.doubled + self.strange
    }
}

/// The number of an order, by its id.
pub(crate) fn number(order: &str) -> Option<usize> {
    order.rsplit_once('-')?.1.parse().ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn books() -> Books {
        let books = Books::open("a", 4);
        books.sent(0);
        books.sent(1);
        books.acknowledged(1);
        books.sent(1);
        books
    }

    fn compare(rows: &[&str], sold: i64) -> Settled {
        let rows: Vec<_> = rows.iter().map(|row| (*row).to_owned()).collect();
        Books::compare(&[&books(), &Books::open("b", 9)], &rows, sold)
    }

    #[test]
    fn what_was_acknowledged_is_there_and_what_is_in_doubt_may_be() {
        let exact = Settled { acknowledged: 1, ..Settled::default() };
        assert_eq!(compare(&["a-1"], 1), exact);
        assert_eq!(compare(&["a-1", "a-0"], 2), exact);
        assert_eq!(exact.wrong(), 0);
    }

    #[test]
    fn one_that_is_missing_doubled_or_of_nobody_is_found() {
        assert_eq!(compare(&["a-0"], 1).lost, 1);
        assert_eq!(compare(&["a-1"], 2).doubled, 1);
        assert_eq!(compare(&["a-1"], 0).doubled, 1);
        assert_eq!(compare(&["a-1", "a-2", "b-1"], 3).strange, 2);
        assert_eq!(compare(&["a-1", "a-9", "other", "c-0"], 4).strange, 3);
        assert_eq!(compare(&["a-2"], 3).wrong(), 4);
    }

    #[test]
    fn each_has_numbers_of_its_own() {
        let (a, b) = (books(), Books::open("b", 4));
        b.sent(1);
        b.acknowledged(1);
        let rows = ["a-1".to_owned(), "a-0".to_owned()];
        let settled = Books::compare(&[&a, &b], &rows, 2);
        assert_eq!((settled.acknowledged, settled.lost, settled.strange), (2, 1, 0));
    }
}
