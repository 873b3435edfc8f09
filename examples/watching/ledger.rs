//! Whether every order that a customer was promised exists, exactly once.

use std::collections::HashSet;
use std::time::Duration;

use tokio::time::sleep;

/// The customers' knowledge against the database's.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Ledger {
    /// Checkouts whose success reached the customer in time.
    pub(crate) acknowledged: usize,
    /// Checkouts that turned out to be placed when the customer asked.
    pub(crate) learned: usize,
    /// Questions for an order that got no clear answer.
    pub(crate) unknown: usize,
    pub(crate) rows: usize,
    pub(crate) sold: i64,
    /// Acknowledged without a row.
    pub(crate) lost: usize,
    /// Difference between pieces sold and rows: applied twice, or half.
    pub(crate) doubled: u64,
}

impl Ledger {
    /// Of these orders, with whether they were acknowledged: asks whether those in doubt
    /// were placed, then looks into the tables for the orders there and the pieces sold.
    pub(crate) async fn settle<'a, E>(
        orders: impl Iterator<Item = (&'a str, bool)>,
        was_placed: impl AsyncFn(&str) -> Option<bool>,
        audit: impl AsyncFn() -> Result<(Vec<String>, i64), E>,
    ) -> Result<Self, E> {
        let (acknowledged, doubtful): (Vec<_>, Vec<_>) = orders.partition(|(_, known)| *known);
        let acknowledged: Vec<&str> = acknowledged.into_iter().map(|(order, _)| order).collect();
        let mut doubtful: Vec<&str> = doubtful.into_iter().map(|(order, _)| order).collect();
        let (mut learned, mut unknown) = (0, 0);
        for _ in 0..ROUNDS {
            (doubtful, unknown) = ask(&was_placed, doubtful, &mut learned).await;
            let (rows, sold) = audit().await?;
            let ledger = Self { unknown, ..Self::compare(&acknowledged, learned, &rows, sold) };
            if ledger.is_exact() {
                return Ok(ledger);
            }
            // A commit that the server had already when its customer left may still be on
            // its way, behind others that want the same row.
            sleep(PAUSE).await;
        }
        let (rows, sold) = audit().await?;
        Ok(Self { unknown, ..Self::compare(&acknowledged, learned, &rows, sold) })
    }

    /// Whether nothing was lost, doubled or left unexplained.
    pub(crate) fn is_exact(&self) -> bool {
        self.lost == 0 && self.doubled == 0 && self.acknowledged + self.learned == self.rows
    }

    fn compare(acknowledged: &[&str], learned: usize, rows: &[String], sold: i64) -> Self {
        let kept: HashSet<&str> = rows.iter().map(String::as_str).collect();
        Self {
            acknowledged: acknowledged.len(),
            learned,
            unknown: 0,
            rows: rows.len(),
            sold,
            lost: acknowledged.iter().filter(|order| !kept.contains(*order)).count(),
            doubled: sold.abs_diff(rows.len() as i64),
        }
    }
}

/// Asks for each order. Returns those that are not placed, as far as one knows, and of
/// how many one does not know.
async fn ask<'a>(
    was_placed: impl AsyncFn(&str) -> Option<bool>,
    orders: Vec<&'a str>,
    learned: &mut usize,
) -> (Vec<&'a str>, usize) {
    let (mut missing, mut unknown) = (Vec::new(), 0);
    for order in orders {
        match was_placed(order).await {
            Some(true) => *learned += 1,
            Some(false) => missing.push(order),
            None => {
                unknown += 1;
                missing.push(order);
            }
        }
    }
    (missing, unknown)
}

/// How often orders in doubt are asked for until customers and tables agree.
const ROUNDS: u32 = 6;
const PAUSE: Duration = Duration::from_millis(500);

#[cfg(test)]
mod tests {
    use super::*;

    fn rows(ids: &[&str]) -> Vec<String> {
        ids.iter().map(|id| (*id).to_owned()).collect()
    }

    #[test]
    fn acknowledged_and_learned_explain_every_row() {
        let ledger = Ledger::compare(&["a", "b"], 1, &rows(&["a", "b", "c"]), 3);
        assert!(ledger.is_exact());
    }

    #[test]
    fn an_acknowledged_order_without_a_row_is_lost() {
        let ledger = Ledger::compare(&["a", "b"], 1, &rows(&["a", "c", "d"]), 3);
        assert_eq!(ledger.lost, 1);
        assert!(!ledger.is_exact());
    }

    #[test]
    fn stock_sold_twice_is_doubled() {
        let ledger = Ledger::compare(&["a"], 0, &rows(&["a"]), 2);
        assert_eq!(ledger.doubled, 1);
        assert!(!ledger.is_exact());
    }

    #[test]
    fn a_row_that_no_customer_knows_of_is_not_exact() {
        assert!(!Ledger::compare(&["a"], 0, &rows(&["a", "b"]), 2).is_exact());
    }
}
