//! On which terms a fallback answers: what, and how many at once.

use std::{
    future::Future,
    pin::Pin,
    sync::Arc,
    task::{Context, Poll, ready},
};

use pin_project::pin_project;

use super::limit::{Limit, Place};
use crate::{
    admission::Answer,
    rejection::{Reason, Rejection},
};

/// A fallback on the terms of its [`FallbackLayer`](crate::FallbackLayer).
#[derive(Clone, Debug)]
pub struct Fallback<A> {
    pub(super) answer: A,
    pub(super) terms: Terms,
}

#[derive(Clone, Debug)]
pub(super) struct Terms {
    pub(super) over_quota: bool,
    pub(super) limit: Arc<Limit>,
}

impl Default for Terms {
    fn default() -> Self {
        Self { over_quota: false, limit: Limit::new(DEFAULT_LIMIT).into() }
    }
}

impl Terms {
    /// Whether it answers what is refused for this reason.
    fn include(&self, reason: Reason) -> bool {
        match reason {
            // There is nobody who could be served.
            Reason::Unkeyed => false,
            Reason::Quota => self.over_quota,
            _ => true,
        }
    }

    fn start<A>(&self, answer: impl FnOnce() -> Option<A>) -> Option<Answering<A>> {
        let place = self.limit.enter()?;
        answer().map(|answer| Answering { answer, place: Some(place) })
    }
}

impl<A, Req, Res, Err> Answer<Req, Res, Err> for Fallback<A>
where
    A: Answer<Req, Res, Err>,
{
    type Future = Answering<A::Future>;
    type Kept = OnTerms<A::Kept>;

    fn takes(&self, rejection: &Rejection) -> bool {
        self.terms.include(rejection.reason()) && self.answer.takes(rejection)
    }

    fn answer(self, request: Req, rejection: &Rejection) -> Option<Self::Future> {
        let Self { answer, terms } = self;
        terms.start(|| answer.answer(request, rejection))
    }

    fn keep(&self, request: &Req) -> Option<Self::Kept> {
        let kept = self.answer.keep(request)?;
        Some(OnTerms { kept, terms: self.terms.clone() })
    }

    fn answer_kept(kept: Self::Kept, rejection: &Rejection) -> Option<Self::Future> {
        let OnTerms { kept, terms } = kept;
        let terms = Some(terms).filter(|terms| terms.include(rejection.reason()))?;
        terms.start(|| A::answer_kept(kept, rejection))
    }
}

/// What a [`Fallback`] keeps of an admitted request.
#[derive(Debug)]
pub struct OnTerms<K> {
    kept: K,
    terms: Terms,
}

/// A fallback's answer on its way, which counts towards its limit.
#[pin_project]
#[derive(Debug)]
pub struct Answering<A> {
    // First, so that its work is over before its place is free.
    #[pin]
    answer: A,
    place: Option<Place>,
}

impl<A, T> Future for Answering<A>
where
    A: Future<Output = Option<T>>,
{
    type Output = Option<T>;

    fn poll(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Option<T>> {
        let this = self.project();
        let answer = ready!(this.answer.poll(cx));
        if let Some(place) = this.place.take().filter(|_| answer.is_some()) {
            place.answered();
        }
        Poll::Ready(answer)
    }
}

/// Hystrix has 10 for each command, of threads; what is here are futures.
pub(super) const DEFAULT_LIMIT: usize = 100;
