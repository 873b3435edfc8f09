//! Lets nobody new in, so that what is in flight can come to its end.

use std::{
    sync::{
        Arc, Mutex,
        atomic::{AtomicBool, Ordering, fence},
    },
    time::{Duration, Instant},
};

use tokio::time::sleep;

use super::{Gates, GatesPermit, GatesWait, Place};
use crate::{
    class::Class,
    clock,
    event::Event,
    gate::Entry,
    lock::lock,
    rejection::{Reason, Rejection},
};

/// Whether somebody drains, and who is in flight that no limit counts.
#[derive(Debug, Default)]
pub(super) struct Drain {
    on: AtomicBool,
    began: Mutex<Option<Began>>,
    /// Those who share it are in flight.
    present: Arc<()>,
}

#[derive(Clone, Copy, Debug)]
struct Began {
    at: Instant,
    /// That nothing is in flight any more.
    told: bool,
}

/// One in flight that holds no place under a limit.
#[derive(Debug)]
pub(super) struct Present {
    _one: Arc<()>,
}

impl Drain {
    pub(super) fn is_on(&self) -> bool {
        self.on.load(Ordering::Relaxed)
    }

    /// Counts one in, until it drops. Who looks at [`is_on`](Self::is_on) after that either sees
    /// the drain, or was seen by [`present`](Self::present).
    pub(super) fn enter(&self) -> Present {
        let present = Present { _one: self.present.clone() };
        fence(Ordering::Acquire);
        present
    }

    /// How many hold no place. Who does no more since a limit has counted it is found there by
    /// whoever looks after that.
    pub(super) fn present(&self) -> usize {
        // Takes its turn among those who come and go, so that none of them is overlooked.
        drop(self.present.clone());
        let present = Arc::strong_count(&self.present) - 1;
        fence(Ordering::Acquire);
        present
    }

    /// True if it was off.
    fn begin(&self, now: Instant) -> bool {
        let mut began = lock(&self.began);
        let is_new = began.is_none();
        began.get_or_insert(Began { at: now, told: false });
        self.on.store(true, Ordering::Release);
        is_new
    }

    /// When it had begun, if it was on.
    fn end(&self) -> Option<Instant> {
        let mut began = lock(&self.began);
        self.on.store(false, Ordering::Relaxed);
        began.take().map(|began| began.at)
    }

    /// When it had begun, for who is the first to tell of its end.
    fn tell(&self) -> Option<Instant> {
        let mut began = lock(&self.began);
        let began = began.as_mut().filter(|began| !began.told)?;
        began.told = true;
        Some(began.at)
    }
}

impl Gates {
    pub(crate) fn drain(&self) {
        if self.0.drain.begin(clock::now()) {
            self.0.observer.observe(&Event::DrainBegan);
        }
    }

    pub(crate) fn resume(&self) {
        if let Some(at) = self.0.drain.end() {
            self.0.observer.observe(&Event::DrainEnded { after: since(at) });
        }
    }

    pub(crate) fn is_draining(&self) -> bool {
        self.0.drain.is_on()
    }

    /// Looks again and again: to be woken, every permit would have to ask whether somebody
    /// waits for it.
    pub(crate) async fn drained(&self) {
        while !(self.is_draining() && self.is_idle()) {
            sleep(LOOK_EVERY).await;
        }
        if let Some(at) = self.0.drain.tell() {
            self.0.observer.observe(&Event::Drained { after: since(at) });
        }
    }

    /// Whether nobody is in flight or waits. Who is counted by a limit is so until the end, and who
    /// holds no place until then or until a limit counts it; so nobody is missed between two looks.
    fn is_idle(&self) -> bool {
        let guards = self.0.guards.iter();
        self.0.drain.present() == 0 && guards.map(|guard| &guard.concurrency).all(|it| it.is_idle())
    }

    /// Enters the gates, if nobody drains. A drain that begins while one comes in may have seen
    /// nobody, so who is in looks again.
    pub(super) fn come_in(
        &self,
        place: Place,
        class: &Class,
        now: Instant,
    ) -> Entry<GatesPermit, GatesWait> {
        if class.exempt {
            return self.enter_at(place, class, now);
        }
        if self.is_draining() {
            return Entry::Refused(self.count(class, refusal()));
        }
        let mut entry = self.enter_at(place, class, now);
        if self.is_draining() {
            entry = self.turn_away(entry, now);
        }
        entry
    }

    #[cold]
    fn turn_away(
        &self,
        entry: Entry<GatesPermit, GatesWait>,
        now: Instant,
    ) -> Entry<GatesPermit, GatesWait> {
        let permit = match entry {
            Entry::Admitted(permit) => permit,
            Entry::Waiting(wait) => wait.give_up(),
            Entry::Refused(_) => return entry,
        };
        Entry::Refused(self.refuse(permit, refusal(), now))
    }
}

fn refusal() -> Rejection {
    Rejection::for_load(Reason::Draining)
}

fn since(at: Instant) -> Duration {
    clock::now().saturating_duration_since(at)
}

/// Nobody who stops a service notices so short a time.
const LOOK_EVERY: Duration = Duration::from_millis(10);
