//! What a breaker hears of a database, and what it tells back.

use std::{ops::ControlFlow, sync::Weak, time::Instant};

use super::{BreakerGate, gate::Shared};
use crate::signal::{OnSignal, Signal};

pub(super) struct Listener(pub(super) Weak<Shared>);

impl OnSignal for Listener {
    fn on_signal(&self, signal: &Signal) -> ControlFlow<()> {
        match self.0.upgrade() {
            Some(gate) => {
                BreakerGate(gate).hear(signal);
                ControlFlow::Continue(())
            }
            None => ControlFlow::Break(()),
        }
    }

    fn judge_since(&self) -> Option<Instant> {
        BreakerGate(self.0.upgrade()?).judge_since()
    }
}
