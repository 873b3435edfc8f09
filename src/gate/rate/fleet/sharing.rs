//! With whom a rate limit shares its buckets, and on which terms.

use std::{
    fmt,
    sync::{
        Arc,
        atomic::{AtomicU32, AtomicU64, Ordering},
    },
    time::{Duration, Instant},
};

use tokio::runtime::Handle;

use super::{
    SharedBuckets,
    claim::{Claim, Shape},
};
use crate::{
    class::Key,
    clock,
    config::{self, InvalidConfig},
    event::Circuit,
    gate::BreakerGate,
    outcome::Outcome,
};

/// What holds for a request while the buckets that the fleet shares do not answer.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub enum Outage {
    /// A bucket of this process, with each quota divided by the processes of the fleet
    /// ([`Fleet::members`](crate::Fleet::members): one that starts in an outage knows of no
    /// other, and has the whole quota), and no fuller than the fleet's own was when it was
    /// heard of last. A request that costs more than the share of a burst passes where that is
    /// whole, and the next one waits for as much longer.
    ///
    /// What is spent so is not told to the store when it is back. So a client may have, beside
    /// what the store gives, the shares of all processes for as long as any request of its is
    /// decided alone.
    #[default]
    Local,
    /// It passes.
    Admit,
    /// It is refused, for [`Reason::Fleet`](crate::Reason::Fleet).
    Refuse,
}

/// With whom a rate limit shares its buckets: made of a [`&Fleet`](crate::Fleet).
#[derive(Clone)]
pub struct Sharing {
    pub(super) store: Arc<FleetStore>,
    lease: u32,
    pub(super) time_bound: Duration,
    pub(super) outage: Outage,
}

impl Sharing {
    pub(crate) fn new(
        store: Arc<FleetStore>,
        lease: u32,
        time_bound: Duration,
        outage: Outage,
    ) -> Self {
        Self { store, lease, time_bound, outage }
    }

    /// Whether a limit can be shared on these terms.
    pub(in crate::gate::rate) fn check(&self, per_key: bool) -> Result<(), InvalidConfig> {
        config::at_least("lease", self.lease, 1)?;
        config::duration("time_bound", self.time_bound, LEAST_BOUND, MOST_BOUND)?;
        if per_key && !Key::may_be_shared() {
            let got = "per key, with keys that only this process can make";
            let allowed = "after `Key::seed_with`: call it when the process starts, before any \
                           key is made, with a secret that all processes of the fleet know";
            return Err(InvalidConfig::new("shared", got, allowed));
        }
        Ok(())
    }

    /// The buckets are those of this limit, if they are not another's.
    pub(in crate::gate::rate) fn claim(&self, shape: Shape) -> Result<Arc<Shape>, InvalidConfig> {
        self.store.claim.share(shape)
    }

    /// The limit whose buckets they are changes.
    pub(in crate::gate::rate) fn change(&self, shape: Shape) -> Arc<Shape> {
        self.store.claim.change(shape)
    }

    /// The most units to hold, where a cell is so many. None are held where each request is
    /// to ask for itself.
    pub(super) fn most(&self, units: u32) -> u32 {
        if self.lease > 1 { self.lease.saturating_mul(units) } else { 0 }
    }
}

impl fmt::Debug for Sharing {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Sharing")
            .field("store", &self.store.name)
            .field("lease", &self.lease)
            .field("time_bound", &self.time_bound)
            .field("outage", &self.outage)
            .finish()
    }
}

/// The store that the processes share, as this one sees it.
pub(crate) struct FleetStore {
    pub(super) name: Arc<str>,
    pub(super) buckets: Arc<dyn SharedBuckets>,
    /// Shut while asking is of no use.
    pub(crate) breaker: BreakerGate,
    pub(super) account: Account,
    /// By which limit the buckets are asked.
    claim: Claim,
    /// As they were told last.
    told: AtomicU32,
    /// As they are believed to be.
    members: AtomicU32,
    /// When they are to be asked for again, in nanoseconds after `start`.
    due: AtomicU64,
    start: Instant,
}

/// Hears how long each question took and how it went.
pub(crate) type Account = Box<dyn Fn(Duration, Outcome) + Send + Sync>;

impl FleetStore {
    pub(crate) fn new(
        name: Arc<str>,
        buckets: Arc<dyn SharedBuckets>,
        breaker: BreakerGate,
        account: Account,
    ) -> Self {
        let [told, members] = [1, 1].map(AtomicU32::new);
        let (claim, due, start) = (Claim::default(), AtomicU64::new(0), clock::now());
        Self { name, buckets, breaker, account, claim, told, members, due, start }
    }

    /// The processes of the fleet, this one included: the most of what was told the last two
    /// times.
    pub(crate) fn members(&self) -> u32 {
        self.members.load(Ordering::Relaxed)
    }

    /// Tells in a task of its own that this process is there, if that is due. Whoever comes
    /// by does it.
    pub(super) fn roll_call(self: &Arc<Self>, now: Instant) {
        let elapsed = now.saturating_duration_since(self.start).as_nanos() as u64;
        let due = self.due.load(Ordering::Relaxed);
        if elapsed < due || self.breaker.circuit() == Circuit::Open {
            return;
        }
        let next = elapsed + ROLL_CALL.as_nanos() as u64;
        let won = self.due.compare_exchange(due, next, Ordering::Relaxed, Ordering::Relaxed);
        if let (Ok(_), Ok(runtime)) = (won, Handle::try_current()) {
            let store = self.clone();
            runtime.spawn(async move {
                let told = tokio::time::timeout(ROLL_CALL, store.buckets.members()).await;
                if let Ok(Ok(members)) = told {
                    store.hear_members(u32::try_from(members).unwrap_or(u32::MAX).max(1));
                }
            });
        }
    }

    /// Where there are fewer than the last time, that is to be told twice: a store that was
    /// lost and came back empty counts anew, and each that believed itself alone would have
    /// the whole quota where it does not answer.
    fn hear_members(&self, told: u32) {
        let before = self.told.swap(told, Ordering::Relaxed);
        self.members.store(told.max(before), Ordering::Relaxed);
    }
}

/// How often the members are asked for at most, and how long an answer may take.
const ROLL_CALL: Duration = Duration::from_secs(2);

const LEAST_BOUND: Duration = Duration::from_millis(1);
const MOST_BOUND: Duration = Duration::from_secs(10);
