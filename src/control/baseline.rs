//! What each statement takes when the database has nothing else to do.

use std::time::Duration;

use crate::signal::StatementSignal;

/// A baseline is a plain mean of its first queries, and then a moving one over so many.
const MEMORY: f64 = 1000.0;
/// The largest share of a new mean that enters it after the first.
const WEIGHT_MOST: f64 = 0.2;
/// How many standard errors below the baseline a mean has to be to count as a drop.
const SIGNIFICANT: f64 = 2.5;
/// Spread assumed where too few queries show their own.
const SPREAD_LEAST: f64 = 0.5;
/// What is left of a spread after a window that showed less.
const SPREAD_KEPT: f64 = 0.998;
/// Queries with room from which on baselines are known.
const ENOUGH: u64 = 100;
/// Queries of a statement that make its baseline whatever the load.
const FIRST: f64 = 50.0;

/// One unloaded latency per statement, in seconds.
///
/// Statements are kept apart, so that a shift of the mix towards dear ones does not look
/// like a database that slows down.
#[derive(Debug, Default)]
pub(crate) struct Baselines {
    statements: Vec<Option<Baseline>>,
    /// Queries that were seen while the database had room.
    followed: u64,
}

/// By hand, so that `clone_from`, which each signal needs for each thread, uses the room again.
impl Clone for Baselines {
    fn clone(&self) -> Self {
        Self { statements: self.statements.clone(), followed: self.followed }
    }

    fn clone_from(&mut self, other: &Self) {
        self.statements.clone_from(&other.statements);
        self.followed = other.followed;
    }
}

#[derive(Clone, Copy, Debug)]
struct Baseline {
    /// The unloaded latency.
    seconds: f64,
    /// Queries that it was learned from, up to [`MEMORY`].
    seen: f64,
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
    /// The sum of what they did take, and its variance.
    pub(crate) observed: f64,
    pub(crate) variance: f64,
    /// The sum of the squares of the latencies.
    pub(crate) lasting: f64,
    /// How many they are.
    pub(crate) count: u64,
}

impl Work {
    /// The standard error of the observed sum, relative to it.
    pub(crate) fn error(&self) -> f64 {
        if self.observed > 0.0 { self.variance.sqrt() / self.observed } else { 0.0 }
    }
}

impl Baseline {
    fn add(&mut self, seen: &StatementSignal) {
        let count = seen.count as f64;
        self.seen = (self.seen + count).min(MEMORY);
        let most = if self.seen < MEMORY { 1.0 } else { WEIGHT_MOST };
        self.seconds += (count / self.seen).min(most) * (seen.mean() - self.seconds);
    }

    fn drop_to(&mut self, seen: &StatementSignal) {
        let spread = seen.variance().sqrt() / seen.mean();
        // A window of cheap queries alone has little spread of its own.
        self.spread = spread.max(self.spread * SPREAD_KEPT).max(SPREAD_LEAST);
        let noise = SIGNIFICANT * self.spread / (seen.count as f64).sqrt();
        if seen.mean() < self.seconds * (1.0 - noise) {
            self.seconds = seen.mean();
        }
    }
}

impl Baselines {
    /// What these queries would take alone. A statement seen for the first time is
    /// taken at its word.
    pub(crate) fn work(&mut self, statements: &[StatementSignal]) -> Work {
        let mut work = Work::default();
        for seen in statements {
            let baseline = self.of(seen).seconds;
            work.seconds += baseline * seen.count as f64;
            work.squares += baseline * baseline * seen.count as f64;
            work.observed += seen.seconds;
            work.variance += seen.variance() * seen.count as f64;
            work.lasting += seen.squares;
            work.count += seen.count;
        }
        work
    }

    /// Follows what was seen while the database had room: slowly up, at once down.
    pub(crate) fn follow(&mut self, statements: &[StatementSignal]) {
        for seen in statements {
            self.followed = self.followed.saturating_add(seen.count);
            let baseline = self.of(seen);
            baseline.drop_to(seen);
            baseline.add(seen);
        }
    }

    /// Whether enough was seen while the database had room to go by.
    pub(crate) fn are_known(&self) -> bool {
        self.followed >= ENOUGH
    }

    /// Lowers a baseline where queries were faster than it beyond chance: load makes
    /// nothing faster, so this holds at any time. The first queries of a statement make
    /// its baseline, whatever the load: there is nothing else to go by.
    pub(crate) fn drop_to(&mut self, statements: &[StatementSignal]) {
        for seen in statements {
            let baseline = self.of(seen);
            baseline.drop_to(seen);
            if baseline.seen < FIRST {
                baseline.add(seen);
            }
        }
    }

    /// What the statement takes alone, in seconds, once enough of its queries were seen.
    pub(crate) fn alone(&self, statement: usize) -> Option<f64> {
        let own = (*self.statements.get(statement)?)?;
        (own.seen >= FIRST).then_some(own.seconds)
    }

    /// By the number of the statement.
    pub(crate) fn all(&self) -> impl Iterator<Item = (usize, Duration)> {
        let known = self.statements.iter().enumerate();
        known.filter_map(|(number, own)| {
            let alone = Duration::try_from_secs_f64((*own)?.seconds).unwrap_or(Duration::MAX);
            Some((number, alone))
        })
    }

    fn of(&mut self, seen: &StatementSignal) -> &mut Baseline {
        if self.statements.len() <= seen.statement {
            self.statements.resize(seen.statement + 1, None);
        }
        let first = Baseline { seconds: seen.mean(), seen: 0.0, spread: SPREAD_LEAST };
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

    fn baseline(baselines: &mut Baselines) -> f64 {
        baselines.work(&[seen(0, 1, 1.0)]).seconds
    }

    #[test]
    fn is_the_mean_of_the_first_thousand_and_then_follows_slowly_upwards() {
        let mut baselines = Baselines::default();
        baselines.follow(&[seen(0, 100, 0.010)]);
        baselines.follow(&[seen(0, 100, 0.020)]);
        assert!((baseline(&mut baselines) - 0.015).abs() < 1e-9);
        baselines.follow(&[seen(0, 900, 0.015)]);
        baselines.follow(&[seen(0, 100, 0.025)]);
        assert!((baseline(&mut baselines) - 0.016).abs() < 1e-9);
        baselines.follow(&[seen(0, 9_000, 0.026)]);
        assert!((baseline(&mut baselines) - 0.018).abs() < 1e-9, "a fifth at most");
    }

    #[test]
    fn the_first_queries_make_the_baseline_whatever_the_load() {
        let mut baselines = Baselines::default();
        baselines.drop_to(&[seen(0, 1, 0.001)]);
        baselines.drop_to(&[seen(0, 99, 0.011)]);
        assert!((baseline(&mut baselines) - 0.0109).abs() < 1e-9, "not that of a lucky one");
        baselines.drop_to(&[seen(0, 100, 0.500)]);
        assert!((baseline(&mut baselines) - 0.0109).abs() < 1e-9, "and no more");
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

    use proptest::prelude::*;

    /// What is known of a statement, by its description: a mean of what was seen, which falls
    /// with what is faster beyond chance.
    #[derive(Clone, Copy, Default)]
    struct Plain {
        mean: f64,
        seen: f64,
        spread: f64,
    }

    impl Plain {
        fn learn(&mut self, latencies: &[f64], has_room: bool) {
            let count = latencies.len() as f64;
            let mean = latencies.iter().sum::<f64>() / count;
            let squares = latencies.iter().map(|each| each * each).sum::<f64>() / count;
            let deviation = (squares - mean * mean).max(0.0).sqrt();
            if self.seen == 0.0 {
                (self.mean, self.spread) = (mean, 0.5);
            }
            self.spread = (0.998 * self.spread).max(deviation / mean).max(0.5);
            if mean < self.mean - 2.5 * self.spread * self.mean / count.sqrt() {
                self.mean = mean;
            }
            if has_room || self.seen < 50.0 {
                self.seen = (self.seen + count).min(1000.0);
                let all = count / self.seen;
                let weight = if self.seen < 1000.0 { all } else { all.min(0.2) };
                self.mean = (1.0 - weight) * self.mean + weight * mean;
            }
        }
    }

    proptest! {
        #[test]
        fn a_baseline_is_the_mean_that_it_is_described_as(
            spans in prop::collection::vec(
                // Of which statement, how slow the database is, whether it has room, the queries.
                (0..3_usize, 1..4_u32, any::<bool>(), prop::collection::vec(1..40_u32, 1..300)),
                1..25,
            ),
        ) {
            let (mut real, mut plain) = (Baselines::default(), [Plain::default(); 3]);
            let mut followed = 0;
            for (statement, slow, has_room, latencies) in spans {
                let latencies: Vec<f64> =
                    latencies.iter().map(|ms| f64::from(1 + ms * ms) * f64::from(slow) / 1e3).collect();
                let sum = |of: fn(&f64) -> f64| latencies.iter().map(of).sum::<f64>();
                let seen = StatementSignal {
                    statement,
                    count: latencies.len() as u64,
                    seconds: sum(|each| *each),
                    squares: sum(|each| each * each),
                };
                if has_room {
                    real.follow(&[seen]);
                    followed += seen.count;
                } else {
                    real.drop_to(&[seen]);
                }
                plain[statement].learn(&latencies, has_room);
                let near = |one: f64, other: f64| (one - other).abs() <= 1e-9 * other.abs();
                prop_assert_eq!(real.are_known(), followed >= 100);
                for (number, own) in plain.iter().enumerate() {
                    let alone = real.alone(number);
                    prop_assert_eq!(alone.is_some(), own.seen >= 50.0);
                    prop_assert!(alone.is_none_or(|alone| near(alone, own.mean)));
                    let told = real.all().find(|(told, _)| *told == number);
                    prop_assert_eq!(told.is_some(), own.seen > 0.0);
                }
                let copy = real.clone();
                prop_assert_eq!(copy.are_known(), real.are_known());
                prop_assert!(copy.all().eq(real.all()));
                let work = real.work(&[seen, seen]);
                let (count, mean) = (2.0 * latencies.len() as f64, plain[statement].mean);
                prop_assert!(near(work.seconds, mean * count));
                prop_assert!(near(work.squares, mean * mean * count));
                prop_assert!(near(work.observed, 2.0 * seen.seconds));
                prop_assert!(near(work.lasting, 2.0 * seen.squares));
                prop_assert_eq!(work.count, 2 * seen.count);
                let variance = 2.0 * (seen.squares - seen.seconds * seen.seconds / seen.count as f64);
                prop_assert!((work.variance - variance).abs() <= 1e-9 * seen.squares);
                prop_assert!(near(work.error(), work.variance.sqrt() / (2.0 * seen.seconds)));
            }
            prop_assert_eq!(Work::default().error(), 0.0);
        }
    }
}
