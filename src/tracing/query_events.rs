//! Feeds a database on what sqlx logs, for those who cannot change their code.
//!
//! sqlx tells [`tracing`](https://docs.rs/tracing) of each statement that it ran, at the
//! level `DEBUG`. [`Database::query_events`] is a subscriber layer that listens:
//!
//! ```
//! use brownout::Database;
//! use tracing_subscriber::{Layer, filter::LevelFilter, fmt, prelude::*};
//!
//! let db = Database::new("shop");
//! # let guard =
//! tracing_subscriber::registry()
//!     .with(fmt::layer().with_filter(LevelFilter::INFO))
//!     .with(db.query_events())
//! # .set_default();
//! # "
//!     .init();
//! # ";
//! ```
//!
//! It brings its own filter, of what sqlx tells and nothing else. The others need theirs,
//! each on its own layer as above: a filter over the whole subscriber, such as an
//! `EnvFilter` that is a layer, or the level of `tracing_subscriber::fmt()`, keeps the
//! events from this one, too, unless it lets `sqlx=debug` pass.
//!
//! # What it does not hear
//!
//! Change the code if you can: [the other ways](crate::Database#ways-to-feed-it) hear more.
//!
//! | | |
//! |---|---|
//! | queries in flight | An event comes when a statement is over, so a database that stalls is silence: nothing counts as in flight, and no circuit opens before the first statements come back. |
//! | failures | sqlx tells of statements that failed, and of those whose future was dropped, in the same words as of any other. They count as successes, and as slow ones only if they took long. |
//! | the wait for a connection | Only with `PoolOptions::acquire_time_level(LevelFilter::Debug)`. It is then the statement `(connection)`. |
//! | a pool without a connection to give | Never told. |
//! | which database | All pools of the process log alike: for one database only. |
//! | which request | SQLite's events come from a thread of its own. |
//!
//! A statement lasts to the end of its rows, with what your code does between them.
//!
//! Where only slow statements come through, because of `log_statements(LevelFilter::Off)`
//! or a filter at `INFO`, the database would seem to do nothing quickly. So what sqlx
//! calls slow is disregarded until something else was heard; look at
//! [`Database::snapshot`], whose `finished` has to grow.

use std::{
    fmt,
    sync::atomic::{AtomicBool, Ordering},
    time::Duration,
};

use tracing_core::{
    Event, Level, Metadata, Subscriber,
    field::{Field, Visit},
};
use tracing_subscriber::{
    Layer,
    filter::{Filtered, Targets},
    layer::Context,
    registry::LookupSpan,
};

use crate::{
    database::{CONNECTION, Database, Statement},
    outcome::Outcome,
};

/// Records what sqlx tells of its statements. Made by [`Database::query_events`].
#[derive(Debug)]
pub struct QueryEvents {
    database: Database,
    queries: Source,
    waits: Source,
}

impl Database {
    /// A layer for a `tracing` subscriber that records each statement of which sqlx
    /// tells, with its filter. See [`brownout::tracing`](crate::tracing) for what that
    /// needs, and what it cannot know.
    pub fn query_events<S>(&self) -> Filtered<QueryEvents, Targets, S>
    where
        S: Subscriber + for<'a> LookupSpan<'a>,
    {
        // At whatever level sqlx is set to.
        let told = Targets::new().with_targets([(QUERY, Level::TRACE), (ACQUIRE, Level::TRACE)]);
        let (queries, waits) = (Source::new(SLOW_QUERY), Source::new(SLOW_ACQUIRE));
        QueryEvents { database: self.clone(), queries, waits }.with_filter(told)
    }
}

impl<S: Subscriber> Layer<S> for QueryEvents {
    fn on_event(&self, event: &Event<'_>, _: Context<'_, S>) {
        let metadata = event.metadata();
        let known = match metadata.target() {
            QUERY => self.queries.counts(metadata).then_some(None),
            ACQUIRE => {
                self.waits.counts(metadata).then(|| Some(self.database.statement(CONNECTION)))
            }
            _ => None,
        };
        let Some(statement) = known else { return };
        let mut told = Told { database: &self.database, statement, latency: None };
        event.record(&mut told);
        told.record();
    }
}

/// One kind of event, of which perhaps only the slow ones come through.
#[derive(Debug)]
struct Source {
    /// The field that only slow ones have.
    slow: &'static str,
    complete: AtomicBool,
}

impl Source {
    fn new(slow: &'static str) -> Self {
        Self { slow, complete: AtomicBool::new(false) }
    }

    /// Whether such an event gives a true picture.
    fn counts(&self, metadata: &Metadata<'_>) -> bool {
        if metadata.fields().field(self.slow).is_none() {
            self.complete.store(true, Ordering::Relaxed);
        }
        self.complete.load(Ordering::Relaxed)
    }
}

/// What an event tells.
struct Told<'a> {
    database: &'a Database,
    statement: Option<Statement>,
    latency: Option<Duration>,
}

impl Told<'_> {
    fn named(&mut self, sql: &str) {
        self.statement = Some(self.database.sql(sql));
    }

    fn record(self) {
        let Some(latency) = self.latency else { return };
        let statement = self.statement.unwrap_or_else(|| self.database.unnamed());
        statement.record(latency, Outcome::Success);
    }
}

impl Visit for Told<'_> {
    fn record_str(&mut self, field: &Field, value: &str) {
        match field.name() {
            // The whole text if it is short; else that comes apart.
            "summary" if !value.ends_with(CUT) => self.named(value),
            "db.statement" if !value.is_empty() => self.named(value),
            _ => {}
        }
    }

    fn record_f64(&mut self, field: &Field, value: f64) {
        if matches!(field.name(), "elapsed_secs" | "acquired_after_secs") {
            self.latency = Duration::try_from_secs_f64(value).ok();
        }
    }

    fn record_debug(&mut self, _: &Field, _: &dyn fmt::Debug) {}
}

const QUERY: &str = "sqlx::query";
const SLOW_QUERY: &str = "slow_threshold";
const ACQUIRE: &str = "sqlx::pool::acquire";
const SLOW_ACQUIRE: &str = "slow_acquire_threshold_secs";
const CUT: char = '…';

#[cfg(test)]
mod tests;
