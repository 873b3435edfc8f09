//! The handle that records.

use std::{
    convert::Infallible,
    fmt, mem,
    sync::{Arc, Mutex},
    time::Duration,
};

use tokio::time::sleep;

use super::{database, decisions, emit, statements::Statements};
use crate::{admission::Admission, lock::lock};

/// Hands to the recorder of the facade `metrics` what an [`Admission`] and its databases have
/// counted. Made by [`Admission::metrics`]; a cheap handle, of which all clones share
/// everything.
///
/// See the [module](crate::metrics) for an example.
#[derive(Clone)]
pub struct Metrics(Arc<Shared>);

struct Shared {
    admission: Admission,
    told: Mutex<Told>,
}

/// What was told so far, and of whom else there is to tell.
#[derive(Default)]
struct Told {
    described: bool,
    databases: Vec<ToldOf>,
    others: Vec<Recorded>,
}

/// What was told of one database.
#[derive(Default)]
struct ToldOf {
    statements: Statements,
    /// Whether it has had a pool.
    pool: bool,
}

/// Something that records itself.
type Recorded = Box<dyn Fn() + Send + Sync>;

impl Admission {
    /// What hands all figures to the recorder of the facade `metrics`. Make one and clone it:
    /// each remembers by itself which statements it has told of.
    #[must_use]
    pub fn metrics(&self) -> Metrics {
        Metrics(Arc::new(Shared { admission: self.clone(), told: Mutex::default() }))
    }
}

impl Metrics {
    /// Hands over all figures as they are now: to be called before a scrape. The first time,
    /// also what each of them is. Takes up to a millisecond for each database.
    ///
    /// The recorder is that of the thread, if it has one, or the global one. Without any,
    /// nothing happens.
    pub fn record(&self) {
        let mut told = lock(&self.0.told);
        if !mem::replace(&mut told.described, true) {
            emit::describe();
        }
        let admission = &self.0.admission;
        let (overview, snapshot) = (admission.overview(), admission.snapshot());
        decisions::record(&overview, &snapshot);
        told.databases.resize_with(overview.databases.len(), ToldOf::default);
        let guards = overview.databases.iter().zip(&snapshot.databases);
        let databases = admission.databases().iter().zip(&mut told.databases);
        for ((overview, guard), (database, told)) in guards.zip(databases) {
            let figures = database.statements();
            database::record(overview, guard, &figures);
            database::record_pool(overview, &mut told.pool);
            told.statements.record(&overview.name, &figures);
        }
        told.others.iter().for_each(|record| record());
    }

    /// [Records](Self::record) now and again after each pause of `period`: to be spawned for
    /// a recorder that pushes. It never ends, and keeps the admission alive until it is
    /// aborted.
    ///
    /// ```
    /// # #[tokio::main(flavor = "current_thread")]
    /// # async fn main() -> Result<(), brownout::InvalidConfig> {
    /// use std::time::Duration;
    ///
    /// let admission = brownout::Admission::builder().build()?;
    /// tokio::spawn(admission.metrics().every(Duration::from_secs(10)));
    /// # Ok(()) }
    /// ```
    ///
    /// # Panics
    ///
    /// Outside a tokio runtime with time enabled.
    ///
    /// # Cancel safety
    ///
    /// Dropping it ends it, between two records.
    pub async fn every(self, period: Duration) -> Infallible {
        loop {
            self.record();
            sleep(period).await;
        }
    }

    /// From now on this, too.
    pub(super) fn and(self, record: impl Fn() + Send + Sync + 'static) -> Self {
        lock(&self.0.told).others.push(Box::new(record));
        self
    }
}

impl fmt::Debug for Metrics {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Metrics").field("admission", &self.0.admission).finish_non_exhaustive()
    }
}
