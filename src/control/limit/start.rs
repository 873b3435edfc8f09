//! The start: up as fast as the work follows.

use super::tally::View;

/// Doubles the limit with every window as long as that gives 1.4 times the work.
///
/// It needs to see enough to judge that, and a database with room: whoever sees less is
/// likely one instance of many, which together would start far beyond what there is.
#[derive(Clone, Debug)]
pub(super) struct Start {
    /// While it is on: the work per second before the last doubling.
    rate: Option<f64>,
}

impl Default for Start {
    fn default() -> Self {
        Self { rate: Some(0.0) }
    }
}

impl Start {
    pub(super) fn is_on(&self) -> bool {
        self.rate.is_some()
    }

    pub(super) fn again(&mut self) {
        self.rate = Some(0.0);
    }

    pub(super) fn stop(&mut self) {
        self.rate = None;
    }

    /// Whether to double. `knows` says that the stretch means something.
    pub(super) fn doubles(&mut self, view: &View, knows: bool) -> bool {
        let sure = knows && view.count >= 12 && view.sees_much() && view.stretch < ROOM;
        let before = self.rate.unwrap_or(f64::INFINITY);
        let doubles = sure && view.rate > 1.4 * before;
        self.rate = doubles.then_some(view.rate);
        doubles
    }
}

/// The stretch below which a database may have room.
pub(super) const ROOM: f64 = 2.0;

#[cfg(test)]
mod tests {
    use super::*;
    use crate::control::limit::Usage;

    /// A second in which one sees much of a database with room.
    const VIEW: View = View {
        span: 1.0,
        in_flight: 4.0,
        finished: 12.0,
        failed: 0.0,
        usage: Usage { peak: 4, admitted: None, waited: 1, refused: 0 },
        count: 12,
        latency: 0.010,
        stretch: 1.9,
        error: 0.1,
        rate: 2.0,
    };

    #[test]
    fn it_goes_on_as_long_as_the_work_grows_by_two_fifths() {
        let mut start = Start::default();
        assert!(start.is_on());
        assert!(start.doubles(&VIEW, true));
        assert!(start.doubles(&View { rate: 2.9, ..VIEW }, true) && start.is_on());
        assert!(!start.doubles(&View { rate: 4.0, ..VIEW }, true) && !start.is_on());
        assert!(!start.doubles(&View { rate: 40.0, ..VIEW }, true), "it is over");
        start.again();
        assert!(start.is_on() && start.doubles(&VIEW, true));
        start.stop();
        assert!(!start.is_on() && !start.doubles(&View { rate: 9.0, ..VIEW }, true));
    }

    #[test]
    fn it_ends_where_little_is_seen_or_there_is_no_room() {
        let doubles = |view: &View, knows| Start::default().doubles(view, knows);
        assert!(doubles(&VIEW, true) && !doubles(&VIEW, false));
        for view in [
            View { count: 11, ..VIEW },
            View { error: 0.12, ..VIEW },
            View { stretch: ROOM, ..VIEW },
            View { rate: 0.0, ..VIEW },
        ] {
            assert!(!doubles(&view, true), "{view:?}");
        }
    }
}
