use std::{
    io,
    sync::{Arc, Mutex},
};

use ::tracing::subscriber::with_default;
use tracing_subscriber::fmt;

use super::*;
use crate::{class::Priority, event::Cause, lock::lock};

/// What is written, for a subscriber.
#[derive(Clone, Default)]
struct Lines(Arc<Mutex<Vec<u8>>>);

impl io::Write for Lines {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        lock(&self.0).write(bytes)
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

/// The lines that are told while `run` runs.
fn told(run: impl FnOnce()) -> Vec<String> {
    let lines = Lines::default();
    let writer = lines.clone();
    let subscriber = fmt()
        .with_writer(move || writer.clone())
        .without_time()
        .with_ansi(false)
        .with_max_level(Level::DEBUG)
        .finish();
    with_default(subscriber, run);
    let text = String::from_utf8(lock(&lines.0).clone()).expect("it is text");
    text.lines().map(str::trim).map(str::to_owned).collect()
}

fn refused(priority: Priority) -> Event {
    Event::Refused { priority, reason: Reason::QueueFull, route: None, quota: None }
}

#[test]
fn a_storm_of_refusals_is_a_line_and_the_rest_when_it_drops() {
    let lines = told(|| {
        let log = Log::new();
        (0..1_000).for_each(|_| log.observe(&refused(Priority::Bulk)));
    });
    assert_eq!(lines.len(), 2, "{lines:?}");
    assert!(lines[0].starts_with("WARN brownout: refused 1: bulk queue_full 1"), "{lines:?}");
    assert!(lines[1].starts_with("WARN brownout: refused 999: bulk queue_full 999"), "{lines:?}");
}

#[test]
fn a_transition_is_told_in_words_and_in_fields() {
    let of = Subject { database: Some("shop".into()), route: None };
    let lines = told(|| {
        let (from, to, cause) = (Circuit::Closed, Circuit::Open, Cause::Forced);
        Log::new().observe(&Event::Circuit { of: of.clone(), from, to, cause });
        Log::new().observe(&Event::Limit { of, from: 8, to: 7 });
    });
    let opened = "WARN brownout: circuit of shop from closed to open: forced \
                  database=\"shop\" from=\"closed\" to=\"open\"";
    assert_eq!(lines[0], opened);
    let moved = "DEBUG brownout: limit of shop from 8 to 7 database=\"shop\" from=8 to=7";
    assert_eq!(lines[1], moved);
}

#[tokio::test(start_paused = true)]
async fn what_was_refused_is_told_with_the_next_event_after_a_second() {
    let log = Log::new();
    let first = told(|| log.observe(&refused(Priority::Normal)));
    assert_eq!(first.len(), 1);
    assert_eq!(told(|| log.observe(&refused(Priority::Normal))), [""; 0]);
    tokio::time::advance(EVERY).await;
    let of = Subject::default();
    let lines = told(|| log.observe(&Event::Limit { of, from: 8, to: 7 }));
    assert!(lines[1].contains("refused 1: normal queue_full 1"), "{lines:?}");
}
