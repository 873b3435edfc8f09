//! A limit that stays where it is.

use super::{Limit, Usage};
use crate::signal::Signal;

/// The same limit whatever happens: for a database whose capacity is known and never
/// changes, and to compare with.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Fixed(f64);

impl Fixed {
    /// At most `limit` requests in flight at once.
    #[must_use]
    pub fn new(limit: usize) -> Self {
        Self(limit as f64)
    }
}

impl Limit for Fixed {
    fn limit(&self) -> f64 {
        self.0
    }

    fn update(&mut self, _signal: &Signal, _usage: &Usage) {}
}
