//! A service as the fallback.

use std::{
    convert::Infallible,
    future::Future,
    pin::Pin,
    task::{Context, Poll},
};

use pin_project::pin_project;
use tower::Service;

use crate::{
    admission::{Answer, Oneshot},
    rejection::Rejection,
};

/// Answers with a service. Made by [`GateLayer::fallback`](crate::GateLayer::fallback).
#[derive(Clone, Copy, Debug)]
pub struct ByService<F>(pub(crate) F);

impl<F, Req> Answer<Req, F::Response, F::Error> for ByService<F>
where
    F: Service<Req>,
{
    type Future = Called<F, Req>;
    type Kept = Infallible;

    fn answer(self, request: Req, _rejection: &Rejection) -> Option<Self::Future> {
        Some(Called::new(self.0, request))
    }

    fn keep(&self, _request: &Req) -> Option<Infallible> {
        None
    }

    fn answer_kept(kept: Infallible, _rejection: &Rejection) -> Option<Self::Future> {
        match kept {}
    }
}

/// The answer of a service that is the fallback, on its way. It is called when it is ready.
#[pin_project]
pub struct Called<F: Service<Req>, Req>(#[pin] Oneshot<F, Req>);

impl<F: Service<Req>, Req> Called<F, Req> {
    pub(crate) fn new(service: F, request: Req) -> Self {
        Self(Oneshot::new(service, request))
    }
}

impl<F: Service<Req>, Req> Future for Called<F, Req> {
    type Output = Option<Result<F::Response, F::Error>>;

    fn poll(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Self::Output> {
        self.project().0.poll(cx).map(Some)
    }
}
