use std::{
    sync::{
        Mutex,
        atomic::{AtomicBool, Ordering},
    },
    thread::{scope, yield_now},
    time::Instant,
};

use super::*;
use crate::lock::lock;

/// Starts a query for whoever comes next, or ends the one that is there.
fn start_or_end(recorder: &Recorder, next: &Mutex<Option<Call>>) {
    let mut next = lock(next);
    let at = Stamp::of(Instant::now());
    if let Some(call) = next.take() {
        let outcome = Some(Outcome::Success);
        recorder.finish(&call, Over { statement: 100, at, latency: Duration::ZERO, outcome });
    } else {
        *next = Some(recorder.start(100, at, false));
    }
}

#[test]
fn the_end_of_a_query_is_never_seen_without_its_start() {
    let recorder = &Recorder::new(Slow::default(), Stamp::of(Instant::now()));
    let (next, done) = (&Mutex::default(), &AtomicBool::new(false));
    let most = scope(|scope| {
        for _ in 0..3 {
            scope.spawn(|| {
                while !done.load(Ordering::Relaxed) {
                    start_or_end(recorder, next);
                    yield_now();
                }
            });
        }
        let most = (0..20_000).map(|_| recorder.figures().meter.in_flight()).max();
        done.store(true, Ordering::Relaxed);
        most
    });
    assert!(most <= Some(1), "there is one at most, not {most:?}");
}
