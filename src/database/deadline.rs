//! The time that is left to the request that runs now.

use std::{
    future::Future,
    time::{Duration, Instant},
};
#[cfg(feature = "sqlx")]
use std::{
    pin::Pin,
    task::{Context, Poll},
};

use tokio::time::timeout_at;
#[cfg(feature = "sqlx")]
use tokio::time::{Sleep, sleep_until};

use super::visit::Visit;
use crate::{clock, rejection::Rejection};

/// The time that is left to the request that runs now, to the deadline of its class
/// ([`GateLayer::deadline`](crate::GateLayer::deadline)); zero if that is past. `None` if it
/// has none, or no request is known to run here.
///
/// For code however deep in a handler, without a request in its hands: to bound a call, to
/// hand the time on ([`http::Propagate::deadline`](crate::http::Propagate::deadline) does so
/// over HTTP), or to leave out what will not be done in time.
///
/// ```
/// use std::{future::Future, time::Duration};
///
/// async fn in_time<F: Future>(call: F) -> Option<F::Output> {
///     let time = brownout::time_left().unwrap_or(Duration::from_secs(30));
///     tokio::time::timeout(time, call).await.ok()
/// }
/// # tokio::runtime::Builder::new_current_thread().enable_time().build().unwrap().block_on(async {
/// assert_eq!(in_time(async { 42 }).await, Some(42));
/// # });
/// ```
///
/// Known in a service behind an [`AdmissionLayer`](crate::AdmissionLayer), also while a body
/// streams, and in tasks that it spawns with [`attributed`](crate::attributed); in other tasks
/// it is not. Of layers inside of each other, the earliest deadline counts.
#[must_use]
pub fn time_left() -> Option<Duration> {
    let deadline = Visit::present(|visit| visit.class().deadline).flatten();
    deadline.map(|deadline| deadline.saturating_duration_since(clock::now()))
}

/// Until when what is done for a request may last.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Time(Option<Instant>);

impl Time {
    /// That of the request that runs now. A refusal if nothing is left of it.
    pub(crate) fn of_present() -> Result<Self, Rejection> {
        let deadline = Visit::present(Visit::deadline).flatten();
        let late = deadline.is_some_and(|deadline| deadline <= clock::now());
        if late { Err(over()) } else { Ok(Self(deadline)) }
    }

    /// Drops the future at the end of the time. What is there by then counts.
    pub(crate) async fn limit<F: Future>(self, future: F) -> Result<F::Output, Rejection> {
        match self.0 {
            Some(deadline) => timeout_at(deadline.into(), future).await.map_err(|_| over()),
            None => Ok(future.await),
        }
    }
}

#[cfg(feature = "sqlx")]
impl Time {
    /// Of what may last for as long as it takes.
    pub(crate) const ENDLESS: Self = Self(None);

    /// Goes off at the end of the time.
    pub(crate) fn alarm(self) -> Alarm {
        Alarm(self.0.map(|deadline| Box::pin(sleep_until(deadline.into()))))
    }
}

/// Goes off when a time is over, for what is no future.
#[cfg(feature = "sqlx")]
#[derive(Debug, Default)]
pub(crate) struct Alarm(Option<Pin<Box<Sleep>>>);

#[cfg(feature = "sqlx")]
impl Alarm {
    /// Pending for ever where there is no end.
    pub(crate) fn poll(&mut self, cx: &mut Context<'_>) -> Poll<Rejection> {
        match &mut self.0 {
            Some(sleep) => sleep.as_mut().poll(cx).map(|()| over()),
            None => Poll::Pending,
        }
    }
}

/// A refusal, of which the request that runs now is told.
fn over() -> Rejection {
    let rejection = Rejection::too_late();
    Visit::present(|visit| visit.refuse(rejection.clone()));
    rejection
}
