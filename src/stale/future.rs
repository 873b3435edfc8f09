//! The answer on its way: the service's, another's, or one that was kept.

use std::{
    fmt,
    future::Future,
    pin::Pin,
    task::{Context, Poll, ready},
};

use http::{Request, Response};
use http_body::Body;
use pin_project::pin_project;
use tokio::time::{Sleep, sleep};
use tower::Service;

use super::{
    asked::Asked,
    body::StaleBody,
    flight::{Follow, Landing, Lead, Turn},
    keeper::{Keeper, Keeping},
    key::Key,
    rest::Rest,
    said::{Said, Trouble},
};
use crate::admission::Oneshot;

/// The answer of a service behind a [`StaleLayer`](super::StaleLayer), on its way.
///
/// # Cancel safety
///
/// Dropping it drops the call. Those that wait for the same answer go on: one of them asks
/// in its place.
#[pin_project]
pub struct StaleFuture<S, B, RB, R>
where
    S: Service<Request<B>, Response = Response<RB>>,
    R: Rest<Oneshot<S, Request<B>>>,
{
    #[pin]
    state: State<S, B, RB, R::Call>,
    #[pin]
    late: Option<Sleep>,
}

/// The ways in which an answer comes about.
#[pin_project(project = StateProject)]
#[expect(clippy::large_enum_variant, reason = "nothing is boxed on the way of a request")]
enum State<S, B, RB, C>
where
    S: Service<Request<B>, Response = Response<RB>>,
{
    Passing {
        #[pin]
        call: Oneshot<S, Request<B>>,
        changes: Option<Changes>,
    },
    Calling {
        // First, so that the call is gone before others are told.
        #[pin]
        call: Option<C>,
        keeping: Option<Keeping>,
    },
    Following {
        #[pin]
        follow: Follow,
        parked: Option<Parked<S, B>>,
    },
    Answered {
        response: Option<Response<StaleBody<RB>>>,
    },
}

/// What a request changes, if it succeeds (RFC 9111, 4.4).
pub(super) struct Changes {
    pub(super) keeper: Keeper,
    pub(super) key: Key,
}

/// What a request needs that waits for another's answer.
pub(super) struct Parked<S, B> {
    pub(super) inner: S,
    pub(super) request: Request<B>,
    pub(super) keeper: Keeper,
    pub(super) asked: Asked,
    pub(super) found: bool,
}

impl<S, B, RB, R> StaleFuture<S, B, RB, R>
where
    S: Service<Request<B>, Response = Response<RB>>,
    R: Rest<Oneshot<S, Request<B>>>,
{
    fn new(state: State<S, B, RB, R::Call>) -> Self {
        Self { state, late: None }
    }

    pub(super) fn passing(call: Oneshot<S, Request<B>>, changes: Option<Changes>) -> Self {
        Self::new(State::Passing { call, changes })
    }

    pub(super) fn answered(response: Response<StaleBody<RB>>) -> Self {
        Self::new(State::Answered { response: Some(response) })
    }

    pub(super) fn calling(call: Oneshot<S, Request<B>>, keeping: Keeping) -> Self {
        let late = keeping.keeper.settings.within.map(sleep);
        let state = State::Calling { call: Some(R::hold(call)), keeping: Some(keeping) };
        Self { state, late }
    }

    pub(super) fn following(follow: Follow, parked: Parked<S, B>) -> Self {
        let late = parked.keeper.settings.within.map(sleep);
        Self { state: State::Following { follow, parked: Some(parked) }, late }
    }
}

impl<S, B, RB> Parked<S, B>
where
    S: Service<Request<B>, Response = Response<RB>>,
{
    fn go<R: Rest<Oneshot<S, Request<B>>>>(self, lead: Option<Lead>) -> State<S, B, RB, R::Call> {
        let Self { inner, request, keeper, asked, .. } = self;
        let keeping = Some(Keeping::new(keeper, asked, lead));
        State::Calling { call: Some(R::hold(Oneshot::new(inner, request))), keeping }
    }

    /// What it does when the one that it waited for has landed.
    fn after<R: Rest<Oneshot<S, Request<B>>>>(self, turn: Turn) -> State<S, B, RB, R::Call> {
        let landing = match turn {
            Turn::Landed(landing) => landing,
            Turn::Lead(lead) => return self.go::<R>(Some(lead)),
        };
        let Self { keeper, asked, found, .. } = &self;
        let answer = match landing {
            Landing::Kept(kept) if keeper.share(&kept, asked) => {
                Some(keeper.serve(&kept, asked, Said::Shared { found: *found }))
            }
            Landing::Trouble(trouble) => keeper
                .stand_in(asked, trouble)
                .map(|kept| keeper.serve(&kept, asked, Said::StandingIn(trouble))),
            Landing::Kept(_) | Landing::Own => None,
        };
        match answer {
            Some(response) => State::Answered { response: Some(response) },
            None => self.go::<R>(None),
        }
    }

    fn late(&self) -> Option<Response<StaleBody<RB>>> {
        let kept = self.keeper.stand_in(&self.asked, Trouble::Late)?;
        Some(self.keeper.serve(&kept, &self.asked, Said::StandingIn(Trouble::Late)))
    }
}

impl<S, B, RB, R> Future for StaleFuture<S, B, RB, R>
where
    S: Service<Request<B>, Response = Response<RB>>,
    RB: Body,
    R: Rest<Oneshot<S, Request<B>>>,
{
    type Output = Result<Response<StaleBody<RB>>, S::Error>;

    fn poll(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Self::Output> {
        let mut this = self.project();
        loop {
            let next = match this.state.as_mut().project() {
                StateProject::Passing { call, changes } => {
                    let result = ready!(call.poll(cx));
                    return Poll::Ready(passed(result, changes.take()));
                }
                StateProject::Calling { mut call, keeping } => {
                    let called = call.as_mut().as_pin_mut().expect(ONCE);
                    if let Poll::Ready(result) = called.poll(cx) {
                        return Poll::Ready(keeping.take().expect(ONCE).receive(result));
                    }
                    ready!(too_long(this.late.as_mut(), cx));
                    if let Some(response) = keeping.as_ref().and_then(Keeping::late) {
                        R::leave(call, keeping.take().expect(ONCE));
                        return Poll::Ready(Ok(response));
                    }
                    return Poll::Pending;
                }
                StateProject::Following { follow, parked } => {
                    if let Poll::Ready(turn) = follow.poll(cx) {
                        parked.take().expect(ONCE).after::<R>(turn)
                    } else {
                        ready!(too_long(this.late.as_mut(), cx));
                        match parked.as_ref().and_then(Parked::late) {
                            Some(response) => State::Answered { response: Some(response) },
                            None => return Poll::Pending,
                        }
                    }
                }
                StateProject::Answered { response } => {
                    return Poll::Ready(Ok(response.take().expect(ONCE)));
                }
            };
            this.state.set(next);
        }
    }
}

/// Ready once, when the time is up.
fn too_long(mut late: Pin<&mut Option<Sleep>>, cx: &mut Context<'_>) -> Poll<()> {
    match late.as_mut().as_pin_mut() {
        Some(sleep) => ready!(sleep.poll(cx)),
        None => return Poll::Pending,
    }
    late.set(None);
    Poll::Ready(())
}

fn passed<B, E>(
    result: Result<Response<B>, E>,
    changes: Option<Changes>,
) -> Result<Response<StaleBody<B>>, E> {
    let response = result?;
    let done = response.status().is_success() || response.status().is_redirection();
    if let Some(Changes { keeper, key }) = changes.filter(|_| done) {
        keeper.shared.store.forget(&key);
    }
    Ok(response.map(StaleBody::passing))
}

impl<S, B, RB, R> fmt::Debug for StaleFuture<S, B, RB, R>
where
    S: Service<Request<B>, Response = Response<RB>>,
    R: Rest<Oneshot<S, Request<B>>>,
{
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let state = match &self.state {
            State::Passing { .. } => "Passing",
            State::Calling { .. } => "Calling",
            State::Following { .. } => "Following",
            State::Answered { .. } => "Answered",
        };
        f.debug_tuple("StaleFuture").field(&format_args!("{state}")).finish()
    }
}

const ONCE: &str = "polled after it was ready";
