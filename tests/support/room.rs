//! The inside of a handler, with a door that the test opens.

use std::sync::{
    Arc,
    atomic::{AtomicUsize, Ordering},
};

use tokio::sync::watch;

/// Counts who is inside, and lets nobody out before it is opened. Clones share it.
#[derive(Clone, Debug)]
pub(crate) struct Room(Arc<Inside>);

#[derive(Debug)]
struct Inside {
    now: AtomicUsize,
    most: AtomicUsize,
    open: watch::Sender<bool>,
    settled: watch::Sender<usize>,
}

impl Room {
    pub(crate) fn new() -> Self {
        Self(Arc::new(Inside {
            now: AtomicUsize::new(0),
            most: AtomicUsize::new(0),
            open: watch::Sender::new(false),
            settled: watch::Sender::new(0),
        }))
    }

    /// What a handler does: goes in, and out once the room is open.
    pub(crate) async fn visit(&self) -> &'static str {
        let _guest = Guest::enter(self);
        self.settle();
        let mut open = self.0.open.subscribe();
        open.wait_for(|open| *open).await.expect("the room outlives its guests");
        "visited"
    }

    pub(crate) fn open(&self) {
        self.0.open.send_replace(true);
    }

    /// Somebody's fate is known: inside, or refused.
    pub(crate) fn settle(&self) {
        self.0.settled.send_modify(|settled| *settled += 1);
    }

    pub(crate) async fn all_settled(&self, crowd: usize) {
        let mut settled = self.0.settled.subscribe();
        settled.wait_for(|settled| *settled >= crowd).await.expect("the room is there");
    }

    pub(crate) fn now(&self) -> usize {
        self.0.now.load(Ordering::SeqCst)
    }

    pub(crate) fn most(&self) -> usize {
        self.0.most.load(Ordering::SeqCst)
    }
}

struct Guest<'a>(&'a Room);

impl<'a> Guest<'a> {
    fn enter(room: &'a Room) -> Self {
        let now = room.0.now.fetch_add(1, Ordering::SeqCst) + 1;
        room.0.most.fetch_max(now, Ordering::SeqCst);
        Self(room)
    }
}

impl Drop for Guest<'_> {
    fn drop(&mut self) {
        self.0.0.now.fetch_sub(1, Ordering::SeqCst);
    }
}
