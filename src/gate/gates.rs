//! The gates in their right order, as one gate: rate, then breaker, then concurrency.

use std::{
    fmt,
    future::Future,
    pin::Pin,
    sync::{
        Arc,
        atomic::{AtomicU64, Ordering},
    },
    task::{Context, Poll, ready},
    time::Instant,
};

use pin_project::pin_project;

use super::{
    BreakerGate, BreakerPermit, ConcurrencyGate, Entry, Finish, Gate, Permit, RateGate, Wait,
};
use crate::{
    class::Class,
    clock,
    event::{Circuit, Event, Observe},
    outcome::Sample,
    rejection::{Reason, Rejection},
};

/// Rate limit (if there is a quota), breaker and concurrency limit as one gate.
///
/// The concurrency permit is taken last, so that no refusal ever holds one. A cell of
/// the quota that was spent on a request which another gate refuses is handed back; where
/// that refusal comes so late that the bucket is full again by then, it holds one more
/// than its burst for a moment.
#[derive(Clone)]
pub struct Gates(Arc<Shared>);

struct Shared {
    rate: Option<RateGate>,
    breaker: BreakerGate,
    concurrency: ConcurrencyGate,
    observer: Arc<dyn Observe>,
    admitted: AtomicU64,
    refused: [AtomicU64; Reason::ALL.len()],
}

/// What the gates hold and have decided so far.
#[derive(Clone, Default, PartialEq, Eq)]
#[non_exhaustive]
pub struct Snapshot {
    /// The concurrency limit, in requests in flight at once.
    pub limit: usize,
    /// Requests in flight under it.
    pub in_flight: usize,
    /// Requests that wait for it.
    pub waiting: usize,
    /// The state of the circuit. An open one turns half-open with
    /// the first request after its time.
    pub circuit: Circuit,
    /// Requests admitted so far, without the exempt.
    pub admitted: u64,
    refused: [u64; Reason::ALL.len()],
}

impl Snapshot {
    /// Requests refused so far for this reason.
    #[must_use]
    pub fn refused(&self, reason: Reason) -> u64 {
        self.refused[reason as usize]
    }
}

impl fmt::Debug for Snapshot {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let refused = Reason::ALL.into_iter().map(|reason| (reason.as_str(), self.refused(reason)));
        f.debug_struct("Snapshot")
            .field("limit", &self.limit)
            .field("in_flight", &self.in_flight)
            .field("waiting", &self.waiting)
            .field("circuit", &self.circuit)
            .field("admitted", &self.admitted)
            .field("refused", &refused.collect::<std::collections::BTreeMap<_, _>>())
            .finish()
    }
}

impl Gates {
    pub(crate) fn new(
        rate: Option<RateGate>,
        breaker: BreakerGate,
        concurrency: ConcurrencyGate,
        observer: Arc<dyn Observe>,
    ) -> Self {
        let (admitted, refused) = Default::default();
        Self(Arc::new(Shared { rate, breaker, concurrency, observer, admitted, refused }))
    }

    /// Enters all of them.
    ///
    /// # Errors
    ///
    /// A [`Rejection`] when one refuses, or there is no room in time.
    ///
    /// # Panics
    ///
    /// When it has to wait outside a tokio runtime with time enabled.
    ///
    /// # Cancel safety
    ///
    /// Dropping the future gives up the place.
    pub async fn acquire(&self, class: &Class) -> Result<GatesPermit, Rejection> {
        match self.enter(class, clock::now()) {
            Entry::Admitted(permit) => Ok(permit),
            Entry::Waiting(wait) => wait.await,
            Entry::Refused(rejection) => Err(rejection),
        }
    }

    /// The gate of the concurrency limit, to look at or to reload.
    #[must_use]
    pub fn concurrency(&self) -> &ConcurrencyGate {
        &self.0.concurrency
    }

    /// What they hold and have decided so far.
    #[must_use]
    pub fn snapshot(&self) -> Snapshot {
        let concurrency = &self.0.concurrency;
        Snapshot {
            limit: concurrency.limit(),
            in_flight: concurrency.in_flight(),
            waiting: concurrency.waiting(),
            circuit: self.0.breaker.circuit(),
            admitted: self.0.admitted.load(Ordering::Relaxed),
            refused: self.0.refused.each_ref().map(|count| count.load(Ordering::Relaxed)),
        }
    }

    fn check(&self, class: &Class) -> Result<GatesPermit, Rejection> {
        if let Some(rate) = &self.0.rate {
            rate.check(class)?;
        }
        let breaker = self.0.breaker.check(class).inspect_err(|_| self.hand_back(class))?;
        Ok(GatesPermit { breaker: Some(breaker), concurrency: None })
    }

    fn hand_back(&self, class: &Class) {
        if let Some(rate) = &self.0.rate {
            rate.hand_back(class);
        }
    }

    fn admit(&self, permit: GatesPermit) -> GatesPermit {
        self.0.admitted.fetch_add(1, Ordering::Relaxed);
        permit
    }

    fn refuse(&self, class: &Class, rejection: Rejection) -> Rejection {
        let reason = rejection.reason();
        self.0.refused[reason as usize].fetch_add(1, Ordering::Relaxed);
        self.0.observer.observe(&Event::Refused { priority: class.priority, reason });
        rejection
    }
}

impl Gate for Gates {
    type Permit = GatesPermit;
    type Wait = GatesWait;

    fn enter(&self, class: &Class, now: Instant) -> Entry<GatesPermit, GatesWait> {
        if class.exempt {
            return Entry::Admitted(GatesPermit::default());
        }
        let mut permit = match self.check(class) {
            Ok(permit) => permit,
            Err(rejection) => return Entry::Refused(self.refuse(class, rejection)),
        };
        match self.0.concurrency.enter(class, now) {
            Entry::Admitted(place) => {
                permit.concurrency = Some(place);
                Entry::Admitted(self.admit(permit))
            }
            Entry::Waiting(wait) => {
                permit.breaker.iter_mut().for_each(BreakerPermit::pause);
                let (gates, class) = (self.clone(), *class);
                Entry::Waiting(GatesWait { gates, class, permit: Some(permit), wait })
            }
            Entry::Refused(rejection) => {
                self.hand_back(class);
                Entry::Refused(self.refuse(class, rejection))
            }
        }
    }
}

impl fmt::Debug for Gates {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("Gates").field(&self.snapshot()).finish()
    }
}

/// Proof of admission by all gates. Dropping it gives back whatever they hold.
#[derive(Debug, Default)]
pub struct GatesPermit {
    breaker: Option<BreakerPermit>,
    concurrency: Option<Permit>,
}

impl Finish for GatesPermit {
    fn finish(&mut self, sample: &Sample) {
        if let Some(breaker) = &mut self.breaker {
            breaker.finish(sample);
        }
    }
}

/// Waits for the concurrency limit with what the other gates gave.
///
/// # Cancel safety
///
/// Dropping it gives up the place, and a breaker's probe. A spent cell stays spent: who
/// leaves while waiting was not refused.
#[pin_project]
#[derive(Debug)]
#[must_use = "futures do nothing unless polled"]
pub struct GatesWait {
    gates: Gates,
    class: Class,
    permit: Option<GatesPermit>,
    #[pin]
    wait: Wait,
}

impl Future for GatesWait {
    type Output = Result<GatesPermit, Rejection>;

    fn poll(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Self::Output> {
        let this = self.project();
        let answer = ready!(this.wait.poll(cx));
        let mut permit = this.permit.take().expect("polled after it was ready");
        Poll::Ready(match answer {
            Ok(place) => {
                permit.breaker.iter_mut().for_each(BreakerPermit::resume);
                permit.concurrency = Some(place);
                Ok(this.gates.admit(permit))
            }
            Err(rejection) => {
                this.gates.hand_back(this.class);
                Err(this.gates.refuse(this.class, rejection))
            }
        })
    }
}
