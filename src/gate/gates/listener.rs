//! What the gates hear of a database, and what they tell back.

use std::{
    ops::ControlFlow,
    sync::{Arc, Weak},
    time::Instant,
};

use super::{Gates, Shared};
use crate::signal::{OnSignal, Signal};

/// Gates that may be gone.
pub(crate) struct WeakGates(Weak<Shared>);

impl WeakGates {
    pub(crate) fn upgrade(&self) -> Option<Gates> {
        self.0.upgrade().map(Gates)
    }
}

impl Gates {
    /// The same, without keeping them alive.
    pub(crate) fn weak(&self) -> WeakGates {
        WeakGates(Arc::downgrade(&self.0))
    }

    /// What has the gates of a database hear it. It keeps none alive.
    pub(crate) fn listener(&self, index: usize) -> impl OnSignal + Send + Sync + use<> {
        Listener { gates: self.weak(), index }
    }
}

struct Listener {
    gates: WeakGates,
    index: usize,
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
