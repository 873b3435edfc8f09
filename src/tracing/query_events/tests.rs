use std::{
    ops::ControlFlow,
    sync::{Arc, Mutex},
};

use ::tracing::{Level, event, subscriber::with_default};
use tracing_subscriber::{filter::LevelFilter, fmt, prelude::*, registry};

use super::*;
use crate::signal::Signal;

/// What a query of so many seconds looks like.
macro_rules! query {
    ($seconds:expr, $summary:expr, $sql:expr) => {
        event!(
            target: "sqlx::query",
            Level::DEBUG,
            summary = $summary,
            db.statement = $sql,
            rows_affected = 0_u64,
            elapsed = ?Duration::from_secs_f64($seconds),
            elapsed_secs = $seconds,
        )
    };
}

macro_rules! slow_query {
    ($seconds:expr) => {
        event!(
            target: "sqlx::query",
            Level::WARN,
            summary = "SELECT ?",
            db.statement = "",
            elapsed_secs = $seconds,
            slow_threshold = ?Duration::from_secs(1),
            "slow statement"
        )
    };
}

fn listening(db: &Database, events: impl FnOnce()) {
    with_default(registry().with(db.query_events()), events);
}

/// The names and the number of the queries of the next signal.
fn calls(db: &Database, feed: impl FnOnce()) -> Vec<(String, u64)> {
    let heard = Arc::new(Mutex::new(Vec::new()));
    let ears = heard.clone();
    db.subscribe(move |signal: &Signal| {
        let calls = signal.calls.iter().map(|calls| (calls.name.to_string(), calls.all));
        ears.lock().expect("nobody panics").extend(calls);
        ControlFlow::Break(())
    });
    feed();
    let in_a_second = crate::clock::now() + Duration::from_secs(1);
    db.tick(in_a_second.into());
    heard.lock().expect("nobody panics").clone()
}

#[test]
fn an_event_is_a_query_of_its_statement() {
    let db = Database::new("shop");
    let named = calls(&db, || {
        listening(&db, || {
            query!(0.080, "SELECT ?", "");
            query!(0.080, "SELECT name FROM products …", "\n\nSELECT name FROM products LIMIT 9\n");
            query!(0.080, "SELECT name FROM products …", "\n\nSELECT name FROM products LIMIT 8\n");
            query!(0.080, "SELECT name FROM products …", "\n\nSELECT name FROM products LIMIT 8\n");
        });
    });
    let name = |text: &str, count| (text.to_owned(), count);
    assert_eq!(named[0], name("SELECT ?", 1));
    assert_eq!(named.iter().map(|(_, all)| all).sum::<u64>(), 4);
    assert!(named[1..].iter().all(|(text, _)| text.starts_with("SELECT name FROM products LIMIT")));
    let snapshot = db.snapshot();
    assert_eq!((snapshot.finished, snapshot.in_flight, snapshot.overloads), (4, 0, 0));
    let p50 = snapshot.p50.expect("they came back");
    assert!((80..=90).contains(&p50.as_millis()), "{p50:?}");
}

#[test]
fn slow_events_alone_are_no_picture() {
    let db = Database::new("shop");
    listening(&db, || {
        slow_query!(3.0);
        assert_eq!(db.snapshot().finished, 0);
        query!(0.001, "SELECT ?", "");
        slow_query!(3.0);
        assert_eq!(db.snapshot().finished, 2);
    });
}

#[test]
fn a_filter_over_all_leaves_slow_events_which_are_disregarded() {
    let db = Database::new("shop");
    with_default(registry().with(LevelFilter::INFO).with(db.query_events()), || {
        query!(0.001, "SELECT ?", "");
        slow_query!(3.0);
    });
    assert_eq!(db.snapshot().finished, 0);
}

#[test]
fn the_filter_of_another_layer_leaves_all_events() {
    let (db, shown) = (Database::new("shop"), Shown::default());
    let writer = shown.clone();
    let others = fmt::layer().with_writer(move || writer.clone()).with_filter(LevelFilter::INFO);
    with_default(registry().with(others).with(db.query_events()), || {
        query!(0.001, "SELECT ?", "");
        event!(Level::DEBUG, "is for nobody");
        event!(Level::INFO, "is for the other");
    });
    assert_eq!(db.snapshot().finished, 1);
    let shown = String::from_utf8(shown.0.lock().expect("nobody panics").clone());
    let shown = shown.expect("it is text");
    assert!(shown.contains("is for the other") && shown.lines().count() == 1, "{shown}");
}

#[derive(Clone, Default)]
struct Shown(Arc<Mutex<Vec<u8>>>);

impl std::io::Write for Shown {
    fn write(&mut self, bytes: &[u8]) -> std::io::Result<usize> {
        self.0.lock().expect("nobody panics").write(bytes)
    }

    fn flush(&mut self) -> std::io::Result<()> {
        Ok(())
    }
}

#[test]
fn waits_for_a_connection_are_a_statement_once_all_are_told() {
    let db = Database::new("shop");
    let slow = || {
        event!(
            target: "sqlx::pool::acquire",
            Level::WARN,
            acquired_after_secs = 3.0,
            slow_acquire_threshold_secs = 2.0,
        );
    };
    let named = calls(&db, || {
        listening(&db, || {
            slow();
            assert_eq!(db.snapshot().finished, 0);
            event!(target: "sqlx::pool::acquire", Level::DEBUG, acquired_after_secs = 0.001);
            slow();
        });
    });
    assert_eq!(named, [(CONNECTION.to_owned(), 1)], "the one that took long");
}

#[test]
fn what_is_told_otherwise_or_elsewhere_is_no_query() {
    let db = Database::new("shop");
    listening(&db, || {
        event!(target: "sqlx::query", Level::DEBUG, summary = "SELECT ?");
        event!(target: "sqlx::query", Level::DEBUG, summary = "SELECT ?", elapsed_secs = f64::NAN);
        event!(target: "sqlx::query", Level::DEBUG, summary = "SELECT ?", elapsed_secs = -1.0);
        event!(target: "sqlx::query::other", Level::DEBUG, elapsed_secs = 1.0);
        event!(target: "elsewhere", Level::ERROR, elapsed_secs = 1.0);
    });
    assert_eq!(db.snapshot().finished, 0);
    listening(&db, || event!(target: "sqlx::query", Level::DEBUG, elapsed_secs = 0.001));
    assert_eq!(db.snapshot().finished, 1, "a query without a name is one");
}
