//! The active probe: an open circuit hears the database without spending a request.

#![cfg(feature = "http")]

mod support;

use std::{
    future::pending,
    io,
    sync::{
        Arc,
        atomic::{AtomicU32, Ordering},
    },
    time::Duration,
};

use brownout::{BreakerGate, Circuit, CircuitBreaker, Outcome};
use support::{
    MS, SECOND,
    slow_database::{bad_queries, database, opened, protecting},
};
use tokio::{
    task::JoinHandle,
    time::{Instant, sleep},
};

/// Probes with something that takes this long and ends so. Counts the calls.
fn probing(gate: &BreakerGate, takes: Duration, ends: fn() -> io::Result<()>) -> Probing {
    let calls = Arc::new(AtomicU32::new(0));
    let counted = calls.clone();
    let future = gate.probing(move || {
        counted.fetch_add(1, Ordering::Relaxed);
        async move {
            sleep(takes).await;
            ends()
        }
    });
    Probing { calls, task: tokio::spawn(future) }
}

struct Probing {
    calls: Arc<AtomicU32>,
    task: JoinHandle<()>,
}

impl Probing {
    fn calls(&self) -> u32 {
        self.calls.load(Ordering::Relaxed)
    }
}

fn refused() -> io::Result<()> {
    Err(io::ErrorKind::ConnectionRefused.into())
}

#[tokio::test(start_paused = true)]
async fn an_open_circuit_closes_without_a_request() {
    let db = database();
    let layer = opened(&db).await;
    let probing = probing(layer.gate(), 5 * MS, || Ok(()));
    let opened = Instant::now();
    while layer.gate().circuit() != Circuit::Partial {
        sleep(10 * MS).await;
    }
    // 300 ms open at least, three probes, a pause of 250 ms before each.
    let took = opened.elapsed();
    assert!((600 * MS..1_300 * MS).contains(&took), "{took:?}");
    assert!((3..=4).contains(&probing.calls()), "{}", probing.calls());
}

#[tokio::test(start_paused = true)]
async fn a_circuit_that_lets_requests_through_is_not_probed() {
    let db = database();
    let layer = protecting(&db);
    let probing = probing(layer.gate(), MS, || Ok(()));
    sleep(10 * SECOND).await;
    assert_eq!(probing.calls(), 0);
    bad_queries(&db).await;
    sleep(10 * SECOND).await;
    let calls = probing.calls();
    assert!((3..=5).contains(&calls), "{calls}: two may be too early to count");
}

#[tokio::test(start_paused = true)]
async fn probes_that_fail_or_take_too_long_keep_it_open() {
    for (takes, ends) in [(MS, refused as fn() -> _), (150 * MS, || Ok(())), (SECOND, || Ok(()))] {
        let db = database();
        let settings = CircuitBreaker::new().open_for(300 * MS);
        let layer = settings.protecting(&db).expect("it is valid");
        bad_queries(&db).await;
        let probing = probing(layer.gate(), takes, ends);
        sleep(9 * SECOND).await;
        assert_eq!(layer.gate().circuit(), Circuit::Open, "{takes:?}");
        let check = || layer.gate().check(&Default::default()).expect_err("open").retry_after();
        let retry_after = (0..100).map(|_| check()).min().expect("there are some");
        assert!(retry_after <= 400 * MS, "it does not double: {retry_after:?}");
        assert!(probing.calls() > 20, "they are given up in time: {}", probing.calls());
    }
}

#[tokio::test(start_paused = true)]
async fn probes_are_as_frequent_as_they_are_set_to_be() {
    let db = database();
    let settings = CircuitBreaker::new().probe_every(50 * MS).probes(u32::MAX);
    let layer = settings.protecting(&db).expect("it is valid");
    let probing = probing(layer.gate(), Duration::ZERO, || Ok(()));
    bad_queries(&db).await;
    sleep(10 * SECOND).await;
    assert!((180..=220).contains(&probing.calls()), "{}", probing.calls());
}

#[tokio::test(start_paused = true)]
async fn it_ends_when_the_gate_is_gone() {
    let gate = CircuitBreaker::new().gate().expect("it is valid");
    let probing = probing(&gate, MS, || Ok(()));
    let kept = gate.clone();
    drop(gate);
    sleep(SECOND).await;
    assert!(!probing.task.is_finished());
    drop(kept);
    sleep(SECOND).await;
    assert!(probing.task.is_finished());
}

#[tokio::test(start_paused = true)]
async fn dropping_it_leaves_the_gate_as_it_is() {
    let db = database();
    let layer = opened(&db).await;
    let hanging = layer.gate().probing(pending::<io::Result<()>>);
    assert!(tokio::time::timeout(350 * MS, hanging).await.is_err());
    assert_eq!(layer.gate().circuit(), Circuit::Open);
    db.record(MS, Outcome::Success);
}
