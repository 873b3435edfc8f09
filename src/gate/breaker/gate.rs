//! The gate: one lock around the breaker, and a flag that spares it while closed.

use std::{
    fmt,
    future::Ready,
    ops::ControlFlow,
    sync::{
        Arc, Mutex,
        atomic::{AtomicBool, Ordering},
    },
    time::Instant,
};

use crate::{
    class::Class,
    clock,
    control::breaker::{Breaker, Probe, Verdict},
    event::{Circuit, Event, Observe},
    gate::{Entry, Finish, Gate},
    lock::lock,
    outcome::Sample,
    rejection::{Reason, Rejection},
    signal::{OnSignal, Signal},
};

/// Holds a circuit breaker for many threads. While it is closed, passing it costs one
/// atomic load.
#[derive(Clone)]
pub struct BreakerGate(Arc<Shared>);

struct Shared {
    breaker: Mutex<Breaker>,
    closed: AtomicBool,
    observer: Arc<dyn Observe>,
}

impl BreakerGate {
    pub(super) fn new(breaker: Breaker, observer: Arc<dyn Observe>) -> Self {
        let (breaker, closed) = (Mutex::new(breaker), AtomicBool::new(true));
        Self(Arc::new(Shared { breaker, closed, observer }))
    }

    /// The state of the circuit.
    #[must_use]
    pub fn circuit(&self) -> Circuit {
        lock(&self.0.breaker).circuit()
    }

    /// Asks for leave to go on.
    ///
    /// # Errors
    ///
    /// A [`Rejection`] while the circuit is open, or half-open with all probes out.
    pub fn check(&self, class: &Class) -> Result<BreakerPermit, Rejection> {
        if class.exempt || self.0.closed.load(Ordering::Relaxed) {
            return Ok(BreakerPermit { probe: None });
        }
        let started = clock::now();
        match self.change(|breaker| breaker.admit(started)) {
            Verdict::Pass => Ok(BreakerPermit { probe: None }),
            Verdict::Try(probe) => {
                let out = Out { gate: self.clone(), probe, started: Some(started) };
                Ok(BreakerPermit { probe: Some(out) })
            }
            Verdict::Refuse { retry_after } => {
                Err(Rejection::new(Reason::CircuitOpen, retry_after))
            }
        }
    }

    /// What has the breaker hear a database, to be handed to
    /// [`Database::subscribe`](crate::Database::subscribe). It keeps no gate alive.
    pub fn listener(&self) -> impl OnSignal + Send + Sync + use<> {
        let gate = Arc::downgrade(&self.0);
        move |signal: &Signal| match gate.upgrade() {
            Some(gate) => {
                Self(gate).hear(signal);
                ControlFlow::Continue(())
            }
            None => ControlFlow::Break(()),
        }
    }

    pub(in crate::gate) fn hear(&self, signal: &Signal) {
        self.change(|breaker| breaker.on_signal(signal));
    }

    /// From when on queries have a say.
    pub(in crate::gate) fn judged_since(&self) -> Option<Instant> {
        None
    }

    /// Changes the breaker and tells of the transition, if there was one, after the
    /// lock is released.
    fn change<T>(&self, change: impl FnOnce(&mut Breaker) -> T) -> T {
        let mut breaker = lock(&self.0.breaker);
        let from = breaker.circuit();
        let result = change(&mut breaker);
        let to = breaker.circuit();
        self.0.closed.store(to == Circuit::Closed, Ordering::Relaxed);
        drop(breaker);
        if from != to {
            self.0.observer.observe(&Event::Circuit { from, to });
        }
        result
    }
}

impl Gate for BreakerGate {
    type Permit = BreakerPermit;
    type Wait = Ready<Result<BreakerPermit, Rejection>>;

    fn enter(&self, class: &Class, _now: Instant) -> Entry<BreakerPermit, Self::Wait> {
        match self.check(class) {
            Ok(permit) => Entry::Admitted(permit),
            Err(rejection) => Entry::Refused(rejection),
        }
    }
}

impl fmt::Debug for BreakerGate {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("BreakerGate").field(&self.circuit()).finish()
    }
}

/// Leave to pass the circuit. A probe's place comes back when this drops.
#[derive(Debug)]
pub struct BreakerPermit {
    probe: Option<Out>,
}

#[derive(Debug)]
struct Out {
    gate: BreakerGate,
    probe: Probe,
    /// None while it waits for another gate, which says nothing about the database.
    started: Option<Instant>,
}

impl BreakerPermit {
    /// The request waits for another gate.
    pub(in crate::gate) fn pause(&mut self) {
        if let Some(out) = &mut self.probe {
            out.started = None;
        }
    }

    /// The request goes on.
    pub(in crate::gate) fn resume(&mut self) {
        if let Some(out) = &mut self.probe {
            out.started = Some(clock::now());
        }
    }
}

impl Finish for BreakerPermit {
    fn finish(&mut self, sample: &Sample) {
        if let Some(Out { gate, probe, .. }) = self.probe.take() {
            gate.change(|breaker| breaker.finish(probe, clock::now(), sample));
        }
    }
}

impl Drop for BreakerPermit {
    fn drop(&mut self) {
        if let Some(Out { gate, probe, started }) = self.probe.take() {
            let now = clock::now();
            let elapsed = now.saturating_duration_since(started.unwrap_or(now));
            gate.change(|breaker| breaker.abandon(probe, now, elapsed));
        }
    }
}
