//! What one route does with one database, learned from its requests.

/// Means over the last requests of a route.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub(crate) struct Habit {
    /// Requests that were seen, up to [`MEMORY`].
    seen: f64,
    /// The share of them that ran a query.
    touching: f64,
    queries: f64,
    work: f64,
}

/// What the requests of a route did since the last one ended.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub(crate) struct Queries {
    /// Whether there was any, or a connection was taken.
    pub(crate) touched: bool,
    pub(crate) count: u64,
    /// What they take alone, in seconds.
    pub(crate) work: f64,
}

impl Habit {
    /// A request ended. Queries of requests that are still on their way may be among
    /// these: the means do not mind.
    pub(crate) fn note(&mut self, queries: Queries) {
        self.seen = (self.seen + 1.0).min(MEMORY);
        let weight = 1.0 / self.seen;
        let touched = f64::from(u8::from(queries.touched));
        self.touching += weight * (touched - self.touching);
        self.queries += weight * (queries.count as f64 - self.queries);
        self.work += weight * (queries.work - self.work);
    }

    /// Whether the route needs the database, as far as is known. Where a connection is
    /// asked for anyway, one that seldom runs a query can ask there.
    pub(crate) fn needs(&self, asks_there: bool) -> bool {
        let rarely = if asks_there { SELDOM } else { RARELY };
        self.seen < ENOUGH || self.touching >= rarely
    }

    /// Queries per request.
    pub(crate) fn queries(&self) -> f64 {
        self.queries
    }

    /// What a request takes of the database, in seconds of queries that run alone.
    /// `None`: not known yet.
    pub(crate) fn work(&self) -> Option<f64> {
        (self.seen >= ENOUGH).then_some(self.work)
    }

    /// The same as far as it was seen.
    pub(crate) fn mean_work(&self) -> f64 {
        self.work
    }
}

/// The mean work of all requests that need a database, to which costs relate.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub(crate) struct UsualWork {
    seen: f64,
    work: f64,
}

impl UsualWork {
    /// A request that needs the database ended, of a route that takes so much.
    pub(crate) fn note(&mut self, work: f64) {
        self.seen = (self.seen + 1.0).min(MEMORY);
        self.work += (work - self.work) / self.seen;
    }

    /// How many usual requests one of this work is.
    pub(crate) fn cost(&self, work: f64) -> f64 {
        if self.work > 0.0 { work / self.work } else { 1.0 }
    }
}

/// Means go over about so many requests.
const MEMORY: f64 = 500.0;
/// Requests from which on a route is known.
const ENOUGH: f64 = 50.0;
/// A route that runs a query more rarely, in shares of its requests, needs no database.
const RARELY: f64 = 0.01;
/// The same where a connection is asked for.
const SELDOM: f64 = 0.2;

#[cfg(test)]
mod tests {
    use super::*;

    const NONE: Queries = Queries { touched: false, count: 0, work: 0.0 };
    const TWO: Queries = Queries { touched: true, count: 2, work: 0.030 };

    fn after(requests: usize, queries: Queries) -> Habit {
        let mut habit = Habit::default();
        (0..requests).for_each(|_| habit.note(queries));
        habit
    }

    #[test]
    fn a_route_needs_the_database_until_the_contrary_is_known() {
        assert!(Habit::default().needs(false));
        assert!(after(49, NONE).needs(false));
        assert!(!after(50, NONE).needs(false));
        assert!(after(50, TWO).needs(false));
    }

    #[test]
    fn one_request_in_a_thousand_makes_no_need_but_one_in_twenty_does() {
        let mut habit = after(500, NONE);
        habit.note(TWO);
        assert!(!habit.needs(false));
        for request in 0..200 {
            habit.note(if request % 20 == 0 { TWO } else { NONE });
        }
        assert!(habit.needs(false));
    }

    #[test]
    fn one_request_in_ten_can_ask_where_it_takes_its_connection() {
        let mut habit = Habit::default();
        (0..500).for_each(|request| habit.note(if request % 10 == 0 { TWO } else { NONE }));
        assert!(habit.needs(false) && !habit.needs(true));
        (0..500).for_each(|request| habit.note(if request % 3 == 0 { TWO } else { NONE }));
        assert!(habit.needs(true));
    }

    #[test]
    fn a_route_that_gave_up_the_database_is_let_go() {
        let mut habit = after(500, TWO);
        (0..2_400).for_each(|_| habit.note(NONE));
        assert!(!habit.needs(false));
    }

    #[test]
    fn work_and_queries_are_means() {
        let mut habit = after(50, TWO);
        (0..50).for_each(|_| habit.note(NONE));
        assert!((habit.queries() - 1.0).abs() < 1e-9);
        assert!((habit.work().expect("it is known") - 0.015).abs() < 1e-9);
        assert_eq!(after(49, TWO).work(), None);
    }

    #[test]
    fn costs_relate_to_the_mean_request() {
        let mut usual = UsualWork::default();
        assert_eq!(usual.cost(0.010), 1.0, "nothing is known");
        (0..9).for_each(|_| usual.note(0.001));
        usual.note(0.011);
        assert!((usual.cost(0.004) - 2.0).abs() < 1e-9);
    }
}
