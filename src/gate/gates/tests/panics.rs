//! What wakes may panic, and nothing is lost.

use std::{
    future::Future,
    panic::{AssertUnwindSafe, catch_unwind},
    task::{Context, Wake},
};

use super::*;

/// Of an executor that is broken.
struct Panics;

impl Wake for Panics {
    fn wake(self: Arc<Self>) {
        panic!("it cannot be woken");
    }
}

#[tokio::test(start_paused = true)]
async fn places_come_back_at_every_database_though_who_waits_for_one_panics_when_woken() {
    for waits_at in [0, 1] {
        let two = two(&fixed(1));
        let both = two.admitted(NORMAL);
        let alone = NORMAL.needs(two.numbers[waits_at]);
        let Entry::Waiting(wait) = two.enter(alone) else { panic!("it is full") };
        let (mut wait, waker) = (Box::pin(wait), Arc::new(Panics).into());
        assert!(wait.as_mut().poll(&mut Context::from_waker(&waker)).is_pending());
        assert!(catch_unwind(AssertUnwindSafe(|| drop(both))).is_err(), "it was woken");
        drop(catch_unwind(AssertUnwindSafe(|| drop(wait))));
        assert_eq!(two.in_flight(), [0, 0]);
    }
}
