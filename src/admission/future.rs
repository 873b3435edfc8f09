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
    served::{Admitted, Served, fallen_back, served},
    service::tell_brownout,
    watch::Watch,
};
use crate::{class::Class, clock, database::Visit, gate::Gate, rejection::Rejection};

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
    state: State<S, Req, G, F, F::Future, F::Kept>,
    protocol: P,
}

/// The ways in which an answer comes about.
#[pin_project(project = StateProject)]
enum State<S, Req, G, F, A, K>
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
        /// For the fallback, where it can answer what is refused in the midst.
        kept: Option<K>,
    },
    Refused {
        /// The fallback's, if it does not decline.
        #[pin]
        answer: Option<A>,
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
    /// When it came.
    pub(super) since: Instant,
    pub(super) watch: Watch,
    pub(super) fallback: F,
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
        kept: Option<F::Kept>,
        protocol: P,
    ) -> Self {
        Self { state: State::Calling { call, visit, admitted: Some(admitted), kept }, protocol }
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

impl<S, Req, G, F> State<S, Req, G, F, F::Future, F::Kept>
where
    S: Service<Req>,
    G: Gate,
    F: Answer<Req, S::Response, S::Error>,
{
    fn refused(
        mut request: Req,
        rejection: Rejection,
        fallback: F,
        protocol: &impl Inspect<Req>,
    ) -> Self {
        let format = protocol.format(&request);
        let answer = if fallback.takes(&rejection) {
            protocol.tell_refusal(&mut request, &rejection);
            fallback.answer(request, &rejection)
        } else {
            None
        };
        Self::Refused { answer, refusal: Some((rejection, format)) }
    }

    fn refused_in_the_midst(kept: Option<F::Kept>, rejection: Rejection, format: Format) -> Self {
        let answer = kept.and_then(|kept| F::answer_kept(kept, &rejection));
        Self::Refused { answer, refusal: Some((rejection, format)) }
    }

    fn after_wait(
        answer: Result<G::Permit, Rejection>,
        parked: Parked<S, Req, F>,
        protocol: &(impl Protocol<S::Response, S::Error> + Inspect<Req>),
    ) -> Self {
        let Parked { inner, mut request, class, since, watch, fallback } = parked;
        match answer {
            Ok(permit) => {
                let now = clock::now();
                let errand = watch.start(&class, Some(now.into()));
                let admitted = Admitted { permit, errand, since: now };
                let visit = admitted.visit();
                let kept = visit.as_ref().and_then(|_| fallback.keep(&request));
                tell_brownout(protocol, &mut request, visit.as_ref());
                let waited = now.saturating_duration_since(since);
                protocol.note_admitted(waited, visit.as_ref().map(Visit::level));
                let (call, admitted) = (Oneshot::new(inner, request), Some(admitted));
                Self::Calling { call, visit, admitted, kept }
            }
            Err(rejection) => Self::refused(request, rejection, fallback, protocol),
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
                StateProject::Calling { call, visit, admitted, kept } => {
                    let result = ready!(Visit::during(visit, || call.poll(cx)));
                    let admitted = admitted.take().expect(ONCE);
                    match served(this.protocol, result, visit.take(), admitted) {
                        Served::Answered(result) => return Poll::Ready(result),
                        Served::Refused(rejection, format) => {
                            State::refused_in_the_midst(kept.take(), rejection, format)
                        }
                    }
                }
                StateProject::Refused { answer, refusal } => {
                    let own = match answer.as_pin_mut() {
                        Some(answer) => ready!(answer.poll(cx)),
                        None => None,
                    };
                    let (rejection, format) = refusal.take().expect(ONCE);
                    return Poll::Ready(match own {
                        Some(own) => fallen_back(this.protocol, own, &rejection),
                        None => this.protocol.refuse(rejection, format),
                    });
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
            State::Refused { answer: Some(_), .. } => "Answering",
            State::Refused { .. } => "Refused",
            State::Gone => "Gone",
        };
        f.debug_tuple("ResponseFuture").field(&format_args!("{state}")).finish()
    }
}

const ONCE: &str = "polled after it was ready";
