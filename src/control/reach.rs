//! How many requests a pool of connections is enough for.

use crate::signal::Connections;

/// Requests in flight for each connection that they use, learned while the pool has some
/// to spare: 1 where each holds one all the time, more where it does other things beside.
///
/// More requests than this reaches for only wait for one another at the pool.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct Reach {
    requests: f64,
    lent: f64,
    /// As many as the pool may lend, if it is known.
    most: Option<u32>,
}

impl Reach {
    /// So many requests are in flight at an instant.
    pub(crate) fn see(&mut self, requests: usize, connections: Connections) {
        self.most = Some(connections.most);
        if connections.are_exhausted() {
            return;
        }
        self.requests += requests as f64 - FORGET * self.requests;
        self.lent += f64::from(connections.lent) - FORGET * self.lent;
    }

    /// For how many requests the pool is enough.
    pub(crate) fn limit(&self) -> f64 {
        let each = if self.lent > 0.0 { self.requests / self.lent } else { 1.0 };
        self.most.map_or(f64::INFINITY, |most| f64::from(most) * each.max(1.0))
    }
}

/// A look counts for some hundred looks, which is ten seconds.
const FORGET: f64 = 0.01;

#[cfg(test)]
mod tests {
    use super::*;

    fn lent(lent: u32) -> Connections {
        Connections { most: 20, lent }
    }

    #[test]
    fn at_first_each_request_is_taken_to_hold_one() {
        assert_eq!(Reach::default().limit(), f64::INFINITY, "no pool is known");
        let mut reach = Reach::default();
        reach.see(30, lent(20));
        assert_eq!(reach.limit(), 20.0);
    }

    #[test]
    fn requests_that_seldom_need_one_are_many_to_each() {
        let mut reach = Reach::default();
        for look in 0..1_000 {
            reach.see(10, lent(u32::from(look % 2 == 0)));
        }
        assert!((reach.limit() - 400.0).abs() < 10.0, "{reach:?}");
    }

    #[test]
    fn a_queue_at_the_pool_teaches_nothing() {
        let mut reach = Reach::default();
        (0..100).for_each(|_| reach.see(5, lent(5)));
        (0..1_000).for_each(|_| reach.see(200, lent(20)));
        assert_eq!(reach.limit(), 20.0);
    }

    #[test]
    fn work_beside_the_requests_does_not_shrink_it() {
        let mut reach = Reach::default();
        (0..100).for_each(|_| reach.see(1, lent(5)));
        assert_eq!(reach.limit(), 20.0);
    }
}
