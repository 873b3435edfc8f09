//! The circuit breaker, shared.

use std::{
    fmt,
    future::Ready,
    ops::ControlFlow,
    sync::{
        Arc, Mutex,
        atomic::{AtomicBool, Ordering},
    },
    time::{Duration, Instant},
};

use super::{Entry, Finish, Gate};
use crate::{
    class::Class,
    clock,
    config::{self, InvalidConfig},
    control::breaker::{Breaker, Figures, Probe, Verdict},
    event::{Circuit, Event, Observe},
    lock::lock,
    outcome::Sample,
    rejection::{Reason, Rejection},
    signal::{OnSignal, Signal},
};

/// Settings of a circuit breaker.
///
/// It opens when, within the window, the share of calls that were slow or failed by
/// overload reaches `trip_share`; what is slow, the database says
/// ([`DatabaseBuilder::slow_after`](crate::DatabaseBuilder::slow_after)). It opens also
/// when the database stalls: calls that have been out for longer than that, while none
/// comes back, count as slow. After `open_for` it lets `probes` requests through; when
/// all of them come back in time it closes, and when one does not it opens for twice as
/// long. A probe that says nothing about the load, such as a 404, makes room for
/// another.
///
/// ```
/// use std::time::Duration;
/// use brownout::{CircuitBreaker, Database};
///
/// let db = Database::new("shop");
/// let layer = CircuitBreaker::new().trip_share(0.3).probes(5).protecting(&db)?;
/// # let _ = layer.classify(brownout::Class::default());
/// # Ok::<(), brownout::InvalidConfig>(())
/// ```
#[derive(Clone, Copy, Debug)]
#[must_use]
pub struct CircuitBreaker {
    figures: Figures,
}

impl Default for CircuitBreaker {
    fn default() -> Self {
        Self::new()
    }
}

impl CircuitBreaker {
    /// The defaults, which suit one database with queries of well under a second.
    pub fn new() -> Self {
        Self {
            figures: Figures {
                trip_share: 0.5,
                min_calls: 10,
                window: Duration::from_secs(3),
                open_for: Duration::from_secs(1),
                open_at_most: Duration::from_secs(30),
                probes: 3,
            },
        }
    }

    /// The share of slow and failed calls that opens the circuit. Default: 0.5; more
    /// than 0, at most 1.
    pub fn trip_share(mut self, share: f64) -> Self {
        self.figures.trip_share = share;
        self
    }

    /// The calls in the window below which it does not judge. Default: 10; at least 1.
    pub fn min_calls(mut self, calls: u64) -> Self {
        self.figures.min_calls = calls;
        self
    }

    /// The length of the sliding window. Default: 3 s; 100 ms to 1 h.
    pub fn window(mut self, window: Duration) -> Self {
        self.figures.window = window;
        self
    }

    /// How long it stays open the first time. Default: 1 s; 1 ms to 1 h.
    pub fn open_for(mut self, open: Duration) -> Self {
        self.figures.open_for = open;
        self
    }

    /// How long it stays open at most, after doubling. Default: 30 s; 1 ms to 1 day,
    /// and not less than `open_for`.
    pub fn open_at_most(mut self, open: Duration) -> Self {
        self.figures.open_at_most = open;
        self
    }

    /// How many requests in a row have to succeed before it closes; that many may be
    /// out at once. Default: 3; at least 1.
    pub fn probes(mut self, probes: u32) -> Self {
        self.figures.probes = probes;
        self
    }

    /// The gate, to be entered by hand. It hears of a database once its
    /// [`listener`](BreakerGate::listener) is subscribed to it.
    ///
    /// # Errors
    ///
    /// [`InvalidConfig`] if a setting is outside its range.
    pub fn gate(self) -> Result<BreakerGate, InvalidConfig> {
        self.observed_gate(Arc::new(()))
    }

    pub(crate) fn observed_gate(
        self,
        observer: Arc<dyn Observe>,
    ) -> Result<BreakerGate, InvalidConfig> {
        let breaker = Mutex::new(Breaker::new(self.checked()?, clock::now()));
        Ok(BreakerGate(Arc::new(Shared { breaker, closed: AtomicBool::new(true), observer })))
    }

    fn checked(self) -> Result<Figures, InvalidConfig> {
        let (millisecond, hour) = (Duration::from_millis(1), Duration::from_secs(3600));
        let figures = self.figures;
        config::share("trip_share", figures.trip_share)?;
        config::at_least("min_calls", figures.min_calls as usize, 1)?;
        config::at_least("probes", figures.probes as usize, 1)?;
        config::duration("window", figures.window, 100 * millisecond, hour)?;
        config::duration("open_for", figures.open_for, millisecond, hour)?;
        config::duration("open_at_most", figures.open_at_most, figures.open_for, 24 * hour)?;
        Ok(figures)
    }
}

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
                let out = Out { gate: self.clone(), probe, started };
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
                Self(gate).change(|breaker| breaker.on_signal(signal));
                ControlFlow::Continue(())
            }
            None => ControlFlow::Break(()),
        }
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
    started: Instant,
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
            let elapsed = now.saturating_duration_since(started);
            gate.change(|breaker| breaker.abandon(probe, now, elapsed));
        }
    }
}
