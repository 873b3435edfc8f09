//! What the gates hear of a database, and what they tell back.

use std::{ops::ControlFlow, time::Instant};

use super::WeakGates;
use crate::signal::{OnSignal, Signal};

pub(super) struct Listener {
    pub(super) gates: WeakGates,
    pub(super) index: usize,
}

impl OnSignal for Listener {
    fn on_signal(&self, signal: &Signal) -> ControlFlow<()> {
        match self.gates.upgrade() {
            Some(gates) => {
                gates.hear(signal, self.index);
                ControlFlow::Continue(())
            }
            None => ControlFlow::Break(()),
        }
    }

    fn judge_since(&self) -> Option<Instant> {
        self.gates.upgrade()?.guards()[self.index].breaker.judge_since()
    }
}
