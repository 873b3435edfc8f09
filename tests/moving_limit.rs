//! A limit that moves while requests are in flight and wait.

#![cfg(feature = "http")]

mod support;

use std::{
    fmt,
    sync::{
        Arc,
        atomic::{AtomicUsize, Ordering},
    },
};

use brownout::{
    ConcurrencyGate, ConcurrencyLimit, ConcurrencyLimitLayer, Database, Outcome, Signal,
    limit::{Limit, Usage},
};
use http::StatusCode;
use rand::{Rng, SeedableRng, rngs::StdRng};
use support::{
    MS,
    controlled::{Inside, behind, get, launch, page},
};
use tokio::time::advance;

/// A limit that the test sets. It takes effect with the next signal.
#[derive(Clone)]
struct Set(Arc<AtomicUsize>);

impl Set {
    async fn to(&self, limit: usize, db: &Database) {
        self.0.store(limit, Ordering::Relaxed);
        advance(100 * MS).await;
        db.record(MS, Outcome::Success);
    }
}

impl fmt::Debug for Set {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("Set").field(&self.0.load(Ordering::Relaxed)).finish()
    }
}

impl Limit for Set {
    fn limit(&self) -> f64 {
        self.0.load(Ordering::Relaxed) as f64
    }

    fn update(&mut self, _signal: &Signal, _usage: &Usage) {}
}

fn moving(start: usize, db: &Database) -> (Set, ConcurrencyLimitLayer) {
    let set = Set(Arc::new(AtomicUsize::new(start)));
    // Longer than any test here, so that nobody is timed out.
    let settings = ConcurrencyLimit::new().algorithm(set.clone()).max_wait(600 * 100 * MS);
    (set, settings.protecting(db).expect("it is valid"))
}

fn counts(gate: &ConcurrencyGate) -> (usize, usize, usize) {
    (gate.limit(), gate.in_flight(), gate.waiting())
}

#[tokio::test(start_paused = true)]
async fn a_limit_that_shrinks_with_waiters_queued_keeps_everybody_accounted() {
    let db = Database::new("shop");
    let (set, layer) = moving(4, &db);
    let (service, mut inside) = behind(&layer);
    let mut running: Vec<_> = (0..4).map(|_| (launch(&service, get("/")), inside.take())).collect();
    let mut waiting: Vec<_> = (0..6).map(|_| launch(&service, get("/"))).collect();
    set.to(2, &db).await;
    assert_eq!(counts(layer.gate()), (2, 4, 6));
    for left in [3, 2] {
        finish(running.pop().expect("it runs"));
        assert_eq!(counts(layer.gate()), (2, left, 6), "nobody gets in above the limit");
    }
    finish(running.pop().expect("it runs"));
    assert_eq!(counts(layer.gate()), (2, 2, 5));
    set.to(5, &db).await;
    assert_eq!(counts(layer.gate()), (5, 5, 2), "a limit that rises lets them in");
    drop(waiting.split_off(5));
    drop(running);
    let mut next = waiting.into_iter();
    while layer.gate().in_flight() > 0 {
        let mut flight = next.next().expect("whoever is counted is in flight");
        assert!(flight.poll().is_pending());
        finish((flight, inside.take()));
    }
    assert_eq!(counts(layer.gate()), (5, 0, 0));
}

fn finish<S: support::controlled::Gated>(
    (mut flight, answer): (support::controlled::Flight<S>, support::controlled::Held),
) {
    answer.send_response(page(StatusCode::OK));
    assert!(flight.poll().is_ready());
}

/// Starts, ends and cancels requests at random while the limit jumps up and down.
async fn storm(seed: u64) {
    let mut random = StdRng::seed_from_u64(seed);
    let db = Database::new("shop");
    let (set, layer) = moving(5, &db);
    let (service, mut inside) = behind(&layer);
    let (mut flights, mut answers) = (Vec::new(), Vec::new());
    for _ in 0..300 {
        match random.random_range(0..4) {
            0 | 1 if flights.len() < 60 => flights.push(launch(&service, get("/"))),
            2 if !answers.is_empty() => {
                let answer: support::controlled::Held =
                    answers.swap_remove(random.random_range(0..answers.len()));
                answer.send_response(page(StatusCode::OK));
            }
            _ if !flights.is_empty() => {
                drop(flights.swap_remove(random.random_range(0..flights.len())));
            }
            _ => {}
        }
        if random.random_ratio(1, 5) {
            set.to(random.random_range(1..12), &db).await;
        }
        settle(&mut flights, &mut inside, &mut answers).await;
        let (limit, in_flight, waiting) = counts(layer.gate());
        assert_eq!(in_flight + waiting, flights.len(), "seed {seed}");
        assert!(waiting == 0 || in_flight >= limit, "seed {seed}: room, and somebody waits");
    }
    drop(flights);
    let (_, in_flight, waiting) = counts(layer.gate());
    assert_eq!((in_flight, waiting), (0, 0), "seed {seed}");
}

async fn settle<F: Future>(
    flights: &mut Vec<tokio_test::task::Spawn<F>>,
    inside: &mut Inside,
    answers: &mut Vec<support::controlled::Held>,
) {
    loop {
        // A fresh cooperative budget: a task that polls this much would have yielded.
        tokio::task::yield_now().await;
        let before = flights.len();
        flights.retain_mut(|flight| !(flight.is_woken() && flight.poll().is_ready()));
        while let Some((_, answer)) = inside.arrived() {
            answers.push(answer);
        }
        if flights.len() == before && !flights.iter().any(|flight| flight.is_woken()) {
            return;
        }
    }
}

#[tokio::test(start_paused = true)]
async fn a_limit_that_jumps_at_random_keeps_everybody_accounted() {
    for seed in 0..10 {
        storm(seed).await;
    }
}
