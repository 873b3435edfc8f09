//! Requests on their way, so that others may wait for the same answer.

use std::{
    collections::{BTreeMap, HashMap},
    future::Future,
    pin::Pin,
    sync::{Arc, Mutex},
    task::{Context, Poll, Waker},
    time::Duration,
};

use pin_project::{pin_project, pinned_drop};
use tokio::time::{Sleep, sleep};

use super::{kept::Kept, said::Trouble};
use crate::lock::lock;

/// All that are on their way, by what they ask for.
#[derive(Clone, Default)]
pub(super) struct Flights(Arc<Mutex<Named>>);

type Named = HashMap<Box<[u8]>, Arc<Flight>>;

type Flight = Mutex<Progress>;

#[derive(Default)]
struct Progress {
    headed: bool,
    landed: Option<Landing>,
    waiting: BTreeMap<u64, Waker>,
    tickets: u64,
}

/// How it ended.
#[derive(Clone)]
pub(super) enum Landing {
    /// With an answer that is kept.
    Kept(Arc<Kept>),
    /// With none.
    Trouble(Trouble),
    /// With an answer that is not for others.
    Own,
    /// Nobody knows: the leader is gone.
    Lost,
}

/// Who asks first, and who waits.
pub(super) enum Join {
    Lead(Lead),
    Follow(Follow),
}

impl Flights {
    pub(super) fn join(&self, name: Box<[u8]>) -> Join {
        let mut flights = lock(&self.0);
        if let Some(flight) = flights.get(&name) {
            return Join::Follow(Follow::new(flight.clone()));
        }
        let flight = Arc::<Flight>::default();
        flights.insert(name.clone(), flight.clone());
        Join::Lead(Lead { flights: self.clone(), name, flight })
    }

    pub(super) fn lead(&self, name: Box<[u8]>) -> Option<Lead> {
        match self.join(name) {
            Join::Lead(lead) => Some(lead),
            Join::Follow(_) => None,
        }
    }

    #[cfg(test)]
    fn len(&self) -> usize {
        lock(&self.0).len()
    }
}

/// The one that asks. Dropped before it has landed, it leaves the lead to another.
pub(super) struct Lead {
    flights: Flights,
    name: Box<[u8]>,
    flight: Arc<Flight>,
}

impl Lead {
    /// The head of an answer is there.
    pub(super) fn head(&self) {
        self.tell(|progress| progress.headed = true);
    }

    pub(super) fn land(self, landing: Landing) {
        self.tell(|progress| progress.landed = Some(landing));
    }

    fn tell(&self, tell: impl FnOnce(&mut Progress)) {
        let mut progress = lock(&self.flight);
        tell(&mut progress);
        let waiting = std::mem::take(&mut progress.waiting);
        // A waker runs code of others, which may come back here.
        drop(progress);
        waiting.into_values().for_each(Waker::wake);
    }
}

impl Drop for Lead {
    fn drop(&mut self) {
        lock(&self.flights.0).remove(&self.name);
        self.tell(|progress| {
            progress.landed.get_or_insert(Landing::Lost);
        });
    }
}

/// One that waits: for the head as long as it takes, for the body no more than a second,
/// since a client may read it as slowly as it likes.
///
/// # Cancel safety
///
/// Dropping it leaves nothing behind.
#[pin_project(PinnedDrop)]
pub(super) struct Follow {
    flight: Arc<Flight>,
    ticket: u64,
    #[pin]
    body: Option<Sleep>,
}

impl Follow {
    fn new(flight: Arc<Flight>) -> Self {
        let ticket = {
            let mut progress = lock(&flight);
            progress.tickets += 1;
            progress.tickets
        };
        Self { flight, ticket, body: None }
    }
}

impl Future for Follow {
    type Output = Landing;

    fn poll(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Landing> {
        let mut this = self.project();
        let headed = {
            let mut progress = lock(this.flight);
            if let Some(landing) = &progress.landed {
                return Poll::Ready(landing.clone());
            }
            progress.waiting.insert(*this.ticket, cx.waker().clone());
            progress.headed
        };
        if headed && this.body.is_none() {
            this.body.set(Some(sleep(BODY_WITHIN)));
        }
        match this.body.as_pin_mut() {
            Some(body) => body.poll(cx).map(|()| Landing::Own),
            None => Poll::Pending,
        }
    }
}

#[pinned_drop]
impl PinnedDrop for Follow {
    fn drop(self: Pin<&mut Self>) {
        let waker = lock(&self.flight).waiting.remove(&self.ticket);
        drop(waker);
    }
}

const BODY_WITHIN: Duration = Duration::from_secs(1);

#[cfg(test)]
mod tests {
    use tokio_test::{assert_pending, assert_ready, task};

    use super::*;

    fn pair(flights: &Flights) -> (Lead, Follow) {
        let name = || Box::from(&b"page"[..]);
        let lead = flights.lead(name()).expect("nobody asks");
        let Join::Follow(follow) = flights.join(name()) else { panic!("somebody asks") };
        (lead, follow)
    }

    #[tokio::test(start_paused = true)]
    async fn a_lost_leader_wakes_all_and_leaves_nothing() {
        let flights = Flights::default();
        let (lead, follow) = pair(&flights);
        let mut follow = task::spawn(follow);
        assert_pending!(follow.poll());
        drop(lead);
        assert!(follow.is_woken());
        assert!(matches!(assert_ready!(follow.poll()), Landing::Lost));
        assert_eq!(flights.len(), 0);
    }

    #[tokio::test(start_paused = true)]
    async fn a_body_is_waited_for_no_longer_than_a_second() {
        let (lead, follow) = pair(&Flights::default());
        let mut follow = task::spawn(follow);
        assert_pending!(follow.poll());
        tokio::time::advance(60 * BODY_WITHIN).await;
        assert_pending!(follow.poll());
        lead.head();
        assert!(follow.is_woken());
        assert_pending!(follow.poll());
        tokio::time::advance(BODY_WITHIN + Duration::from_millis(1)).await;
        assert!(matches!(assert_ready!(follow.poll()), Landing::Own));
    }

    #[tokio::test(start_paused = true)]
    async fn a_follower_that_leaves_leaves_nothing() {
        let (lead, follow) = pair(&Flights::default());
        let mut follow = task::spawn(follow);
        assert_pending!(follow.poll());
        drop(follow);
        assert!(lock(&lead.flight).waiting.is_empty());
    }
}
