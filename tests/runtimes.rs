//! Runtimes come and go, of whatever kind and as many as there are: what their requests held is
//! free for the others.

#![cfg(feature = "tower")]

use std::{future::pending, sync::mpsc, thread, time::Duration};

use brownout::{Admission, Class, ConcurrencyLimit, limit::Fixed};
use rand::{Rng, SeedableRng, rngs::StdRng};
use tokio::{
    runtime,
    runtime::Runtime,
    time::{Instant, timeout},
};

/// Nobody here is to be timed out.
const LONG: Duration = Duration::from_secs(60);

fn admission(places: usize) -> Admission {
    let limit = ConcurrencyLimit::new().algorithm(Fixed::new(places)).queue(100).max_wait(LONG);
    Admission::builder().concurrency(limit).build().expect("it is valid")
}

fn current_thread() -> Runtime {
    let mut builder = runtime::Builder::new_current_thread();
    builder.enable_all().build().expect("it is to be had")
}

fn multi_thread() -> Runtime {
    let mut builder = runtime::Builder::new_multi_thread();
    builder.worker_threads(2).enable_all().build().expect("it is to be had")
}

fn counts(admission: &Admission) -> (usize, usize) {
    let snapshot = admission.snapshot();
    (snapshot.in_flight, snapshot.waiting)
}

/// Spins until it is so, for what other threads do.
fn soon(admission: &Admission, expected: (usize, usize)) {
    let since = Instant::now();
    while counts(admission) != expected {
        assert!(since.elapsed() < Duration::from_secs(60), "{:?}", counts(admission));
        thread::yield_now();
    }
}

/// Holds its place, or waits for one, for as long as its runtime lives.
fn occupy(runtime: &Runtime, admission: &Admission, requests: usize) {
    for _ in 0..requests {
        let admission = admission.clone();
        runtime.spawn(async move {
            let _held = admission.acquire(&Class::default()).await;
            pending::<()>().await;
        });
    }
    // One of a single thread goes on only while somebody drives it.
    runtime.block_on(async {
        for _ in 0..10 {
            tokio::task::yield_now().await;
        }
    });
}

#[test]
fn a_runtime_that_shuts_down_leaves_nothing_held_and_nobody_in_the_queue() {
    for make in [current_thread, multi_thread] {
        let admission = admission(2);
        let runtime = make();
        occupy(&runtime, &admission, 5);
        soon(&admission, (2, 3));
        drop(runtime);
        assert_eq!(counts(&admission), (0, 0));
        let permit = make().block_on(admission.acquire(&Class::default()));
        assert!(permit.is_ok(), "another runtime has the place");
    }
}

#[test]
fn a_place_goes_from_one_runtime_to_another() {
    let (first, second, admission) = (current_thread(), multi_thread(), admission(1));
    let held = first.block_on(admission.acquire(&Class::default())).expect("there is room");
    let (tell, told) = mpsc::channel();
    {
        let admission = admission.clone();
        second.spawn(async move {
            let permit = admission.acquire(&Class::default()).await;
            tell.send(permit.is_ok()).expect("somebody listens");
        });
    }
    soon(&admission, (1, 1));
    // It is of no matter where it drops: here, outside of any runtime.
    drop(held);
    assert_eq!(told.recv_timeout(Duration::from_secs(60)), Ok(true));
    soon(&admission, (0, 0));
}

#[test]
fn who_waited_in_a_runtime_that_is_gone_is_passed_over() {
    let (first, second, admission) = (multi_thread(), multi_thread(), admission(1));
    let held = second.block_on(admission.acquire(&Class::default())).expect("there is room");
    occupy(&first, &admission, 1);
    soon(&admission, (1, 1));
    let waiting = {
        let admission = admission.clone();
        second.spawn(async move { admission.acquire(&Class::default()).await.is_ok() })
    };
    soon(&admission, (1, 2));
    drop(first);
    assert_eq!(counts(&admission), (1, 1));
    drop(held);
    let waited = second.block_on(async { timeout(Duration::from_secs(60), waiting).await });
    assert!(waited.expect("it is woken").expect("it ends well"));
}

/// Comes and goes, and leaves now and then before it is let in.
async fn customer(admission: Admission, seed: u64) {
    let mut random = StdRng::seed_from_u64(seed);
    for _ in 0..200 {
        let patience = Duration::from_micros(random.random_range(0..400));
        let Ok(permit) = timeout(patience, admission.acquire(&Class::default())).await else {
            continue;
        };
        let _permit = permit.expect("there is room in the queue");
        for _ in 0..random.random_range(0..3) {
            tokio::task::yield_now().await;
        }
    }
}

#[test]
fn runtimes_that_share_an_admission_lose_no_place() {
    let admission = admission(2);
    let threads = [multi_thread, current_thread, current_thread].map(|make| {
        let admission = admission.clone();
        thread::spawn(move || {
            let runtime = make();
            let customers = (0..8).map(|seed| runtime.spawn(customer(admission.clone(), seed)));
            let customers: Vec<_> = customers.collect();
            for customer in customers {
                runtime.block_on(customer).expect("it ends well");
            }
        })
    });
    threads.into_iter().for_each(|thread| thread.join().expect("it ends well"));
    assert_eq!(counts(&admission), (0, 0));
    let places = || current_thread().block_on(admission.acquire(&Class::default()));
    let (_first, _second) = (places().expect("there is room"), places().expect("there is room"));
    assert_eq!(counts(&admission), (2, 0));
}
