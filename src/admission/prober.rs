//! Has an open circuit ask the database by itself.

use std::{
    ops::ControlFlow,
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering},
    },
};

use tokio::runtime::Handle;

use crate::{
    database::{Database, Ping},
    event::Circuit,
    gate::WeakGates,
    signal::{OnSignal, Signal},
};

/// Starts a task when the circuit opens for the first time, if the database has a pool
/// that it can be asked over. The task ends with the gates.
pub(super) struct Prober {
    gates: WeakGates,
    index: usize,
    ping: Arc<dyn Fn() -> Option<Ping> + Send + Sync>,
    started: AtomicBool,
}

impl Prober {
    pub(super) fn new(gates: WeakGates, index: usize, database: &Database) -> Self {
        let ping = Arc::new(database.pinged());
        Self { gates, index, ping, started: AtomicBool::new(false) }
    }

    /// Whether there is nothing to do any more.
    fn start(&self) -> bool {
        let Some(gates) = self.gates.upgrade() else { return true };
        let breaker = &gates.guards()[self.index].breaker;
        if breaker.circuit() != Circuit::Open {
            return false;
        }
        let (Some(_), Ok(runtime)) = ((self.ping)(), Handle::try_current()) else {
            return false;
        };
        if !self.started.swap(true, Ordering::Relaxed) {
            let ping = self.ping.clone();
            runtime.spawn(breaker.probing(move || ask(ping())));
        }
        true
    }
}

/// Asks over the pool that is there now: it may have taken the place of another.
async fn ask(ping: Option<Ping>) -> Result<(), ()> {
    ping.ok_or(())?().await
}

impl OnSignal for Prober {
    fn on_signal(&self, _signal: &Signal) -> ControlFlow<()> {
        if self.start() { ControlFlow::Break(()) } else { ControlFlow::Continue(()) }
    }
}

#[cfg(test)]
mod tests {
    use std::{sync::atomic::AtomicU32, time::Duration};

    use super::*;
    use crate::{admission::Admission, outcome::Outcome};

    const SECOND: Duration = Duration::from_secs(1);

    /// A pool that counts how often it is asked.
    fn pool(db: &Database) -> Arc<AtomicU32> {
        let asked = Arc::new(AtomicU32::new(0));
        let count = asked.clone();
        let ping: Ping = Arc::new(move || {
            count.fetch_add(1, Ordering::Relaxed);
            Box::pin(async { Ok(()) })
        });
        db.set_pool(|| None, Some(ping));
        asked
    }

    #[tokio::test(start_paused = true)]
    async fn the_pool_that_is_there_now_is_asked() {
        let db = Database::new("shop");
        let admission = Admission::builder().protect(&db).build().expect("it is valid");
        let first = pool(&db);
        admission.layer().gate().breaker().force_open();
        tokio::time::sleep(SECOND).await;
        db.record(SECOND, Outcome::Success);
        tokio::time::sleep(SECOND).await;
        let of_first = first.load(Ordering::Relaxed);
        assert!(of_first > 2, "{of_first}");
        let second = pool(&db);
        tokio::time::sleep(SECOND).await;
        assert_eq!(first.load(Ordering::Relaxed), of_first);
        assert!(second.load(Ordering::Relaxed) > 2);
    }
}
