//! Queries of which nobody knows whether they belong to a request.

/// Tells whether they are so many that a route without queries may run some all the
/// same, in a task that it spawned.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct Strays {
    seen: f64,
    share: f64,
}

impl Strays {
    /// So many queries started, and so many of them are strays. True: too many.
    pub(crate) fn note(&mut self, started: u64, strays: u64) -> bool {
        if started > 0 {
            let started = started as f64;
            self.seen = (self.seen + started).min(MEMORY);
            let weight = (started / self.seen).min(1.0);
            self.share += weight * (strays as f64 / started - self.share);
        }
        self.share > MANY
    }
}

/// The share is one of about so many queries.
const MEMORY: f64 = 1000.0;
const MANY: f64 = 0.05;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn more_than_one_in_twenty_are_too_many() {
        let mut strays = Strays::default();
        assert!(!strays.note(0, 0));
        assert!(!strays.note(100, 5));
        assert!(strays.note(100, 20));
        for _ in 0..50 {
            strays.note(100, 0);
        }
        assert!(!strays.note(100, 0));
    }

    #[test]
    fn a_few_strays_after_many_queries_are_few() {
        let mut strays = Strays::default();
        assert!(!strays.note(1_000, 0));
        assert!(!strays.note(100, 10));
    }
}
