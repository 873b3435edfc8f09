//! The fleet with which rate limits share their buckets.

use std::{
    fmt,
    sync::{Arc, OnceLock},
    time::Duration,
};

use crate::{
    database::Database,
    event::{Event, Observe, Subject},
    gate::{BreakerGate, CircuitBreaker, FleetStore, Outage, SharedBuckets, Sharing},
};

/// Processes that spend one quota together, over [`SharedBuckets`] that all of them reach.
///
/// ```
/// use std::time::Duration;
/// use brownout::{Fleet, Key, Outage, Quota, RateLimit, SharedBuckets};
///
/// # fn limit(buckets: impl SharedBuckets, secret: &str) -> Result<(), Box<dyn std::error::Error>> {
/// Key::seed_with(secret)?; // the same one in every process, before any key is made
/// let fleet = Fleet::new("quotas", buckets);
/// let limit = RateLimit::new(Quota::per_second(10)).per_key().shared(&fleet).gate()?;
///
/// // For hot keys a tenth of the round trips, and less patience.
/// let fleet = fleet.lease(10).time_bound(Duration::from_millis(2)).on_outage(Outage::Admit);
/// # let _ = (limit, fleet);
/// # Ok(()) }
/// ```
///
/// # What it costs
///
/// A request asks the store for what it spends, and waits for the answer. None is asked for
/// one that would be refused by what the last answer for its key said: it is told the exact
/// wait, late by no more than the answer was on its way. With a [`lease`](Self::lease) a
/// process asks for more than it needs where a key is hot, and spends that first.
///
/// All processes together then admit, in any span of time, no more than the quota, and the
/// lease once more for each process and key. Cells that are held are good for a second;
/// those that were not spent by then are lost, so that as many less may be admitted. Those of
/// requests that another gate refuses are held in the same way, up to a burst.
///
/// A request that is only counted ([`RateLimit::report_only`](crate::RateLimit::report_only))
/// asks and waits like any other.
///
/// # When the store does not answer
///
/// No request waits for longer than the [`time_bound`](Self::time_bound), and none fails:
/// where there was no answer in time, an error or a panic, what holds is what
/// [`on_outage`](Self::on_outage) says. The store is a [`Database`] of its own with a
/// [`CircuitBreaker`] in front: where most questions are in vain, requests are decided at
/// once without asking, bulk ones first; and where hardly any is answered, three requests at
/// a time try after a second or two whether the store is back. When it is, asking ramps up
/// within three seconds.
///
/// What the store took for a request that did not wait for it any more stays spent. Where
/// it answers only some of the processes or questions, as while asking ramps up or on a
/// machine too busy for the time bound, both quotas hold, that of the fleet and the shares of
/// the processes: up to twice as many are admitted, for as long as that lasts. A store that
/// comes back empty gives a burst once more.
///
/// Each limit needs a fleet with buckets of its own: a client has one bucket there, whichever
/// limit asks. Two with other quotas at one `Fleet` are an error when the second is built.
/// Gates of the same quotas may share it, and spend them together.
#[derive(Clone)]
#[must_use]
pub struct Fleet {
    database: Database,
    store: Arc<FleetStore>,
    watch: Arc<Watch>,
    lease: u32,
    time_bound: Duration,
    outage: Outage,
}

impl Fleet {
    /// All processes that use these buckets. The name is for people: what the store is
    /// called.
    pub fn new(name: impl Into<String>, buckets: impl SharedBuckets) -> Self {
        let database = Database::new(name);
        let (name, watch) = (Arc::<str>::from(database.name()), Arc::new(Watch::default()));
        let of = Subject { database: Some(name.clone()), route: None };
        let breaker = CircuitBreaker::new().open_at_most(2 * OPEN_FOR).open_for(OPEN_FOR);
        let breaker = breaker.observed_gate(of, watch.clone()).expect("it is in range");
        database.subscribe(breaker.listener());
        let take = database.statement("take");
        let account = Box::new(move |latency, outcome| take.record(latency, outcome));
        let store = Arc::new(FleetStore::new(name, Arc::new(buckets), breaker, account));
        let (time_bound, outage) = (Duration::from_millis(5), Outage::default());
        Self { database, store, watch, lease: 1, time_bound, outage }
    }

    /// The most cells of a key that a process asks for at once and holds, beyond what
    /// requests wait for: no more than the smallest burst of its quotas. Default: 1, which
    /// is strict: each request asks for itself. At least 1.
    ///
    /// A process with a lease of several that found less than it asked for leaves the store
    /// alone until as much has come back, or for 50 ms if that is less, and refuses until
    /// then.
    pub fn lease(self, cells: u32) -> Self {
        Self { lease: cells, ..self }
    }

    /// How long a request waits for an answer at most. Default: 5 ms; 1 ms to 10 s.
    pub fn time_bound(self, bound: Duration) -> Self {
        Self { time_bound: bound, ..self }
    }

    /// What holds for a request while the store does not answer. Default:
    /// [`Outage::Local`].
    pub fn on_outage(self, outage: Outage) -> Self {
        Self { outage, ..self }
    }

    /// Sees the transitions of the circuit in front of the store. The first one that is set
    /// stays. Default: nobody does; that the store is lost and found is told to those who
    /// see the rate limit.
    pub fn on_event(self, observer: impl Observe + 'static) -> Self {
        self.watch.0.get_or_init(|| Box::new(observer));
        self
    }

    /// The store as a database: how its answers are doing.
    #[must_use]
    pub fn database(&self) -> &Database {
        &self.database
    }

    /// The circuit in front of the store.
    #[must_use]
    pub fn breaker(&self) -> &BreakerGate {
        &self.store.breaker
    }

    /// How many processes there are with this one, as they were told: every two seconds at
    /// most, while requests come. Where there are fewer, that holds when it was told twice,
    /// since a store that comes back empty counts anew. 1 until the first time.
    #[must_use]
    pub fn members(&self) -> usize {
        self.store.members() as usize
    }
}

impl From<&Fleet> for Sharing {
    fn from(fleet: &Fleet) -> Self {
        let Fleet { store, lease, time_bound, outage, .. } = fleet;
        Self::new(store.clone(), *lease, *time_bound, *outage)
    }
}

impl From<Fleet> for Sharing {
    fn from(fleet: Fleet) -> Self {
        Self::from(&fleet)
    }
}

impl fmt::Debug for Fleet {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Fleet")
            .field("sharing", &Sharing::from(self))
            .field("members", &self.members())
            .field("breaker", &self.store.breaker)
            .finish_non_exhaustive()
    }
}

/// Whoever sees the circuit, once that is known.
#[derive(Default)]
struct Watch(OnceLock<Box<dyn Observe>>);

impl Observe for Watch {
    fn observe(&self, event: &Event) {
        if let Some(observer) = self.0.get() {
            observer.observe(event);
        }
    }
}

/// For how long nobody asks a store that does not answer. Half-open, three requests do, for
/// the time bound at most: that may be often.
const OPEN_FOR: Duration = Duration::from_secs(1);
