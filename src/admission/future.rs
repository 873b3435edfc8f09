//! The one future: waits, calls, falls back or refuses.

use std::{
    fmt,
    future::Future,
    pin::Pin,
    task::{Context, Poll, ready},
    time::Instant,
};

use pin_project::{pin_project, pinned_drop};
use tower::Service;

use super::{
    answer::Answer,
    inspect::{Format, Inspect},
    oneshot::Oneshot,
    protocol::Protocol,
    watch::Watch,
};
use crate::{
    class::Class,
    clock,
    database::{InFlight, Spent, Visit},
    gate::{Finish, Gate},
    outcome::{Outcome, Sample},
    rejection::Rejection,
};

/// The answer of a service behind a gate, on its way.
///
/// # Cancel safety
///
/// Dropping it at any point frees its permit or its place in the queue, and gives a
/// breaker's probe back.
#[pin_project(PinnedDrop)]
pub struct ResponseFuture<S, Req, G, P, F>
where
    S: Service<Req>,
    G: Gate,
    F: Answer<Req, S::Response, S::Error>,
{
    #[pin]
    state: State<S, Req, G, F, F::Future>,
    protocol: P,
}

/// The ways in which an answer comes about.
#[pin_project(project = StateProject)]
#[expect(clippy::large_enum_variant, reason = "nothing is boxed on the way of a request")]
enum State<S, Req, G, F, A>
where
    S: Service<Req>,
    G: Gate,
{
    Waiting {
        #[pin]
        wait: G::Wait,
        parked: Option<Parked<S, Req, F>>,
    },
    Calling {
        // First, so that the inner service's future is gone before the permit is.
        #[pin]
        call: Oneshot<S, Req>,
        visit: Option<Visit>,
        admitted: Option<Admitted<G::Permit>>,
    },
    Answering {
        #[pin]
        answer: A,
    },
    Refused {
        /// Taken when it is told.
        refusal: Option<(Rejection, Format)>,
    },
    /// Only while it drops.
    Gone,
}

/// What a waiting request needs when its wait is over.
pub(super) struct Parked<S, Req, F> {
    pub(super) inner: S,
    pub(super) request: Req,
    pub(super) class: Class,
    pub(super) watch: Watch,
    pub(super) fallback: F,
}

/// What an admitted request holds.
pub(super) struct Admitted<H> {
    pub(super) permit: H,
    pub(super) query: Option<InFlight>,
    pub(super) since: Instant,
}

impl<S, Req, G, P, F> ResponseFuture<S, Req, G, P, F>
where
    S: Service<Req>,
    G: Gate,
    P: Protocol<S::Response, S::Error>,
    F: Answer<Req, S::Response, S::Error>,
{
    pub(super) fn calling(
        call: Oneshot<S, Req>,
        visit: Option<Visit>,
        admitted: Admitted<G::Permit>,
        protocol: P,
    ) -> Self {
        Self { state: State::Calling { call, visit, admitted: Some(admitted) }, protocol }
    }

    pub(super) fn waiting(wait: G::Wait, parked: Parked<S, Req, F>, protocol: P) -> Self {
        Self { state: State::Waiting { wait, parked: Some(parked) }, protocol }
    }

    pub(super) fn refused(request: Req, rejection: Rejection, fallback: F, protocol: P) -> Self
    where
        P: Inspect<Req>,
    {
        Self { state: State::refused(request, rejection, fallback, &protocol), protocol }
    }
}

impl<S, Req, G, F> State<S, Req, G, F, F::Future>
where
    S: Service<Req>,
    G: Gate,
    F: Answer<Req, S::Response, S::Error>,
{
    fn refused(
        request: Req,
        rejection: Rejection,
        fallback: F,
        protocol: &impl Inspect<Req>,
    ) -> Self {
        let format = protocol.format(&request);
        match fallback.answer(request, &rejection) {
            Some(answer) => Self::Answering { answer },
            None => Self::Refused { refusal: Some((rejection, format)) },
        }
    }

    fn after_wait(
        answer: Result<G::Permit, Rejection>,
        parked: Parked<S, Req, F>,
        protocol: &impl Inspect<Req>,
    ) -> Self {
        let Parked { inner, request, class, watch, fallback } = parked;
        match answer {
            Ok(permit) => {
                let query = watch.start(&class);
                let visit = permit.attendance().map(Visit::within);
                let admitted = Some(Admitted { permit, query, since: clock::now() });
                Self::Calling { call: Oneshot::new(inner, request), visit, admitted }
            }
            Err(rejection) => Self::refused(request, rejection, fallback, protocol),
        }
    }
}

impl<H: Finish> Admitted<H> {
    fn has_listeners(&self) -> bool {
        self.query.is_some() || self.permit.listens()
    }

    /// Tells whoever wants to know; the permit lives on.
    fn finish(&mut self, outcome: Outcome) {
        let latency = clock::now().saturating_duration_since(self.since);
        self.permit.finish(&Sample::new(latency, outcome));
        if let Some(query) = self.query.take() {
            query.finish(outcome);
        }
    }
}

impl<S, Req, G, P, F> Future for ResponseFuture<S, Req, G, P, F>
where
    S: Service<Req>,
    G: Gate,
    P: Protocol<S::Response, S::Error> + Inspect<Req>,
    F: Answer<Req, S::Response, S::Error>,
{
    type Output = Result<P::Response<G::Permit>, S::Error>;

    fn poll(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Self::Output> {
        let mut this = self.project();
        loop {
            let next = match this.state.as_mut().project() {
                StateProject::Waiting { wait, parked } => {
                    let answer = ready!(wait.poll(cx));
                    State::after_wait(answer, parked.take().expect(ONCE), this.protocol)
                }
                StateProject::Calling { call, visit, admitted } => {
                    let result = ready!(Visit::during(visit, || call.poll(cx)));
                    let noted = visit.as_mut().map(Noted::by).unwrap_or_default();
                    // In its place, since it is large.
                    *visit = None;
                    let admitted = admitted.take().expect(ONCE);
                    return Poll::Ready(served(this.protocol, result, noted, admitted));
                }
                StateProject::Answering { answer } => {
                    let result = ready!(answer.poll(cx));
                    return Poll::Ready(result.map(|own| this.protocol.answer(own, None)));
                }
                StateProject::Refused { refusal } => {
                    let (rejection, format) = refusal.take().expect(ONCE);
                    return Poll::Ready(this.protocol.refuse(rejection, format));
                }
                StateProject::Gone => unreachable!("it is set by the drop alone"),
            };
            this.state.set(next);
        }
    }
}

#[pinned_drop]
impl<S, Req, G, P, F> PinnedDrop for ResponseFuture<S, Req, G, P, F>
where
    S: Service<Req>,
    G: Gate,
    F: Answer<Req, S::Response, S::Error>,
{
    fn drop(self: Pin<&mut Self>) {
        let mut state = self.project().state;
        let StateProject::Calling { visit, .. } = state.as_mut().project() else { return };
        if visit.is_none() {
            return;
        }
        // A transaction that is dropped rolls back, and does so for its request.
        let mut visit = visit.take();
        Visit::during(&mut visit, || state.set(State::Gone));
    }
}

/// What was noted of a request until its service had answered.
#[derive(Default)]
struct Noted {
    refused: Option<Rejection>,
    spent: Vec<Spent>,
}

impl Noted {
    fn by(visit: &mut Visit) -> Self {
        Self { refused: visit.refused(), spent: visit.end() }
    }
}

/// What the caller gets of the service's result.
fn served<P, Res, Err, H: Finish>(
    protocol: &P,
    result: Result<Res, Err>,
    noted: Noted,
    mut admitted: Admitted<H>,
) -> Result<P::Response<H>, Err>
where
    P: Protocol<Res, Err>,
{
    let Noted { refused, spent } = noted;
    if let Some(rejection) = refused.filter(|_| protocol.has_failed(&result)) {
        let format = protocol.format_of(&result);
        admitted.finish(Outcome::Ignore);
        admitted.permit.hand_back();
        drop(admitted);
        return protocol.refuse(rejection, format);
    }
    if admitted.has_listeners() {
        admitted.finish(protocol.judge(&result));
    }
    let mut response = result?;
    if !spent.is_empty() {
        protocol.tell_spent(&mut response, &spent);
    }
    if let Some(standing) = admitted.permit.standing() {
        protocol.tell_standing(&mut response, standing);
    }
    Ok(protocol.answer(response, Some(admitted.permit)))
}

impl<S, Req, G, P, F> fmt::Debug for ResponseFuture<S, Req, G, P, F>
where
    S: Service<Req>,
    G: Gate,
    F: Answer<Req, S::Response, S::Error>,
{
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let state = match &self.state {
            State::Waiting { .. } => "Waiting",
            State::Calling { .. } => "Calling",
            State::Answering { .. } => "Answering",
            State::Refused { .. } => "Refused",
            State::Gone => "Gone",
        };
        f.debug_tuple("ResponseFuture").field(&format_args!("{state}")).finish()
    }
}

const ONCE: &str = "polled after it was ready";
