//! The handle: counts queries and tells whoever subscribed.

use std::{
    error::Error,
    future::Future,
    panic::{AssertUnwindSafe, catch_unwind},
    sync::{
        Arc, Mutex,
        atomic::{AtomicU64, Ordering},
    },
    time::Duration,
};

use super::{
    DatabaseBuilder, DatabaseSnapshot, Observed, Statement,
    door::{Door, Guard, Pass},
    fork::Handle,
    judge::Judges,
    pool::Pools,
    recorder::Recorder,
    report::Sources,
    table::{Table, UNNAMED},
    texts::Texts,
};
use crate::{
    class::Downstream,
    clock,
    control::{
        call::WAIT,
        stamp::{Stamp, nanos},
    },
    lock::lock,
    outcome::Outcome,
    rejection::{Rejection, rejection_of},
    signal::{Connections, OnSignal, Signal},
};

/// One downstream database, as this process feels it: a cheap handle, of which all clones
/// share everything.
///
/// Feed it with what the database does, and it tells the gates about ten times a second
/// how it does:
///
/// ```
/// # #[tokio::main(flavor = "current_thread")]
/// # async fn main() -> Result<(), std::io::Error> {
/// use brownout::Database;
///
/// let db = Database::new("shop");
/// # let query = async { Ok::<_, std::io::Error>(42) };
/// let rows = db.observe(query).await?;            // any future with a Result
/// # let query = async { Ok::<_, std::io::Error>(42) };
/// let rows = db.statement("search").observe(query).await?; // the same, by its name
/// # Ok(()) }
/// ```
///
/// # Ways to feed it
///
/// | from | | it hears of |
/// |---|---|---|
/// | a future with a `Result` | [`observe`](Self::observe), [`Statement::observe`], by SQL text [`sql`](Self::sql) | what you hand over |
/// | what is no such future | [`Statement::start`] and [`InFlight::finish`](super::InFlight::finish) | the same |
/// | a query that you timed | [`record`](Self::record), [`Statement::record`] | what is over: a stall shows late |
/// | an sqlx pool | `db.sqlx(pool)`, with the feature `sqlx` | every wait, statement and failure, and what the server still does |
/// | any other pool, as of `deadpool` or `bb8` | [`checkout`](Self::checkout) | the wait and its failures; the queries are observed |
/// | a client that is a Tower service | [`layer`](Self::layer) | every call |
/// | what sqlx logs | [`query_events`](crate::tracing), with the feature `tracing` | what is over, and not how it ended |
/// | PostgreSQL's own figures | [`feed_sample`](Self::feed_sample) | for the [`report`](Self::report) alone |
///
/// They may be mixed, as long as no query goes two of these ways.
///
/// A query counts for the request in which it runs, and for its route. One that runs in a
/// task of its own counts so if that was spawned with [`attributed`](crate::attributed).
///
/// Name the statements that differ much in cost: each has a baseline of its own, so
/// that a shift of the mix is not taken for a slow database. What is observed should
/// include the wait for a connection: then the signal is right whether the pool or the
/// database is the narrow place.
///
/// Nothing is protected that is not observed: look at [`Database::snapshot`], whose
/// `finished` has to grow.
#[derive(Clone)]
pub struct Database(pub(super) Arc<Handle>);

pub(super) struct Shared {
    pub(super) number: Downstream,
    pub(super) name: Arc<str>,
    pub(super) judges: Judges,
    pub(super) recorder: Recorder,
    pub(super) table: Mutex<Table>,
    pub(super) texts: Texts,
    subscribers: Mutex<Vec<Arc<dyn OnSignal + Send + Sync>>>,
    door: Mutex<Guard>,
    pub(super) pools: Pools,
    pub(super) sources: Mutex<Sources>,
    /// When the next signal is due, in nanoseconds after `origin`.
    due: AtomicU64,
    pub(super) origin: Stamp,
}

impl Database {
    /// A database with the default settings. The name is for people.
    pub fn new(name: impl Into<String>) -> Self {
        Self::from_checked(DatabaseBuilder::new(name.into()))
    }

    /// A database with settings of your own.
    pub fn builder(name: impl Into<String>) -> DatabaseBuilder {
        DatabaseBuilder::new(name.into())
    }

    /// One that nobody but its subscribers is likely to look at. It has no books before
    /// somebody does.
    pub(crate) fn unseen(name: &str) -> Self {
        Self::without_books(DatabaseBuilder::new(name.into()))
    }

    pub(super) fn from_checked(settings: DatabaseBuilder) -> Self {
        let database = Self::without_books(settings);
        drop(database.0.recorder.open(database.0.origin));
        database
    }

    fn without_books(settings: DatabaseBuilder) -> Self {
        let now = clock::stamp();
        let shared = Shared {
            number: Downstream::another(),
            name: settings.name.into(),
            judges: settings.judges,
            recorder: Recorder::new(settings.slow, now),
            table: Mutex::default(),
            texts: Texts::default(),
            subscribers: Mutex::default(),
            door: Mutex::default(),
            pools: Pools::default(),
            sources: Mutex::default(),
            due: AtomicU64::new(nanos(TICK)),
            origin: now,
        };
        Self(Arc::new(Handle::of(shared)))
    }

    /// The name it was given.
    #[must_use]
    pub fn name(&self) -> &str {
        &self.0.name
    }

    /// Times a query, from the first poll to the result, and counts it in flight
    /// meanwhile. An error is judged by the database's `judge`. Where the error is no
    /// [`Error`], such as `anyhow`'s, or there is no future to hand over, use
    /// [`Statement::start`] and [`InFlight::finish`](super::InFlight::finish).
    ///
    /// # Cancel safety
    ///
    /// As cancel safe as the query. If dropped before the result, the query counts as
    /// cancelled, and its time so far as busy time.
    pub fn observe<F, T, E>(&self, query: F) -> Observed<F>
    where
        F: Future<Output = Result<T, E>>,
        E: Error + 'static,
    {
        self.unnamed().observe(query)
    }

    /// Records a query that you timed yourself, when it is over: `latency` from asking
    /// for a connection to the result.
    pub fn record(&self, latency: Duration, outcome: Outcome) {
        self.record_as(UNNAMED, latency, outcome);
    }

    /// The statement of this name. Up to 100 are kept apart; whatever comes after shares
    /// the figures of queries without a name. So give names to kinds of queries,
    /// and never put a parameter into one.
    #[must_use]
    pub fn statement(&self, name: &str) -> Statement {
        let number = lock(&self.0.table).number(name, |number, name| self.list(number, name));
        Statement { database: self.clone(), number }
    }

    pub(super) fn list(&self, statement: usize, name: Arc<str>) {
        self.0.recorder.figures().meter.name(statement, name);
    }

    /// Has `subscriber` hear every signal from now on, until it breaks off.
    pub fn subscribe(&self, subscriber: impl OnSignal + Send + Sync + 'static) {
        lock(&self.0.subscribers).push(Arc::new(subscriber));
    }

    /// How it did during the last ten seconds.
    #[must_use]
    pub fn snapshot(&self) -> DatabaseSnapshot {
        let now = clock::stamp();
        let pool = self.pool();
        let mut figures = self.0.recorder.open(now);
        let (meter, books) = figures.parts();
        let hung = meter.hanging(now).map(|(_, queries)| queries).sum();
        DatabaseSnapshot { pool, hung, ..books.recent.snapshot(now, meter.in_flight()) }
    }

    /// What an error of a query says about the load. A refusal by one of the gates says
    /// nothing, whatever the database's `judge` would say.
    #[must_use]
    pub fn judge(&self, error: &(dyn Error + 'static)) -> Outcome {
        if rejection_of(error).is_some() { Outcome::Ignore } else { self.0.judges.judge(error) }
    }

    /// Sends a signal if one is due. Whoever comes by does it, so that a database from
    /// which nothing comes back is heard of, too.
    pub(crate) fn tick(&self, now: Stamp) {
        let elapsed = now.nanos_since(self.0.origin);
        let due = self.0.due.load(Ordering::Relaxed);
        if elapsed >= due {
            self.send(now, due, elapsed);
        }
    }

    /// Sends the signal that is due, unless somebody else does.
    #[cold]
    fn send(&self, now: Stamp, due: u64, elapsed: u64) {
        let next = elapsed + nanos(TICK);
        let won = self.0.due.compare_exchange(due, next, Ordering::Relaxed, Ordering::Relaxed);
        if won.is_ok() {
            let mut signal = self.0.recorder.take(now, clock::wall());
            self.look_at_pool(&mut signal);
            self.tell(&signal);
        }
    }

    /// While the pool has connections to spare, who waits for one waits for it to be made,
    /// which is no load.
    fn look_at_pool(&self, signal: &mut Signal) {
        let Some(pool) = self.pool() else { return };
        let lent = pool.size.saturating_sub(pool.idle);
        let connections = Connections { most: pool.max, lent };
        signal.connections = Some(connections);
        if !connections.are_exhausted() {
            signal.statements.retain(|own| own.statement != WAIT);
        }
    }

    /// Puts a door in front of the connections, in place of the one that is there.
    pub(crate) fn set_door(&self, door: Arc<dyn Door>) {
        *lock(&self.0.door) = Some(door);
    }

    /// Asks for leave to take a connection.
    pub(crate) async fn enter(&self) -> Result<Pass, Rejection> {
        let door = lock(&self.0.door).clone();
        match door {
            Some(door) => door.enter().await,
            None => Ok(Pass::default()),
        }
    }

    /// Counts in what is still done for a request that has left.
    pub(crate) fn occupy(&self) -> Pass {
        let door = lock(&self.0.door).clone();
        door.map(|door| door.occupy()).unwrap_or_default()
    }

    pub(super) fn number(&self) -> Downstream {
        self.0.number
    }

    pub(crate) fn unnamed(&self) -> Statement {
        Statement { database: self.clone(), number: UNNAMED }
    }

    fn tell(&self, signal: &Signal) {
        // Told outside the lock: a subscriber may do whatever a subscriber does.
        let subscribers = lock(&self.0.subscribers).clone();
        let mut judge_since = None;
        for subscriber in subscribers {
            // A query that drops sends signals, too, perhaps for a panic; a second one there would
            // be the end of the process. The panic hook tells of algorithms and observers that do.
            let hear = || (subscriber.on_signal(signal), subscriber.judge_since());
            let Ok((told, since)) = catch_unwind(AssertUnwindSafe(hear)) else { continue };
            if told.is_break() {
                lock(&self.0.subscribers).retain(|other| !Arc::ptr_eq(other, &subscriber));
            }
            judge_since = judge_since.max(since);
        }
        if let Some(since) = judge_since {
            self.0.recorder.judge_since(since.into());
        }
    }
}

/// How often a database that is used tells how it does.
const TICK: Duration = Duration::from_millis(100);

#[cfg(test)]
mod tests;
