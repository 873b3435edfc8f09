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
    led: bool,
    headed: bool,
    landed: Option<Landing>,
    followers: usize,
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
}

/// Who asks first, and who waits.
pub(super) enum Join {
    Lead(Lead),
    Follow(Follow),
}

/// What a follower has waited for.
pub(super) enum Turn {
    Landed(Landing),
    /// The leader is gone, and it is the next.
    Lead(Lead),
}

impl Flights {
    pub(super) fn join(&self, name: Box<[u8]>) -> Join {
        let mut flights = lock(&self.0);
        let flight = flights.entry(name.clone()).or_default().clone();
        let mut progress = lock(&flight);
        if std::mem::replace(&mut progress.led, true) {
            progress.followers += 1;
            progress.tickets += 1;
            let ticket = progress.tickets;
            drop(progress);
            let place = Place { flights: self.clone(), name, flight };
            return Join::Follow(Follow::new(place, ticket));
        }
        drop(progress);
        Join::Lead(Lead(Place { flights: self.clone(), name, flight }))
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

/// A place in a flight.
#[derive(Clone)]
struct Place {
    flights: Flights,
    name: Box<[u8]>,
    flight: Arc<Flight>,
}

impl Place {
    /// Leaves, and takes the flight away if nobody needs it any more.
    fn leave(&self, leave: impl FnOnce(&mut Progress)) {
        let mut flights = lock(&self.flights.0);
        let mut progress = lock(&self.flight);
        leave(&mut progress);
        let over = progress.landed.is_some() || (!progress.led && progress.followers == 0);
        let own = flights.get(&self.name).is_some_and(|own| Arc::ptr_eq(own, &self.flight));
        if over && own {
            flights.remove(&self.name);
        }
    }
}

/// The one that asks. Dropped before it has landed, it leaves the lead to another.
pub(super) struct Lead(Place);

impl Lead {
    /// The head of an answer is there.
    pub(super) fn head(&self) {
        lock(&self.0.flight).headed = true;
        self.wake();
    }

    pub(super) fn land(self, landing: Landing) {
        lock(&self.0.flight).landed = Some(landing);
    }

    fn wake(&self) {
        let waiting = std::mem::take(&mut lock(&self.0.flight).waiting);
        // Under no lock: a waker runs code of others, which may come back here.
        waiting.into_values().for_each(Waker::wake);
    }
}

impl Drop for Lead {
    fn drop(&mut self) {
        self.0.leave(|progress| (progress.led, progress.headed) = (false, false));
        self.wake();
    }
}

/// One that waits: for the head up to five seconds, since a call may hang; for the body up to
/// one more, since a client may read it as slowly as it likes.
///
/// # Cancel safety
///
/// Dropping it leaves nothing behind.
#[pin_project(PinnedDrop)]
pub(super) struct Follow {
    place: Place,
    ticket: u64,
    /// For how long it waits for the head or, when that is there, for the body.
    #[pin]
    patience: Sleep,
    headed: bool,
    /// It has not become the leader.
    waits: bool,
}

impl Follow {
    fn new(place: Place, ticket: u64) -> Self {
        Self { place, ticket, patience: sleep(HEAD_WITHIN), headed: false, waits: true }
    }
}

impl Future for Follow {
    type Output = Turn;

    fn poll(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Turn> {
        let mut this = self.project();
        let headed = {
            let mut progress = lock(&this.place.flight);
            if let Some(landing) = &progress.landed {
                return Poll::Ready(Turn::Landed(landing.clone()));
            }
            if !std::mem::replace(&mut progress.led, true) {
                progress.followers -= 1;
                *this.waits = false;
                return Poll::Ready(Turn::Lead(Lead(this.place.clone())));
            }
            progress.waiting.insert(*this.ticket, cx.waker().clone());
            progress.headed
        };
        if std::mem::replace(this.headed, headed) != headed {
            this.patience.set(sleep(if headed { BODY_WITHIN } else { HEAD_WITHIN }));
        }
        this.patience.poll(cx).map(|()| Turn::Landed(Landing::Own))
    }
}

#[pinned_drop]
impl PinnedDrop for Follow {
    fn drop(self: Pin<&mut Self>) {
        let mut waker = None;
        if self.waits {
            self.place.leave(|progress| {
                progress.followers -= 1;
                waker = progress.waiting.remove(&self.ticket);
            });
        }
        // Under no lock, as above.
        drop(waker);
    }
}

const HEAD_WITHIN: Duration = Duration::from_secs(5);
const BODY_WITHIN: Duration = Duration::from_secs(1);

#[cfg(test)]
mod tests {
    use tokio_test::{assert_ready, task};

    use super::*;

    fn name() -> Box<[u8]> {
        Box::from(&b"page"[..])
    }

    fn pair(flights: &Flights) -> (Lead, Follow) {
        let lead = flights.lead(name()).expect("nobody asks");
        let Join::Follow(follow) = flights.join(name()) else { panic!("somebody asks") };
        (lead, follow)
    }

    #[tokio::test(start_paused = true)]
    async fn a_lost_leader_leaves_the_lead_to_another() {
        let flights = Flights::default();
        let (lead, follow) = pair(&flights);
        let (Join::Follow(next), Join::Follow(gone)) = (flights.join(name()), flights.join(name()))
        else {
            panic!("somebody asks")
        };
        let (mut follow, mut next) = (task::spawn(follow), task::spawn(next));
        assert!(follow.poll().is_pending());
        assert!(next.poll().is_pending());
        drop((lead, gone));
        assert!(follow.is_woken() && next.is_woken());
        let Turn::Lead(lead) = assert_ready!(follow.poll()) else { panic!("it is the next") };
        drop(follow);
        assert!(next.poll().is_pending());
        lead.land(Landing::Own);
        assert_eq!(flights.len(), 0, "others do not wait for what has landed");
        assert!(matches!(assert_ready!(next.poll()), Turn::Landed(Landing::Own)));
    }

    #[tokio::test(start_paused = true)]
    async fn nothing_is_left_when_all_have_left() {
        let flights = Flights::default();
        let (lead, follow) = pair(&flights);
        drop(lead);
        assert_eq!(flights.len(), 1, "somebody may take the lead");
        drop(follow);
        assert_eq!(flights.len(), 0);
        let (lead, follow) = pair(&flights);
        drop(follow);
        drop(lead);
        assert_eq!(flights.len(), 0);
    }

    #[tokio::test(start_paused = true)]
    async fn a_head_is_waited_for_no_longer_than_five_seconds() {
        let (_lead, follow) = pair(&Flights::default());
        let mut follow = task::spawn(follow);
        tokio::time::advance(HEAD_WITHIN - Duration::from_millis(1)).await;
        assert!(follow.poll().is_pending());
        tokio::time::advance(Duration::from_millis(2)).await;
        assert!(matches!(assert_ready!(follow.poll()), Turn::Landed(Landing::Own)));
    }

    #[tokio::test(start_paused = true)]
    async fn a_body_is_waited_for_no_longer_than_a_second() {
        let (lead, follow) = pair(&Flights::default());
        let mut follow = task::spawn(follow);
        assert!(follow.poll().is_pending());
        tokio::time::advance(4 * BODY_WITHIN).await;
        assert!(follow.poll().is_pending());
        lead.head();
        assert!(follow.is_woken());
        assert!(follow.poll().is_pending());
        tokio::time::advance(BODY_WITHIN + Duration::from_millis(1)).await;
        assert!(matches!(assert_ready!(follow.poll()), Turn::Landed(Landing::Own)));
    }

    #[tokio::test(start_paused = true)]
    async fn a_follower_that_leaves_leaves_nothing() {
        let (lead, follow) = pair(&Flights::default());
        let mut follow = task::spawn(follow);
        assert!(follow.poll().is_pending());
        drop(follow);
        assert!(lock(&lead.0.flight).waiting.is_empty());
    }
}
