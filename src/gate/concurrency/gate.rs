//! The gate: a floor, and what moves its limit.

use std::{
    ops::ControlFlow,
    sync::{
        Arc, Mutex, MutexGuard,
        atomic::{AtomicBool, Ordering},
    },
    time::Instant,
};

use tokio::sync::oneshot;

use super::{
    ConcurrencyLimit, ConcurrencySnapshot, Permit, Wait,
    floor::Floor,
    state::{News, State},
};
use crate::{
    class::{Class, Cost, Priority},
    clock,
    config::InvalidConfig,
    control::{patience::is_late, queue::Ticket},
    event::{Event, Observe, Subject},
    gate::{Entry, Gate},
    lock::lock,
    rejection::{Reason, Rejection},
    signal::{OnSignal, Signal},
};

/// Holds a concurrency limit for many threads. A cheap handle; clones share everything.
///
/// Enter it by hand for work that is no request, or before a connection is taken from a
/// pool: the wait is then in front of the pool, bounded and in order of importance.
///
/// ```
/// # #[tokio::main(flavor = "current_thread")]
/// # async fn main() -> Result<(), Box<dyn std::error::Error>> {
/// # let (deadline, query) = (std::time::Instant::now() + Duration::from_secs(2), async {
/// #     Ok::<_, std::io::Error>(())
/// # });
/// use std::time::Duration;
/// use brownout::{Class, ConcurrencyLimit, Database, Priority};
///
/// let db = Database::new("shop");
/// let gate = ConcurrencyLimit::new().max(10).gate()?;
/// db.subscribe(gate.listener());
///
/// let class = Class::new(Priority::Bulk).cost(4.0).deadline(deadline);
/// let permit = gate.acquire(&class).await?;
/// db.statement("export").observe(query).await?;
/// drop(permit);
/// # Ok(()) }
/// ```
#[derive(Clone)]
pub struct ConcurrencyGate(pub(super) Arc<Shared>);

/// How a caller who waits is reached.
type Caller = oneshot::Sender<Result<Permit, Rejection>>;

pub(super) struct Shared {
    pub(super) floor: Floor<Caller>,
    /// Locked before the floor.
    state: Mutex<State>,
    report_only: AtomicBool,
    subject: Subject,
    observer: Arc<dyn Observe>,
}

impl ConcurrencyGate {
    pub(super) fn new(
        floor: Floor<Caller>,
        state: State,
        report_only: bool,
        subject: Subject,
        observer: Arc<dyn Observe>,
    ) -> Self {
        let (state, report_only) = (Mutex::new(state), AtomicBool::new(report_only));
        let gate = Self(Arc::new(Shared { floor, state, report_only, subject, observer }));
        gate.0.floor.count.belong_to(&gate);
        gate
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

    /// What it holds, and what its algorithm makes of the database.
    #[must_use]
    pub fn snapshot(&self) -> ConcurrencySnapshot {
        let floor = &self.0.floor;
        ConcurrencySnapshot {
            limit: floor.exact_limit(),
            in_flight: floor.in_flight(),
            waiting: floor.waiting(),
            insight: self.state().algorithm.insight(),
        }
    }

    /// Other settings from now on: bounds, headroom, queue and, if it was set, the
    /// algorithm, which starts anew; otherwise the present one keeps what it has learned.
    /// Whatever else is not set goes back to its default. Nobody in flight is lost, and a
    /// higher limit is felt at once. Who waits goes on waiting, though a newcomer may take
    /// the place where the queue is full.
    ///
    /// ```
    /// use brownout::ConcurrencyLimit;
    ///
    /// let gate = ConcurrencyLimit::new().max(50).gate()?;
    /// gate.reload(ConcurrencyLimit::new().max(80))?;
    /// # Ok::<(), brownout::InvalidConfig>(())
    /// ```
    ///
    /// With settings that do not say `report_only`, the gate is enforced from then on.
    ///
    /// # Errors
    ///
    /// [`InvalidConfig`] if a setting is outside its range; nothing has changed then.
    pub fn reload(&self, settings: ConcurrencyLimit) -> Result<(), InvalidConfig> {
        let settings = settings.checked()?;
        self.0.report_only.store(settings.report_only, Ordering::Relaxed);
        self.state().reload(settings, &self.0.floor);
        self.admit_waiting();
        Ok(())
    }

    /// The limit now, in requests in flight at once. A fraction shows as whole places
    /// that take turns: 0.5 is 0, then 1.
    #[must_use]
    pub fn limit(&self) -> usize {
        self.0.floor.limit()
    }

    /// Permits that are out. Above the limit for a while after it has fallen.
    #[must_use]
    pub fn in_flight(&self) -> usize {
        self.0.floor.in_flight()
    }

    /// Whether who comes now is likely to wait.
    pub(in crate::gate) fn is_full(&self) -> bool {
        self.0.floor.is_full()
    }

    /// Whether nobody is refused or waits.
    pub(in crate::gate) fn only_reports(&self) -> bool {
        self.0.report_only.load(Ordering::Relaxed)
    }

    /// Whether nobody is in flight or waits.
    pub(in crate::gate) fn is_idle(&self) -> bool {
        self.0.floor.is_idle()
    }

    /// Requests that wait.
    #[must_use]
    pub fn waiting(&self) -> usize {
        self.0.floor.waiting()
    }

    /// Those of them of this priority and above.
    pub(in crate::gate) fn waiting_from(&self, priority: Priority) -> usize {
        self.0.floor.waiting_from(priority)
    }

    /// What has the limit follow a database, to be handed to
    /// [`Database::subscribe`](crate::Database::subscribe). It keeps no gate alive.
    pub fn listener(&self) -> impl OnSignal + Send + Sync + use<> {
        let gate = Arc::downgrade(&self.0);
        move |signal: &Signal| match gate.upgrade() {
            Some(gate) => {
                Self(gate).hear(signal, &News::default());
                ControlFlow::Continue(())
            }
            None => ControlFlow::Break(()),
        }
    }

    pub(in crate::gate) fn hear(&self, signal: &Signal, news: &News) {
        let (from, to) = self.state().hear(signal, news, &self.0.floor);
        if from != to {
            let of = self.0.subject.clone();
            self.0.observer.observe(&Event::Limit { of, from, to });
        }
        self.admit_waiting();
    }

    /// Lets one in at once, if that needs no look at the queue. It has no permit: whoever asked
    /// [frees](Self::free) the place.
    #[inline]
    pub(in crate::gate) fn admits_at_once(&self, class: &Class) -> bool {
        !self.0.report_only.load(Ordering::Relaxed) && self.0.floor.admits_at_once(class)
    }

    /// One who was let in so is done.
    pub(in crate::gate) fn free(&self) {
        if self.0.floor.count.free() {
            self.admit_waiting();
        }
    }

    pub(super) fn grant(&self, cost: Cost) -> Permit {
        Permit::counted(self.0.floor.count.clone(), cost)
    }

    /// Hands free room to those who wait.
    pub(super) fn admit_waiting(&self) {
        let now = clock::now();
        while let Some((cost, caller)) = self.0.floor.admit_first(now) {
            // A caller who has just left drops the permit, which comes back here.
            let _ = caller.send(Ok(self.grant(cost)));
        }
    }

    /// Someone's wait is over: whether someone goes on for it.
    pub(super) fn admit_overdue(&self, ticket: Ticket) {
        let first = self.0.floor.admit_overdue(ticket, clock::now());
        if let Some((cost, caller)) = first {
            let _ = caller.send(Ok(self.grant(cost)));
        }
    }

    /// The permit of a dear one is dropped.
    pub(super) fn free_dear(&self, cost: Cost) {
        if self.0.floor.free_dear(cost) {
            self.admit_waiting();
        }
    }

    pub(super) fn refuse(&self, reason: Reason) -> Rejection {
        self.0.floor.count_refused();
        Rejection::for_load(reason)
    }

    /// Someone's time in the queue is over.
    pub(super) fn time_out(&self, ticket: Ticket, reason: Reason) -> Rejection {
        self.leave(ticket);
        self.refuse(reason)
    }

    /// Someone gives up a place in the queue, if it is still there.
    pub(super) fn leave(&self, ticket: Ticket) {
        let caller = self.0.floor.leave(ticket);
        // Wakes whoever waits, so not under the lock.
        drop(caller);
    }

    pub(super) fn state(&self) -> MutexGuard<'_, State> {
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
        if self.0.report_only.load(Ordering::Relaxed) {
            return Entry::Admitted(self.let_in(class, now));
        }
        if is_late(class, now) {
            // Not for the limit, so the algorithm is not told.
            return Entry::Refused(Rejection::too_late());
        }
        if self.0.floor.admits_at_once(class) {
            return Entry::Admitted(self.grant(class.cost));
        }
        self.enter_or_wait(class, now)
    }
}
