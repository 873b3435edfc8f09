//! What each statement takes when the database has nothing else to do.

use crate::signal::StatementSignal;

/// The share of a new mean that enters the baseline, per query seen, and at most.
const WEIGHT_PER_QUERY: f64 = 0.001;
const WEIGHT_MOST: f64 = 0.2;
/// How many standard errors below the baseline a mean has to be to count as a drop.
const SIGNIFICANT: f64 = 2.5;
/// Spread assumed where too few queries show their own.
const SPREAD_LEAST: f64 = 0.5;
/// What is left of a spread after a window that showed less.
const SPREAD_KEPT: f64 = 0.99;

/// One unloaded latency per statement, in seconds.
///
/// Statements are kept apart, so that a shift of the mix towards dear ones does not look
/// like a database that slows down.
#[derive(Debug, Default)]
pub(crate) struct Baselines {
    statements: Vec<Option<Baseline>>,
}

#[derive(Clone, Copy, Debug)]
struct Baseline {
    /// The unloaded latency.
    seconds: f64,
    /// The coefficient of variation, as far as it was seen. Falls slowly.
    spread: f64,
}

/// What a set of queries would take alone.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub(crate) struct Work {
    /// The sum of baselines.
    pub(crate) seconds: f64,
    /// The sum of their squares.
    pub(crate) squares: f64,
    /// The standard error of the observed sum, relative to its mean.
    pub(crate) error: f64,
}

impl Baselines {
    /// What these queries would take alone. A statement seen for the first time is
    /// taken at its word.
    pub(crate) fn work(&mut self, statements: &[StatementSignal]) -> Work {
        let (mut alone, mut squares, mut observed, mut variance) = (0.0, 0.0, 0.0, 0.0);
        for seen in statements {
            let baseline = self.of(seen).seconds;
            alone += baseline * seen.count as f64;
            squares += baseline * baseline * seen.count as f64;
            observed += seen.seconds;
            variance += seen.variance() * seen.count as f64;
        }
        let error = if observed > 0.0 { variance.sqrt() / observed } else { 0.0 };
        Work { seconds: alone, squares, error }
    }

    /// Follows what was seen while the database had room: slowly up, at once down.
    pub(crate) fn follow(&mut self, statements: &[StatementSignal]) {
        self.drop_to(statements);
        for seen in statements {
            let weight = (seen.count as f64 * WEIGHT_PER_QUERY).min(WEIGHT_MOST);
            let baseline = self.of(seen);
            baseline.seconds += weight * (seen.mean() - baseline.seconds);
        }
    }

    /// Lowers a baseline where queries were faster than it beyond chance: load makes
    /// nothing faster, so this holds at any time.
    pub(crate) fn drop_to(&mut self, statements: &[StatementSignal]) {
        for seen in statements {
            let spread = seen.variance().sqrt() / seen.mean();
            let baseline = self.of(seen);
            // A window of cheap queries alone has little spread of its own.
            baseline.spread = spread.max(baseline.spread * SPREAD_KEPT).max(SPREAD_LEAST);
            let noise = SIGNIFICANT * baseline.spread / (seen.count as f64).sqrt();
            if seen.mean() < baseline.seconds * (1.0 - noise) {
                baseline.seconds = seen.mean();
            }
        }
    }

    fn of(&mut self, seen: &StatementSignal) -> &mut Baseline {
        if self.statements.len() <= seen.statement {
            self.statements.resize(seen.statement + 1, None);
        }
        let first = Baseline { seconds: seen.mean(), spread: SPREAD_LEAST };
        self.statements[seen.statement].get_or_insert(first)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn seen(statement: usize, count: u64, mean: f64) -> StatementSignal {
        let seconds = mean * count as f64;
        StatementSignal { statement, count, seconds, squares: seconds * mean }
    }

    #[test]
    fn a_shift_of_the_mix_is_no_slowness() {
        let mut baselines = Baselines::default();
        baselines.follow(&[seen(0, 100, 0.001), seen(1, 10, 0.050)]);
        let work = baselines.work(&[seen(0, 10, 0.001), seen(1, 100, 0.050)]);
        assert!((work.seconds - 5.01).abs() < 1e-9, "{work:?}");
    }

    #[test]
    fn follows_slowly_upwards() {
        let mut baselines = Baselines::default();
        baselines.follow(&[seen(0, 100, 0.010)]);
        baselines.follow(&[seen(0, 100, 0.020)]);
        assert!((baselines.work(&[seen(0, 1, 1.0)]).seconds - 0.011).abs() < 1e-9);
    }

    #[test]
    fn drops_at_once_but_not_by_chance() {
        let mut baselines = Baselines::default();
        baselines.follow(&[seen(0, 100, 0.010)]);
        baselines.drop_to(&[seen(0, 1, 0.001)]);
        assert_eq!(baselines.work(&[seen(0, 1, 1.0)]).seconds, 0.010, "one may be lucky");
        baselines.drop_to(&[seen(0, 100, 0.002)]);
        assert_eq!(baselines.work(&[seen(0, 1, 1.0)]).seconds, 0.002);
        baselines.drop_to(&[seen(0, 100, 0.500)]);
        assert_eq!(baselines.work(&[seen(0, 1, 1.0)]).seconds, 0.002);
    }
}
