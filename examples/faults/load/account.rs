//! What one trial took and what it cost, in numbers that can be added up.

/// The account of one trial.
#[derive(Clone, Debug, Default)]
pub(crate) struct Account {
    pub(crate) trial: String,
    /// Sent by clients that waited for the answer.
    pub(crate) requests: u64,
    pub(crate) seconds: f64,
    /// What was done to the database, to instances and by clients that hang up or dawdle.
    pub(crate) faults: u64,
    pub(crate) bad_inputs: u64,
    /// Requests whose clients gave up before there was an answer.
    pub(crate) left: u64,
    /// Neither answered nor refused, though the client waited.
    pub(crate) lost: u64,
    /// Permits that nobody has, and places in which nobody waits.
    pub(crate) leaked: u64,
    /// Acknowledged to their customers.
    pub(crate) checkouts: u64,
    /// Lost, doubled, or of nobody.
    pub(crate) wrong_checkouts: u64,
    pub(crate) panics: u64,
    /// What else was seen.
    pub(crate) notes: Vec<String>,
    /// Other promises of this trial that do not hold.
    pub(crate) broken: Vec<String>,
}

impl Account {
    /// All of them as one.
    pub(crate) fn sum(accounts: &[Self]) -> Self {
        let mut sum = Self { trial: "all".to_owned(), ..Self::default() };
        for own in accounts {
            sum.requests += own.requests;
            sum.seconds += own.seconds;
            sum.faults += own.faults;
            sum.bad_inputs += own.bad_inputs;
            sum.left += own.left;
            sum.lost += own.lost;
            sum.leaked += own.leaked;
            sum.checkouts += own.checkouts;
            sum.wrong_checkouts += own.wrong_checkouts;
            sum.panics += own.panics;
            sum.broken.extend(own.failures());
        }
        sum
    }

    /// What must not be and is.
    pub(crate) fn failures(&self) -> Vec<String> {
        let counted = [
            ("requests lost", self.lost),
            ("permits leaked", self.leaked),
            ("checkouts lost or doubled", self.wrong_checkouts),
            ("panics", self.panics),
        ];
        let counted = counted.into_iter().filter(|(_, count)| *count > 0);
        let counted = counted.map(|(what, count)| format!("{}: {what}: {count}", self.trial));
        let broken = self.broken.iter().map(|what| format!("{}: {what}", self.trial));
        counted.chain(broken).collect()
    }

    /// Keeps `what` among the broken promises unless it holds.
    pub(crate) fn promise(&mut self, holds: bool, what: impl Into<String>) {
        if !holds {
            self.broken.push(what.into());
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn account(trial: &str, lost: u64, panics: u64) -> Account {
        let trial = trial.to_owned();
        Account { trial, requests: 10, seconds: 1.5, faults: 1, lost, panics, ..Account::default() }
    }

    #[test]
    fn the_sum_is_that_of_each_number() {
        let mut last = account("c", 0, 0);
        (last.bad_inputs, last.left, last.leaked) = (7, 6, 5);
        (last.checkouts, last.wrong_checkouts) = (4, 3);
        let sum = Account::sum(&[account("a", 2, 0), account("b", 1, 4), last]);
        assert_eq!((sum.requests, sum.seconds, sum.faults), (30, 4.5, 3));
        assert_eq!((sum.lost, sum.panics, sum.bad_inputs, sum.left), (3, 4, 7, 6));
        assert_eq!((sum.leaked, sum.checkouts, sum.wrong_checkouts), (5, 4, 3));
    }

    #[test]
    fn each_number_that_must_be_0_is_a_failure_where_it_is_not() {
        assert_eq!(account("a", 0, 0).failures(), [""; 0]);
        let mut own = account("a", 1, 2);
        (own.leaked, own.wrong_checkouts) = (3, 4);
        own.promise(true, "it holds");
        own.promise(false, "memory grew");
        let expected = [
            "a: requests lost: 1",
            "a: permits leaked: 3",
            "a: checkouts lost or doubled: 4",
            "a: panics: 2",
            "a: memory grew",
        ];
        assert_eq!(own.failures(), expected);
        assert_eq!(Account::sum(&[own]).broken, expected);
    }

    #[test]
    fn who_left_is_no_failure() {
        let own = Account { left: 9, faults: 9, bad_inputs: 9, ..Account::default() };
        assert_eq!(own.failures(), [""; 0]);
    }
}
