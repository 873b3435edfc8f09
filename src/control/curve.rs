//! Throughput against concurrency, and its knee.

use super::reading::Reading;

/// How much work a database did at how many queries in flight, some 2 kB.
///
/// Work is the time that the finished queries would have taken alone, so that a shift of
/// the mix towards dear ones is not taken for a slower database. Up to its knee a database
/// does nearly one second of work per second and query in flight; beyond it the curve is
/// flat, or falls: Gunther, *Universal Scalability Law* (1993). No law is fitted: the knee
/// is read off.
///
/// It does not know why more was in flight. A database that slows down for reasons of its
/// own, at the same demand, looks as if it had been asked for more than it can do.
#[derive(Debug)]
pub(crate) struct Curve([Bin; BINS]);

/// The readings of a range of concurrency, as sums over time.
#[derive(Clone, Copy, Debug, Default)]
struct Bin {
    seconds: f64,
    concurrency: f64,
    work: f64,
    queries: f64,
}

/// The mean of a range of concurrency.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) struct Point {
    pub(crate) concurrency: f64,
    /// Seconds of work per second.
    pub(crate) work: f64,
    /// Queries per second.
    pub(crate) queries: f64,
    /// How long it was seen, in seconds.
    pub(crate) seconds: f64,
}

/// Where more concurrency ends to give more work.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) struct KneeSeen {
    /// The least concurrency that gave nearly the most work.
    pub(crate) concurrency: f64,
    /// Whether there was ever more, that gave no more. If not, the knee may be further on.
    pub(crate) passed: bool,
    pub(crate) best: Point,
}

impl Default for Curve {
    fn default() -> Self {
        Self([Bin::default(); BINS])
    }
}

impl Curve {
    pub(crate) fn add(&mut self, reading: &Reading) {
        let (concurrency, seconds) = (reading.concurrency(), reading.span.as_secs_f64());
        if !reading.tells_work() || concurrency < LEAST || seconds > LONGEST {
            return;
        }
        let bin = &mut self.0[bin(concurrency)];
        // What is old fades as new is seen, since databases change.
        let kept = ((MEMORY - seconds) / bin.seconds.max(MEMORY - seconds)).min(1.0);
        bin.seconds = bin.seconds * kept + seconds;
        bin.concurrency = bin.concurrency * kept + concurrency * seconds;
        bin.work = bin.work * kept + reading.alone;
        bin.queries = bin.queries * kept + reading.count as f64;
    }

    /// What was seen for long enough, by concurrency.
    pub(crate) fn points(&self) -> Vec<Point> {
        let evident = self.0.iter().filter(|bin| bin.seconds >= EVIDENT && bin.queries >= QUERIES);
        let point = |bin: &Bin| Point {
            concurrency: bin.concurrency / bin.seconds,
            work: bin.work / bin.seconds,
            queries: bin.queries / bin.seconds,
            seconds: bin.seconds,
        };
        evident.map(point).collect()
    }

    /// `None` before anything was seen for long enough.
    pub(crate) fn knee(&self) -> Option<KneeSeen> {
        let points = self.points();
        let best = points.iter().max_by(|one, other| one.work.total_cmp(&other.work))?;
        let nearly = points.iter().find(|point| point.work >= NEARLY * best.work)?;
        let (knee, least) = (nearly.concurrency, FLAT * best.work);
        // A stall says nothing about what the database can do.
        let beyond = |point: &Point| point.concurrency >= BEYOND * knee && point.work >= least;
        let passed = points.iter().any(beyond);
        Some(KneeSeen { concurrency: knee, passed, best: *best })
    }
}

fn bin(concurrency: f64) -> usize {
    let steps = STEPS * (concurrency / LEAST).log2();
    (steps as usize).min(BINS - 1)
}

/// Bins per doubling.
const STEPS: f64 = 4.0;
/// The least concurrency that says something.
const LEAST: f64 = 0.25;
/// Up to 8 000 queries in flight.
const BINS: usize = 60;
/// Seconds that a bin remembers.
const MEMORY: f64 = 600.0;
/// A reading that took more seconds says little: the service was idle in between.
const LONGEST: f64 = 10.0;
/// Seconds, and queries, from which on a bin says something.
const EVIDENT: f64 = 5.0;
const QUERIES: f64 = 100.0;
/// The share of the most work that the knee gives.
const NEARLY: f64 = 0.95;
/// So many times the knee is beyond it, where the work is at least this share of the most.
const BEYOND: f64 = 1.4;
const FLAT: f64 = 0.7;

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use proptest::prelude::*;

    use super::*;

    /// `seconds` at this concurrency of a database that does up to `most` at once.
    fn see(curve: &mut Curve, concurrency: f64, most: f64, seconds: u32) {
        for _ in 0..seconds {
            curve.add(&reading(concurrency, concurrency.min(most)));
        }
    }

    fn reading(concurrency: f64, work: f64) -> Reading {
        Reading {
            span: Duration::from_secs(1),
            busy: Duration::from_secs_f64(concurrency),
            count: 100,
            observed: concurrency,
            alone: work,
            ..Reading::default()
        }
    }

    #[test]
    fn the_knee_is_where_more_gives_no_more() {
        let mut curve = Curve::default();
        for concurrency in [1.0, 2.0, 4.0, 8.0, 12.0, 24.0, 50.0] {
            see(&mut curve, concurrency, 12.0, 10);
        }
        let knee = curve.knee().expect("it was seen");
        assert!((knee.concurrency - 12.0).abs() < 1e-9 && knee.passed, "{knee:?}");
        assert!((knee.best.work - 12.0).abs() < 1e-9 && (knee.best.queries - 100.0).abs() < 1e-9);
        assert_eq!(curve.points().len(), 7);
    }

    #[test]
    fn without_more_the_knee_may_be_further_on() {
        let mut curve = Curve::default();
        assert_eq!(curve.knee(), None);
        see(&mut curve, 4.0, 100.0, 10);
        see(&mut curve, 30.0, 100.0, 4);
        let knee = curve.knee().expect("it was seen");
        assert_eq!(
            (knee.concurrency, knee.passed),
            (4.0, false),
            "30 was not seen for long enough"
        );
    }

    #[test]
    fn a_stall_is_no_knee() {
        let mut curve = Curve::default();
        see(&mut curve, 4.0, 100.0, 60);
        for _ in 0..20 {
            curve.add(&reading(50.0, 1.0));
            curve.add(&reading(50.0, 0.0));
        }
        let knee = curve.knee().expect("it was seen");
        assert!((knee.concurrency, knee.passed) == (4.0, false), "{knee:?}");
    }

    #[test]
    fn a_database_that_changed_is_seen_anew() {
        let mut curve = Curve::default();
        see(&mut curve, 10.0, 10.0, 10_000);
        see(&mut curve, 10.0, 5.0, 3_000);
        let [point] = curve.points()[..] else { panic!("one range only") };
        assert!((point.work - 5.0).abs() < 0.1 && point.seconds <= MEMORY + 1.0, "{point:?}");
    }

    #[test]
    fn what_says_little_is_left_out() {
        let points = |reading: Reading| {
            let mut curve = Curve::default();
            (0..10).for_each(|_| curve.add(&reading));
            curve.points().len()
        };
        let long = |seconds| Reading {
            span: Duration::from_secs(seconds),
            busy: Duration::from_secs(4 * seconds),
            ..reading(4.0, 4.0)
        };
        assert_eq!((points(reading(0.24, 0.24)), points(reading(0.25, 0.25))), (0, 1));
        assert_eq!((points(long(11)), points(long(10))), (0, 1));
        assert_eq!(points(Reading { unknown: 1.0, ..reading(4.0, 4.0) }), 0);
    }

    #[test]
    fn a_point_is_the_mean_of_ten_minutes_also_of_long_readings() {
        let mut curve = Curve::default();
        let (span, busy) = (Duration::from_secs(10), Duration::from_secs(40));
        (0..200).for_each(|_| curve.add(&Reading { span, busy, ..reading(4.0, 40.0) }));
        let [point] = curve.points()[..] else { panic!("one range only") };
        let all = [point.seconds, point.concurrency, point.work, point.queries];
        let off = all.iter().zip([600.0, 4.0, 4.0, 10.0]).map(|(is, should)| (is - should).abs());
        assert!(off.fold(0.0, f64::max) < 1e-6, "{point:?}");
    }

    #[test]
    fn a_little_more_than_the_knee_is_not_beyond_it() {
        let mut curve = Curve::default();
        see(&mut curve, 12.0, 12.0, 10);
        see(&mut curve, 14.0, 12.0, 10);
        assert!(!curve.knee().expect("it was seen").passed);
    }

    proptest! {
        #[test]
        fn any_reading_will_do(
            readings in prop::collection::vec((0.0..1e6_f64, 0.0..1e6_f64), 0..100),
        ) {
            let mut curve = Curve::default();
            for (concurrency, work) in readings {
                for _ in 0..6 {
                    curve.add(&reading(concurrency, work));
                }
            }
            if let Some(knee) = curve.knee() {
                prop_assert!(knee.concurrency.is_finite() && knee.best.work > 0.0);
                prop_assert!(knee.concurrency >= LEAST);
            }
        }
    }
}
