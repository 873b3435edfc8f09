//! Tokio's cooperative budget and the queue.

#![cfg(feature = "http")]

mod support;

use brownout::{Class, ConcurrencyLimit, limit::Fixed};
use support::{
    MS,
    controlled::{behind, get, launch},
};
use tokio::{
    task::{consume_budget, yield_now},
    time::advance,
};
use tokio_test::task;

#[tokio::test(start_paused = true)]
async fn nothing_is_shed_because_a_task_has_used_up_its_budget() {
    let settings = ConcurrencyLimit::new().algorithm(Fixed::new(1));
    let layer = settings.layer().expect("it is valid");
    let (service, mut inside) = behind(&layer);
    let held = layer.gate().acquire(&Class::default()).await.expect("there is room");
    let mut waiting = launch(&service, get("/"));
    advance(401 * MS).await;
    drop(held);
    while task::spawn(consume_budget()).poll().is_ready() {}
    assert!(waiting.poll().is_pending(), "granted and overdue, it waits for the next turn");
    yield_now().await;
    assert!(waiting.poll().is_pending());
    assert!(!inside.is_empty(), "it was let in");
    assert_eq!((layer.gate().in_flight(), layer.gate().waiting()), (1, 0));
}
