//! Has an open circuit ask the database by itself.

use std::{
    ops::ControlFlow,
    sync::atomic::{AtomicBool, Ordering},
};

use tokio::runtime::Handle;

use crate::{
    database::{Database, Ping},
    event::Circuit,
    gate::WeakGates,
    signal::{OnSignal, Signal},
};

/// Starts a task when the circuit opens for the first time, if the database has a pool
/// that it can be asked over. The task ends with the gates.
pub(super) struct Prober {
    gates: WeakGates,
    index: usize,
    ping: Box<dyn Fn() -> Option<Ping> + Send + Sync>,
    started: AtomicBool,
}

impl Prober {
    pub(super) fn new(gates: WeakGates, index: usize, database: &Database) -> Self {
        let ping = Box::new(database.pinged());
        Self { gates, index, ping, started: AtomicBool::new(false) }
    }

    /// Whether there is nothing to do any more.
    fn start(&self) -> bool {
        let Some(gates) = self.gates.upgrade() else { return true };
        let breaker = &gates.guards()[self.index].breaker;
        if breaker.circuit() != Circuit::Open {
            return false;
        }
        let (Some(ping), Ok(runtime)) = ((self.ping)(), Handle::try_current()) else {
            return false;
        };
        if !self.started.swap(true, Ordering::Relaxed) {
            runtime.spawn(breaker.probing(move || ping()));
        }
        true
    }
}

impl OnSignal for Prober {
    fn on_signal(&self, _signal: &Signal) -> ControlFlow<()> {
        if self.start() { ControlFlow::Break(()) } else { ControlFlow::Continue(()) }
    }
}
