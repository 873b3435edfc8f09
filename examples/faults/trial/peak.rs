//! How hard the server is met at once.

use std::time::Duration;

/// The most that happened in any [`BUCKET`] from `from` on.
pub(crate) fn peak(moments: &[Duration], from: Duration) -> usize {
    let mut moments: Vec<_> = moments.iter().filter(|at| **at >= from).collect();
    moments.sort();
    let end_of = |start: usize| moments.partition_point(|at| **at < *moments[start] + BUCKET);
    (0..moments.len()).map(|start| end_of(start) - start).max().unwrap_or_default()
}

/// What counts as at once.
pub(crate) const BUCKET: Duration = Duration::from_millis(100);

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_peak_is_found_wherever_it_lies() {
        let moments = [0, 1, 2, 3, 1_090, 1_100, 1_110, 5_000].map(Duration::from_millis);
        assert_eq!(peak(&moments, Duration::ZERO), 4);
        assert_eq!(peak(&moments, Duration::from_secs(1)), 3);
        assert_eq!(peak(&moments, Duration::from_secs(9)), 0);
    }
}
