//! The gate: one lock around the breaker, and a flag that spares it while closed.

use std::{
    fmt,
    future::Ready,
    sync::{
        Arc, Mutex,
        atomic::{AtomicBool, AtomicU64, Ordering},
    },
    time::{Duration, Instant},
};

use super::{BreakerMode, BreakerPermit, BreakerSnapshot, listener::Listener};
use crate::{
    class::Class,
    clock,
    control::breaker::{Breaker, Mode, Verdict},
    event::{Circuit, Event, Observe, Subject},
    gate::{Entry, Gate},
    lock::lock,
    rejection::Rejection,
    signal::{OnSignal, Signal},
};

/// Holds a circuit breaker for many threads, and is the handle to it: a cheap one, of
/// which all clones share everything. While the circuit is closed, passing it costs one
/// atomic load.
#[derive(Clone)]
pub struct BreakerGate(pub(super) Arc<Shared>);

pub(super) struct Shared {
    pub(super) breaker: Mutex<Breaker>,
    pub(super) probe_every: Duration,
    closed: AtomicBool,
    /// Active probes that passed.
    pub(super) answers: AtomicU64,
    report_only: bool,
    would_have_refused: AtomicU64,
    subject: Subject,
    observer: Arc<dyn Observe>,
}

impl BreakerGate {
    pub(super) fn new(
        breaker: Breaker,
        probe_every: Duration,
        report_only: bool,
        subject: Subject,
        observer: Arc<dyn Observe>,
    ) -> Self {
        Self(Arc::new(Shared {
            breaker: Mutex::new(breaker),
            probe_every,
            closed: AtomicBool::new(true),
            answers: AtomicU64::new(0),
            report_only,
            would_have_refused: AtomicU64::new(0),
            subject,
            observer,
        }))
    }

    /// The state of the circuit.
    #[must_use]
    pub fn circuit(&self) -> Circuit {
        self.look(|breaker| breaker.circuit())
    }

    /// Whether nobody is refused for it, whatever it is: unless it is forced open, that is so
    /// where it [only reports](crate::CircuitBreaker::report_only).
    pub(in crate::gate) fn only_reports(&self) -> bool {
        self.0.report_only && self.look(|breaker| breaker.mode()) != Mode::ForcedOpen
    }

    /// Who decides.
    pub(in crate::gate) fn decides(&self) -> BreakerMode {
        self.mode(self.look(|breaker| breaker.mode()))
    }

    /// Whether it is closed, without the lock.
    pub(in crate::gate) fn is_closed(&self) -> bool {
        self.0.closed.load(Ordering::Relaxed)
    }

    /// What it knows and does.
    #[must_use]
    pub fn snapshot(&self) -> BreakerSnapshot {
        let now = clock::now();
        let knowledge = self.look(|breaker| breaker.knowledge(now));
        BreakerSnapshot {
            circuit: knowledge.circuit,
            level: knowledge.level,
            mode: self.mode(knowledge.mode),
            calls: knowledge.calls,
            bad_share: knowledge.bad_share,
            would_have_refused: self.would_have_refused(),
        }
    }

    /// Requests that it would have refused so far, had it not
    /// [only reported](crate::CircuitBreaker::report_only).
    #[must_use]
    pub fn would_have_refused(&self) -> u64 {
        self.0.would_have_refused.load(Ordering::Relaxed)
    }

    /// Refuses every request that is not exempt, also if it only reports, until
    /// [`release`](Self::release).
    pub fn force_open(&self) {
        self.change(|breaker| breaker.force(Mode::ForcedOpen, clock::now()));
    }

    /// Refuses no request until [`release`](Self::release), and goes on watching.
    pub fn force_closed(&self) {
        self.change(|breaker| breaker.force(Mode::ForcedClosed, clock::now()));
    }

    /// Has the breaker decide again. One that was forced open turns half-open, and one
    /// that was forced closed goes by what it saw meanwhile.
    pub fn release(&self) {
        self.change(|breaker| breaker.force(Mode::Automatic, clock::now()));
    }

    /// Asks for leave to go on.
    ///
    /// # Errors
    ///
    /// A [`Rejection`] while the circuit is open, half-open with all probes out, or
    /// dimmed so far that a request of this priority has to go.
    #[inline]
    pub fn check(&self, class: &Class) -> Result<BreakerPermit, Rejection> {
        self.check_at(class, clock::now)
    }

    /// The same. What time it is, is asked only where the circuit is not closed.
    #[inline]
    pub(in crate::gate) fn check_at(
        &self,
        class: &Class,
        now: impl FnOnce() -> Instant,
    ) -> Result<BreakerPermit, Rejection> {
        let is_free = class.exempt || self.is_closed();
        if is_free { Ok(BreakerPermit::free()) } else { self.ask(class, now()) }
    }

    fn ask(&self, class: &Class, now: Instant) -> Result<BreakerPermit, Rejection> {
        let (verdict, mode) =
            self.change(|breaker| (breaker.admit(class.priority, now), breaker.mode()));
        match verdict {
            Verdict::Pass => Ok(BreakerPermit::free()),
            Verdict::Try(probe) => Ok(BreakerPermit::of_probe(self.clone(), probe, now)),
            Verdict::Refuse { .. } if self.mode(mode) == BreakerMode::ReportOnly => {
                self.0.would_have_refused.fetch_add(1, Ordering::Relaxed);
                Ok(BreakerPermit::reported())
            }
            Verdict::Refuse { retry_after } => Err(Rejection::for_circuit(retry_after)),
        }
    }

    /// Asks again for one who had leave but waited since for something else: only a
    /// circuit that has shut meanwhile minds.
    pub(in crate::gate) fn check_again(
        &self,
        class: &Class,
        permit: &mut BreakerPermit,
    ) -> Result<(), Rejection> {
        let open = !self.is_closed() && self.circuit() != Circuit::Partial;
        let tries = permit.probe().is_some_and(|probe| self.look(|own| own.is_out(probe)));
        if open && !tries {
            *permit = self.check(class)?;
        }
        Ok(())
    }

    /// What has the breaker hear a database, to be handed to
    /// [`Database::subscribe`](crate::Database::subscribe). It keeps no gate alive.
    pub fn listener(&self) -> impl OnSignal + Send + Sync + use<> {
        Listener(Arc::downgrade(&self.0))
    }

    pub(in crate::gate) fn hear(&self, signal: &Signal) {
        self.change(|breaker| breaker.on_signal(signal));
    }

    /// Active probes that passed since the last call.
    pub(in crate::gate) fn take_answers(&self) -> u64 {
        self.0.answers.swap(0, Ordering::Relaxed)
    }

    /// From when on queries have a say.
    pub(in crate::gate) fn judge_since(&self) -> Option<Instant> {
        self.look(|breaker| breaker.judge_since())
    }

    fn mode(&self, mode: Mode) -> BreakerMode {
        match mode {
            Mode::Automatic if self.0.report_only => BreakerMode::ReportOnly,
            Mode::Automatic => BreakerMode::Automatic,
            Mode::ForcedOpen => BreakerMode::ForcedOpen,
            Mode::ForcedClosed => BreakerMode::ForcedClosed,
        }
    }

    pub(super) fn look<T>(&self, look: impl FnOnce(&mut Breaker) -> T) -> T {
        look(&mut lock(&self.0.breaker))
    }

    /// Changes the breaker and tells of the transition, if there was one, after the
    /// lock is released.
    pub(super) fn change<T>(&self, change: impl FnOnce(&mut Breaker) -> T) -> T {
        let mut breaker = lock(&self.0.breaker);
        let from = breaker.circuit();
        let result = change(&mut breaker);
        let to = breaker.circuit();
        self.0.closed.store(to == Circuit::Closed, Ordering::Relaxed);
        let cause = (from != to).then(|| breaker.cause().clone());
        drop(breaker);
        if let Some(cause) = cause {
            let of = self.0.subject.clone();
            self.0.observer.observe(&Event::Circuit { of, from, to, cause });
        }
        result
    }
}

impl Gate for BreakerGate {
    type Permit = BreakerPermit;
    type Wait = Ready<Result<BreakerPermit, Rejection>>;

    fn enter(&self, class: &Class, now: Instant) -> Entry<BreakerPermit, Self::Wait> {
        self.check_at(class, || now).into()
    }
}

impl fmt::Debug for BreakerGate {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("BreakerGate").field(&self.circuit()).finish()
    }
}
