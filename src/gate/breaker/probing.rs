//! The active probe, which spares the requests.

use std::{
    future::Future,
    sync::{Arc, Weak, atomic::Ordering},
    time::Duration,
};

use super::{BreakerGate, gate::Shared};
use crate::{clock, event::Circuit};

impl BreakerGate {
    /// Has a circuit that is open hear the database without spending a request on it:
    /// while it is open or half-open, calls `probe`, say for a `SELECT 1`, every
    /// [`probe_every`](crate::CircuitBreaker::probe_every), give or take a fifth. One that
    /// succeeds within what the database calls slow
    /// ([`DatabaseBuilder::slow_after`](crate::DatabaseBuilder::slow_after)) counts as a
    /// probe that passed, also where a circuit was to be open for longer. One that fails or takes longer keeps the circuit open, though
    /// for no longer than `open_at_most`, and does not lengthen the next open time.
    ///
    /// Spawn it, or poll it beside something else. It ends when the gate and all its
    /// clones are gone.
    ///
    /// ```
    /// # #[tokio::main(flavor = "current_thread")]
    /// # async fn main() -> Result<(), brownout::InvalidConfig> {
    /// use brownout::CircuitBreaker;
    ///
    /// # async fn ping() -> Result<(), std::io::Error> { Ok(()) }
    /// let gate = CircuitBreaker::new().gate()?;
    /// let probing = tokio::spawn(gate.probing(|| ping()));
    /// drop(gate);
    /// probing.await.expect("it ends with the gate");
    /// # Ok(()) }
    /// ```
    ///
    /// # Panics
    ///
    /// When polled outside a tokio runtime with time enabled.
    ///
    /// # Cancel safety
    ///
    /// Dropping it at any time leaves nothing behind but the query that was on its way.
    pub fn probing<F, Q, T, E>(&self, probe: F) -> impl Future<Output = ()> + use<F, Q, T, E>
    where
        F: FnMut() -> Q,
        Q: Future<Output = Result<T, E>>,
    {
        probe_while(Arc::downgrade(&self.0), probe)
    }

    /// How long to wait before the next active probe.
    fn pause(&self) -> Duration {
        let every = self.0.probe_every;
        self.look(|breaker| breaker.spread(every))
    }

    /// How long an active probe may take. None if none is wanted now.
    fn patience(&self) -> Option<Duration> {
        let wanted = matches!(self.circuit(), Circuit::Open | Circuit::HalfOpen);
        wanted.then(|| self.look(|breaker| breaker.slow_after()))
    }
}

async fn probe_while<F, Q, T, E>(gate: Weak<Shared>, mut probe: F)
where
    F: FnMut() -> Q,
    Q: Future<Output = Result<T, E>>,
{
    let alive = || gate.upgrade().map(BreakerGate);
    while let Some(pause) = alive().map(|gate| gate.pause()) {
        tokio::time::sleep(pause).await;
        let Some(patience) = alive().and_then(|gate| gate.patience()) else { continue };
        let answer = tokio::time::timeout(patience, probe()).await;
        if let Some(gate) = alive() {
            let passed = matches!(answer, Ok(Ok(_)));
            gate.0.answers.fetch_add(u64::from(passed), Ordering::Relaxed);
            gate.change(|breaker| breaker.probed(clock::now(), passed));
        }
    }
}
