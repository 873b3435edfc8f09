//! Looks once a second, by whoever comes by.

use std::{
    fmt,
    ops::ControlFlow,
    sync::{
        Arc, Mutex,
        atomic::{AtomicU64, Ordering},
    },
    time::{Duration, Instant},
};

use super::{
    Evidence, Incident,
    moment::{EVERY, Moment},
    recorder::Recorder,
};
use crate::{
    brownout, clock,
    database::Database,
    gate::{Gates, WeakGates},
    journal::Journal,
    lock::lock,
    signal::{OnSignal, Signal},
};

/// Watches the gates and their databases for incidents.
#[derive(Clone)]
pub(crate) struct Watcher(Arc<Shared>);

struct Shared {
    gates: WeakGates,
    databases: Arc<[Database]>,
    journal: Arc<Journal>,
    recorder: Mutex<Recorder>,
    origin: Instant,
    /// When it is to look again, in milliseconds after `origin`.
    due: AtomicU64,
}

impl Watcher {
    pub(crate) fn new(gates: WeakGates, databases: Arc<[Database]>, journal: Arc<Journal>) -> Self {
        let (recorder, due) = Default::default();
        let origin = clock::now();
        Self(Arc::new(Shared { gates, databases, journal, recorder, origin, due }))
    }

    /// The oldest first, those included that last.
    pub(crate) fn incidents(&self) -> Vec<Incident> {
        self.look(clock::now(), clock::wall());
        lock(&self.0.recorder).incidents()
    }

    /// What has it look. It keeps nothing alive.
    pub(crate) fn listener(&self) -> impl OnSignal + Send + Sync + use<> {
        let shared = Arc::downgrade(&self.0);
        move |signal: &Signal| match shared.upgrade() {
            Some(shared) => {
                Self(shared).look_if_due(signal);
                ControlFlow::Continue(())
            }
            None => ControlFlow::Break(()),
        }
    }

    fn look_if_due(&self, signal: &Signal) {
        let now = self.since_origin(signal.at).as_millis() as u64;
        let due = self.0.due.load(Ordering::Relaxed);
        if now < due {
            return;
        }
        let (next, relaxed) = (now + EVERY.as_millis() as u64, Ordering::Relaxed);
        if self.0.due.compare_exchange(due, next, relaxed, relaxed).is_ok() {
            self.look(signal.at, signal.wall);
        }
    }

    fn look(&self, now: Instant, wall: Duration) {
        let Some(gates) = self.0.gates.upgrade() else { return };
        if self.see(&gates, now, wall) {
            // Without the lock: who is asked may send a signal, which comes back here.
            let evidence = self.0.databases.iter().map(Evidence::of).collect();
            lock(&self.0.recorder).take(evidence);
        }
    }

    /// Whether evidence is wanted. All is looked at under the lock, so that nobody sees what
    /// was before what another has seen.
    fn see(&self, gates: &Gates, now: Instant, wall: Duration) -> bool {
        let mut recorder = lock(&self.0.recorder);
        let latest = self.0.journal.since(recorder.noted());
        let moment = self.moment(gates, now, wall);
        recorder.see(moment, latest)
    }

    fn moment(&self, gates: &Gates, now: Instant, at: Duration) -> Moment {
        let saturated = self.0.databases.iter().filter(|database| database.is_saturated());
        let saturated = saturated.map(|database| database.name().into()).collect();
        let snapshot = gates.snapshot_without_quotas();
        let left_out = brownout::left_out(snapshot.level);
        Moment { at, since: self.since_origin(now), snapshot, left_out, saturated }
    }

    fn since_origin(&self, now: Instant) -> Duration {
        now.saturating_duration_since(self.0.origin)
    }
}

impl fmt::Debug for Watcher {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let at = lock(&self.0.recorder).last().at;
        f.debug_struct("Watcher").field("looked", &at).finish_non_exhaustive()
    }
}
