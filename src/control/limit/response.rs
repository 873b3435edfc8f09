//! Does throughput follow concurrency? Then latency does not.

/// How far concurrency has to move before its effect can be read.
const MOVED: f64 = 0.6;
/// The elasticity above which less concurrency was simply less work done.
const PROPORTIONAL: f64 = 0.7;

/// Compares two windows of one spell of congestion.
///
/// Where the database is saturated, throughput X stays when concurrency N falls, and
/// the elasticity e = ln(X₂/X₁) / ln(N₂/N₁) is near 0. Where e is near 1, the latency
/// does not come from the concurrency (a slower network, a table that grew), and
/// lowering the limit further would only throw work away.
#[derive(Debug, Default)]
pub(super) struct Response {
    windows: u32,
    reference: Option<Point>,
}

/// One window: concurrency, throughput (in work per second), and the limit in force.
#[derive(Clone, Copy, Debug)]
pub(super) struct Point {
    pub(super) in_flight: f64,
    pub(super) rate: f64,
    pub(super) limit: f64,
}

impl Response {
    /// Windows that this spell has lasted.
    pub(super) fn windows(&self) -> u32 {
        self.windows
    }

    /// The spell is over.
    pub(super) fn reset(&mut self) {
        *self = Self::default();
    }

    /// Adds a congested window. Some: throughput followed concurrency, and this is the
    /// higher of the limits that were compared.
    pub(super) fn add(&mut self, now: Point) -> Option<f64> {
        self.windows += 1;
        // The first window straddles the change that caused the spell.
        if self.windows == 1 {
            return None;
        }
        let reference = *self.reference.get_or_insert(now);
        let moved = now.in_flight / reference.in_flight;
        if (MOVED..=1.0 / MOVED).contains(&moved) || !moved.is_normal() {
            return None;
        }
        self.reference = Some(now);
        let elasticity = (now.rate / reference.rate).ln() / moved.ln();
        (elasticity > PROPORTIONAL).then(|| now.limit.max(reference.limit))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn spell(points: [(f64, f64); 3]) -> Option<f64> {
        let mut response = Response::default();
        let point = |(in_flight, rate)| Point { in_flight, rate, limit: in_flight };
        points.map(|each| response.add(point(each)))[2]
    }

    #[test]
    fn constant_throughput_means_saturation() {
        assert_eq!(spell([(20.0, 100.0), (10.0, 100.0), (5.0, 98.0)]), None);
    }

    #[test]
    fn proportional_throughput_means_a_slower_path() {
        assert_eq!(spell([(20.0, 100.0), (10.0, 50.0), (5.0, 25.0)]), Some(10.0));
    }

    #[test]
    fn it_reads_upwards_too() {
        assert_eq!(spell([(2.0, 10.0), (2.0, 10.0), (4.0, 20.0)]), Some(4.0));
        assert_eq!(spell([(2.0, 10.0), (2.0, 10.0), (4.0, 10.0)]), None);
    }

    #[test]
    fn nothing_in_flight_says_nothing() {
        assert_eq!(spell([(2.0, 1.0), (2.0, 1.0), (0.0, 0.0)]), None);
        assert_eq!(spell([(0.0, 0.0), (0.0, 0.0), (2.0, 1.0)]), None);
    }
}
