//! The wait for an answer of the buckets that a fleet shares.

use std::{
    fmt,
    future::Future,
    mem,
    pin::Pin,
    sync::Arc,
    task::{Context, Poll, ready},
};

use pin_project::{pin_project, pinned_drop};
use tokio::{sync::oneshot, time::Sleep};

use super::{
    super::{
        gate::RateGate,
        permit::RatePermit,
        settings::{Price, Settings},
    },
    decide::{Case, Progress},
    question::Question,
};
use crate::{class::Class, clock, rejection::Rejection};

/// Waits until the buckets that a fleet shares have answered, for as long as the fleet's
/// [time bound](crate::Fleet::time_bound) at most. A quota of this process alone never
/// waits.
///
/// # Cancel safety
///
/// Dropping it gives up the request. Units that the store has taken for it by then, or
/// takes all the same, stay spent; those that another request's question has brought are
/// held for the next.
#[must_use = "futures do nothing unless polled"]
// In a box, so that whoever is decided on at once does not move the place for it.
pub struct RateWait(Pin<Box<Asked>>);

#[pin_project(PinnedDrop)]
struct Asked {
    gate: RateGate,
    /// As they were when it came.
    settings: Arc<Settings>,
    class: Class,
    price: Price,
    stage: Stage,
    #[pin]
    timeout: Sleep,
}

pub(super) enum Stage {
    Asking(Question),
    Joined(oneshot::Receiver<()>),
    Done,
}

impl RateWait {
    pub(super) fn new(case: &Case<'_>, stage: Stage) -> Self {
        Self(Box::pin(Asked {
            gate: case.gate.clone(),
            settings: Arc::clone(case.settings),
            class: *case.class,
            price: case.price,
            stage,
            timeout: tokio::time::sleep(case.sharing.time_bound),
        }))
    }
}

impl Stage {
    /// What there is to go on with, once something has come.
    fn poll(
        &mut self,
        case: &Case<'_>,
        timeout: Pin<&mut Sleep>,
        cx: &mut Context<'_>,
    ) -> Poll<Progress> {
        // What has come goes first: both spend the same cooperative budget, so a task that
        // has none left waits for the next turn and is not timed out.
        match mem::replace(self, Self::Done) {
            Self::Asking(mut question) => match question.poll(cx) {
                Poll::Ready(taken) => Poll::Ready(case.arrive(question, taken)),
                Poll::Pending if timeout.poll(cx).is_ready() => {
                    Poll::Ready(case.arrive(question, None))
                }
                Poll::Pending => {
                    *self = Self::Asking(question);
                    Poll::Pending
                }
            },
            Self::Joined(mut granted) => match Pin::new(&mut granted).poll(cx) {
                Poll::Ready(Ok(())) => Poll::Ready(case.grant(clock::now())),
                Poll::Ready(Err(_)) => Poll::Ready(case.begin(false, clock::now())),
                Poll::Pending if timeout.poll(cx).is_ready() => {
                    // Whoever brings units from here on keeps them.
                    granted.close();
                    let now = clock::now();
                    Poll::Ready(match granted.try_recv() {
                        Ok(()) => case.grant(now),
                        Err(_) => case.time_out(now),
                    })
                }
                Poll::Pending => {
                    *self = Self::Joined(granted);
                    Poll::Pending
                }
            },
            Self::Done => unreachable!("polled after it was ready"),
        }
    }
}

impl Future for RateWait {
    type Output = Result<RatePermit, Rejection>;

    fn poll(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Self::Output> {
        self.0.as_mut().poll(cx)
    }
}

impl Future for Asked {
    type Output = Result<RatePermit, Rejection>;

    fn poll(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Self::Output> {
        let mut this = self.project();
        loop {
            let case = Case::of(this.gate, this.settings, this.class, *this.price).expect(SHARED);
            match ready!(this.stage.poll(&case, this.timeout.as_mut(), cx)) {
                Progress::Decided(result) => return Poll::Ready(result),
                Progress::Asking(question) => *this.stage = Stage::Asking(question),
                Progress::Joined(granted) => *this.stage = Stage::Joined(granted),
            }
        }
    }
}

#[pinned_drop]
impl PinnedDrop for Asked {
    fn drop(self: Pin<&mut Self>) {
        let this = self.project();
        let case = Case::of(this.gate, this.settings, this.class, *this.price).expect(SHARED);
        match mem::replace(this.stage, Stage::Done) {
            Stage::Asking(question) => case.fail(question.more, clock::now()),
            Stage::Joined(mut granted) => {
                granted.close();
                if granted.try_recv().is_ok() {
                    case.leave(clock::now());
                }
            }
            Stage::Done => {}
        }
    }
}

impl fmt::Debug for RateWait {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("RateWait").field("class", &self.0.class).finish_non_exhaustive()
    }
}

const SHARED: &str = "only a quota that is shared is waited for";
