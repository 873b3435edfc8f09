//! The concurrency limit: counts in flight, and lets the most important wait a little.

use std::{
    fmt, mem,
    ops::ControlFlow,
    sync::{Arc, Mutex},
    time::{Duration, Instant},
};

use tokio::sync::oneshot;

use super::{Entry, Finish, Gate, wait::Wait};
use crate::{
    class::{Class, Priority},
    clock,
    config::{self, InvalidConfig},
    control::{
        limit::{Limit, Stretch, Usage},
        queue::{Entered, Queue, Ticket},
    },
    event::{Event, Observe},
    lock::lock,
    outcome::Sample,
    rejection::{Reason, Rejection},
    signal::{OnSignal, Signal},
};

/// Settings of an adaptive concurrency limit.
///
/// The limit follows what the database does ([`Stretch`] says how). A request over the
/// limit waits in a short queue, strictly by priority, and is refused when its wait
/// grows too long or someone more important needs the place.
///
/// ```
/// use std::time::Duration;
/// use brownout::{ConcurrencyLimit, Database};
///
/// let db = Database::new("shop");
/// let layer = ConcurrencyLimit::new()
///     .max(50)
///     .max_wait(Duration::from_millis(200))
///     .protecting(&db)?;
/// # let _ = layer.classify(brownout::Class::default());
/// # Ok::<(), brownout::InvalidConfig>(())
/// ```
#[derive(Debug)]
#[must_use]
pub struct ConcurrencyLimit {
    algorithm: Box<dyn Limit>,
    min: usize,
    max: usize,
    queue: usize,
    max_wait: Duration,
}

impl Default for ConcurrencyLimit {
    fn default() -> Self {
        Self::new()
    }
}

impl ConcurrencyLimit {
    /// The defaults, which suit one service with one database.
    pub fn new() -> Self {
        Self {
            algorithm: Box::new(Stretch::default()),
            min: 1,
            max: 200,
            queue: 100,
            max_wait: Duration::from_millis(100),
        }
    }

    /// The limit is never lower, in requests in flight at once. Default: 1; at least 1.
    pub fn min(self, min: usize) -> Self {
        Self { min, ..self }
    }

    /// The limit is never higher, in requests in flight at once. Default: 200; at least
    /// 1 and not less than `min`. The size of the connection pool is a good value.
    pub fn max(self, max: usize) -> Self {
        Self { max, ..self }
    }

    /// How many requests may wait. Default: 100. With 0 nobody waits.
    pub fn queue(self, requests: usize) -> Self {
        Self { queue: requests, ..self }
    }

    /// How long a request may wait. Default: 100 ms; at most 1 minute. A request whose
    /// deadline is nearer waits until then.
    pub fn max_wait(self, max_wait: Duration) -> Self {
        Self { max_wait, ..self }
    }

    /// What sets the limit. Default: [`Stretch`].
    pub fn algorithm(self, algorithm: impl Limit + 'static) -> Self {
        Self { algorithm: Box::new(algorithm), ..self }
    }

    /// The gate, to be entered by hand. Its limit moves once its
    /// [`listener`](ConcurrencyGate::listener) is subscribed to a database.
    ///
    /// # Errors
    ///
    /// [`InvalidConfig`] if a setting is outside its range.
    pub fn gate(self) -> Result<ConcurrencyGate, InvalidConfig> {
        self.observed_gate(Arc::new(()))
    }

    pub(crate) fn observed_gate(
        self,
        observer: Arc<dyn Observe>,
    ) -> Result<ConcurrencyGate, InvalidConfig> {
        config::at_least("min", self.min, 1)?;
        config::at_least("max", self.max, 1)?;
        if self.max < self.min {
            let allowed = format_args!("at least `min`, which is {}", self.min).to_string();
            return Err(InvalidConfig::new("max", self.max, allowed));
        }
        let minute = Duration::from_secs(60);
        config::duration("max_wait", self.max_wait, Duration::ZERO, minute)?;
        let mut state = State {
            algorithm: self.algorithm,
            min: self.min,
            max: self.max,
            limit: 0,
            in_flight: 0,
            queue: Queue::new(self.queue),
            usage: Usage::default(),
        };
        state.limit = state.wanted_limit();
        let shared = Shared { state: Mutex::new(state), max_wait: self.max_wait, observer };
        Ok(ConcurrencyGate(Arc::new(shared)))
    }
}

/// Holds a concurrency limit for many threads.
#[derive(Clone)]
pub struct ConcurrencyGate(Arc<Shared>);

pub(super) struct Shared {
    state: Mutex<State>,
    max_wait: Duration,
    observer: Arc<dyn Observe>,
}

/// How a caller who waits is reached.
type Caller = oneshot::Sender<Result<Permit, Rejection>>;

struct State {
    algorithm: Box<dyn Limit>,
    min: usize,
    max: usize,
    limit: usize,
    in_flight: usize,
    queue: Queue<Caller>,
    usage: Usage,
}

impl ConcurrencyGate {
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
        lock(&self.0.state).limit
    }

    /// Permits that are out. Above the limit for a while after it has fallen.
    #[must_use]
    pub fn in_flight(&self) -> usize {
        lock(&self.0.state).in_flight
    }

    /// Requests that wait.
    #[must_use]
    pub fn waiting(&self) -> usize {
        lock(&self.0.state).queue.len()
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
        let mut state = lock(&self.0.state);
        let from = state.limit;
        state.update(signal);
        let to = state.limit;
        drop(state);
        if from != to {
            self.0.observer.observe(&Event::Limit { from, to });
        }
        self.admit_waiting();
    }

    fn grant(&self) -> Permit {
        Permit { gate: Some(self.clone()) }
    }

    /// Hands free room to those who wait.
    fn admit_waiting(&self) {
        loop {
            let mut state = lock(&self.0.state);
            let Some(caller) = state.admit_first() else { return };
            drop(state);
            // A caller who has just left drops the permit, which comes back here.
            let _ = caller.send(Ok(self.grant()));
        }
    }

    fn refuse<T>(&self, reason: Reason) -> Result<T, Rejection> {
        lock(&self.0.state).usage.refused += 1;
        Err(Rejection::new(reason, COME_BACK))
    }

    /// Someone's time in the queue is over.
    pub(super) fn time_out(&self, ticket: Ticket, reason: Reason) -> Result<Permit, Rejection> {
        self.leave(ticket);
        self.refuse(reason)
    }

    /// Someone gives up a place in the queue, if it is still there.
    pub(super) fn leave(&self, ticket: Ticket) {
        drop(lock(&self.0.state).queue.leave(ticket));
    }
}

impl Gate for ConcurrencyGate {
    type Permit = Permit;
    type Wait = Wait;

    fn enter(&self, class: &Class, now: Instant) -> Entry<Permit, Wait> {
        if class.exempt {
            return Entry::Admitted(Permit { gate: None });
        }
        let mut state = lock(&self.0.state);
        if state.admit(class.priority) {
            return Entry::Admitted(self.grant());
        }
        let (until, reason) = match class.deadline {
            Some(deadline) if deadline < now + self.0.max_wait => (deadline, Reason::Deadline),
            _ => (now + self.0.max_wait, Reason::QueueTimeout),
        };
        if until <= now {
            state.usage.refused += 1;
            let reason = if reason == Reason::Deadline { reason } else { Reason::QueueFull };
            return Entry::Refused(Rejection::new(reason, COME_BACK));
        }
        let (caller, granted) = oneshot::channel();
        match state.enqueue(class.priority, caller) {
            Entered::Waiting(ticket) => {
                Entry::Waiting(Wait::new(self.clone(), ticket, granted, until, reason))
            }
            Entered::Evicting(ticket, evicted) => {
                drop(state);
                let _ = evicted.send(self.refuse(Reason::Evicted));
                Entry::Waiting(Wait::new(self.clone(), ticket, granted, until, reason))
            }
            Entered::Full(_) => {
                state.usage.refused += 1;
                Entry::Refused(Rejection::new(Reason::QueueFull, COME_BACK))
            }
        }
    }
}

impl State {
    /// Counts one in, if there is room and nobody waits who is as important.
    fn admit(&mut self, priority: Priority) -> bool {
        let room = self.in_flight < self.limit && !self.queue.is_ahead_of(priority);
        if room {
            self.count_in();
        }
        room
    }

    fn admit_first(&mut self) -> Option<Caller> {
        if self.in_flight >= self.limit {
            return None;
        }
        let caller = self.queue.leave_first()?;
        self.count_in();
        Some(caller)
    }

    fn count_in(&mut self) {
        self.in_flight += 1;
        self.usage.peak = self.usage.peak.max(self.in_flight);
    }

    fn enqueue(&mut self, priority: Priority, caller: Caller) -> Entered<Caller> {
        let entered = self.queue.enter(priority, caller);
        if !matches!(entered, Entered::Full(_)) {
            self.usage.waited += 1;
        }
        entered
    }

    fn update(&mut self, signal: &Signal) {
        let next = Usage { peak: self.in_flight, ..Usage::default() };
        let usage = mem::replace(&mut self.usage, next);
        self.algorithm.update(signal, &usage);
        self.limit = self.wanted_limit();
    }

    fn wanted_limit(&self) -> usize {
        // Saturates, and takes what is no number for 0.
        (self.algorithm.limit() as usize).clamp(self.min, self.max)
    }
}

/// Proof of admission under a concurrency limit. Dropping it frees the place.
#[must_use = "dropping a permit frees its place"]
pub struct Permit {
    /// None for an exempt request, which holds no place.
    gate: Option<ConcurrencyGate>,
}

impl Finish for Permit {
    fn finish(&mut self, _sample: &Sample) {}
}

impl Drop for Permit {
    fn drop(&mut self) {
        if let Some(gate) = self.gate.take() {
            lock(&gate.0.state).in_flight -= 1;
            gate.admit_waiting();
        }
    }
}

impl fmt::Debug for Permit {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Permit").field("counted", &self.gate.is_some()).finish()
    }
}

impl fmt::Debug for ConcurrencyGate {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let state = lock(&self.0.state);
        f.debug_struct("ConcurrencyGate")
            .field("limit", &state.limit)
            .field("in_flight", &state.in_flight)
            .field("waiting", &state.queue.len())
            .field("algorithm", &state.algorithm)
            .finish()
    }
}

/// When a request that was shed may come back: nobody knows how long a surge lasts.
const COME_BACK: Duration = Duration::from_secs(1);

#[cfg(test)]
mod tests;
