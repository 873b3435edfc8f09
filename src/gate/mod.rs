//! The gates: each holds one decision for many threads.
//!
//! All state is made when a gate is built and is shared by its clones. A gate knows
//! nothing of services; the layers put it in front of one. A job without a service
//! enters by hand:
//!
//! ```
//! # #[tokio::main(flavor = "current_thread")]
//! # async fn main() -> Result<(), Box<dyn std::error::Error>> {
//! use brownout::{Class, ConcurrencyLimit, Priority};
//!
//! let gate = ConcurrencyLimit::new().max(10).gate()?;
//! let permit = gate.acquire(&Class::new(Priority::Bulk)).await?;
//! // … the work …
//! drop(permit);
//! # Ok(()) }
//! ```

mod breaker;
mod concurrency;
mod gates;
mod rate;

pub use breaker::{BreakerGate, BreakerMode, BreakerPermit, BreakerSnapshot, CircuitBreaker};
#[cfg(feature = "simulate")]
pub(crate) use concurrency::{Checked, bounded};
pub use concurrency::{ConcurrencyGate, ConcurrencyLimit, ConcurrencySnapshot, Permit, Wait};
pub(crate) use gates::{Counts, Guard, Place, RouteUse, WeakGates};
pub use gates::{Gates, GatesPermit, GatesWait, GuardSnapshot, Snapshot, Waited};
pub(crate) use rate::FleetStore;
pub use rate::{
    Order, Outage, Quota, RateGate, RateLimit, RatePermit, RateSnapshot, RateWait, Shared,
    SharedBuckets, SharedRate, Sharing, Taken, Unkeyed,
};

use std::{future::Future, time::Instant};

use crate::{
    class::{Class, Needs},
    control::witness::Attendance,
    outcome::Sample,
    rejection::Rejection,
    standing::Standing,
};

/// Decides on one request at a time. Clones share all state.
pub trait Gate: Clone {
    /// Proof of admission. Dropping it gives back whatever it holds.
    type Permit: Finish;
    /// The wait of a request that was neither admitted nor refused at once. Dropping it
    /// gives up the place.
    type Wait: Future<Output = Result<Self::Permit, Rejection>>;

    /// Decides on a request of this class. An exempt class is always admitted.
    fn enter(&self, class: &Class, now: Instant) -> Entry<Self::Permit, Self::Wait>;
}

/// The answer of a [`Gate`].
#[derive(Debug)]
pub enum Entry<P, W> {
    /// Go on.
    Admitted(P),
    /// Not now, but perhaps soon.
    Waiting(W),
    /// No.
    Refused(Rejection),
}

impl<P, W> From<Result<P, Rejection>> for Entry<P, W> {
    fn from(decision: Result<P, Rejection>) -> Self {
        match decision {
            Ok(permit) => Self::Admitted(permit),
            Err(rejection) => Self::Refused(rejection),
        }
    }
}

/// Hears how an admitted request went. It may be dropped on another thread than it was made on.
pub trait Finish: Send + 'static {
    /// The result is there. What the permit holds, it goes on holding until it drops.
    fn finish(&mut self, sample: &Sample);

    /// Whether it listens at all; where it does not, nobody judges the result. Default: it
    /// does.
    #[doc(hidden)]
    fn listens(&self) -> bool {
        true
    }

    /// The request was refused in the midst, at a database: what it has spent of quotas is
    /// handed back.
    #[doc(hidden)]
    fn hand_back(&mut self) {}

    /// How the client stands with its quotas, if that is to be told.
    fn standing(&self) -> Option<&Standing> {
        None
    }

    /// The request sent queries to these databases only, told before
    /// [`finish`](Self::finish): its result says nothing of others.
    #[doc(hidden)]
    fn visited(&mut self, touched: Needs) {
        let _ = touched;
    }

    /// Whether it has anything to say to the queries of the request. Default: it has not.
    #[doc(hidden)]
    fn attends(&self) -> bool {
        false
    }

    /// Says it, in the place where that is kept.
    #[doc(hidden)]
    fn attend(&self, attendance: &mut Attendance) {
        let _ = attendance;
    }
}

/// For gates that only decide.
impl Finish for () {
    fn finish(&mut self, _sample: &Sample) {}
}
