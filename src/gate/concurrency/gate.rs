//! The gate: one lock around who is in flight and who waits.

use std::{
    fmt,
    ops::ControlFlow,
    sync::{Arc, Mutex, MutexGuard},
    time::{Duration, Instant},
};

use tokio::{sync::oneshot, time::sleep_until};

use super::{
    Permit, Wait,
    state::{Caller, State},
};
use crate::{
    class::Class,
    clock,
    control::queue::{Entered, Ticket},
    event::{Event, Observe},
    gate::{Entry, Gate},
    lock::lock,
    rejection::{Reason, Rejection},
    signal::{OnSignal, Signal},
};

/// Holds a concurrency limit for many threads.
#[derive(Clone)]
pub struct ConcurrencyGate(Arc<Shared>);

struct Shared {
    state: Mutex<State>,
    max_wait: Duration,
    observer: Arc<dyn Observe>,
}

impl ConcurrencyGate {
    pub(super) fn new(state: State, max_wait: Duration, observer: Arc<dyn Observe>) -> Self {
        Self(Arc::new(Shared { state: Mutex::new(state), max_wait, observer }))
    }

    /// Waits for a permit, at most for the queue's `max_wait`.
    ///
    /// # Errors
    ///
    /// A [`Rejection`] when there is no room in time.
    ///
    /// # Panics
    ///
    /// When it has to wait outside a tokio runtime with time enabled.
    ///
    /// # Cancel safety
    ///
    /// Dropping the future gives up the place, and the permit if it was just granted.
    pub async fn acquire(&self, class: &Class) -> Result<Permit, Rejection> {
        match self.enter(class, clock::now()) {
            Entry::Admitted(permit) => Ok(permit),
            Entry::Waiting(wait) => wait.await,
            Entry::Refused(rejection) => Err(rejection),
        }
    }

    /// The limit now, in requests in flight at once.
    #[must_use]
    pub fn limit(&self) -> usize {
        self.state().occupancy.limit()
    }

    /// Permits that are out. Above the limit for a while after it has fallen.
    #[must_use]
    pub fn in_flight(&self) -> usize {
        self.state().occupancy.in_flight()
    }

    /// Requests that wait.
    #[must_use]
    pub fn waiting(&self) -> usize {
        self.state().occupancy.waiting()
    }

    /// What has the limit follow a database, to be handed to
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

    fn hear(&self, signal: &Signal) {
        let (from, to) = self.state().hear(signal);
        if from != to {
            self.0.observer.observe(&Event::Limit { from, to });
        }
        self.admit_waiting();
    }

    fn grant(&self) -> Permit {
        Permit::counted(self.clone())
    }

    /// Hands free room to those who wait.
    fn admit_waiting(&self) {
        loop {
            let Some(caller) = self.admit_first() else { return };
            // A caller who has just left drops the permit, which comes back here.
            let _ = caller.send(Ok(self.grant()));
        }
    }

    fn admit_first(&self) -> Option<Caller> {
        self.state().occupancy.admit_first()
    }

    /// A permit is dropped.
    pub(super) fn free(&self) {
        self.state().occupancy.count_out();
        self.admit_waiting();
    }

    fn refuse(&self, reason: Reason) -> Rejection {
        self.state().occupancy.count_refused();
        Rejection::new(reason, COME_BACK)
    }

    /// Someone's time in the queue is over.
    pub(super) fn time_out(&self, ticket: Ticket, reason: Reason) -> Rejection {
        self.leave(ticket);
        self.refuse(reason)
    }

    /// Someone gives up a place in the queue, if it is still there.
    pub(super) fn leave(&self, ticket: Ticket) {
        let caller = self.state().occupancy.leave(ticket);
        // Wakes whoever waits, so not under the lock.
        drop(caller);
    }

    fn state(&self) -> MutexGuard<'_, State> {
        lock(&self.0.state)
    }
}

impl Gate for ConcurrencyGate {
    type Permit = Permit;
    type Wait = Wait;

    fn enter(&self, class: &Class, now: Instant) -> Entry<Permit, Wait> {
        if class.exempt {
            return Entry::Admitted(Permit::uncounted());
        }
        let mut state = self.state();
        if state.occupancy.admit(class.priority) {
            return Entry::Admitted(self.grant());
        }
        let longest = now + self.0.max_wait;
        let (until, late) = match class.deadline {
            Some(deadline) if deadline < longest => (deadline, Reason::Deadline),
            _ => (longest, Reason::QueueTimeout),
        };
        if until <= now {
            drop(state);
            return Entry::Refused(self.refuse(late));
        }
        // First, since it panics outside a runtime: nobody is in the queue yet.
        let timeout = sleep_until(until.into());
        let (caller, granted) = oneshot::channel();
        let entered = state.occupancy.wait(class.priority, caller);
        drop(state);
        let ticket = match entered {
            Entered::Waiting(ticket) => ticket,
            Entered::Evicting(ticket, evicted) => {
                // Whoever has left by now needs no answer.
                let _ = evicted.send(Err(self.refuse(Reason::Evicted)));
                ticket
            }
            Entered::Full(_) => return Entry::Refused(self.refuse(Reason::QueueFull)),
        };
        Entry::Waiting(Wait::new(self.clone(), ticket, granted, timeout, late))
    }
}

impl fmt::Debug for ConcurrencyGate {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let state = self.state();
        f.debug_struct("ConcurrencyGate")
            .field("limit", &state.occupancy.limit())
            .field("in_flight", &state.occupancy.in_flight())
            .field("waiting", &state.occupancy.waiting())
            .field("algorithm", &state.algorithm)
            .finish()
    }
}

/// When a request that was shed may come back: nobody knows how long a surge lasts.
const COME_BACK: Duration = Duration::from_secs(1);
