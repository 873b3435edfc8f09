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
