//! One call to a service that is not known to be ready.

use std::{
    future::Future,
    pin::Pin,
    task::{Context, Poll, ready},
};

use pin_project::pin_project;
use tower::Service;

/// Waits until the service is ready, then calls it.
#[pin_project(project = OneshotProject)]
#[derive(Debug)]
pub enum Oneshot<S: Service<Req>, Req> {
    /// The service and the request; the latter is there until the call.
    NotReady {
        /// Not known to be ready.
        service: S,
        /// Taken when the service is ready.
        request: Option<Req>,
    },
    /// The call.
    Called {
        /// The service's answer on its way.
        #[pin]
        future: S::Future,
    },
}

impl<S: Service<Req>, Req> Oneshot<S, Req> {
    pub(crate) fn new(service: S, request: Req) -> Self {
        Self::NotReady { service, request: Some(request) }
    }
}

impl<S: Service<Req>, Req> Future for Oneshot<S, Req> {
    type Output = Result<S::Response, S::Error>;

    fn poll(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Self::Output> {
        loop {
            let future = match self.as_mut().project() {
                OneshotProject::Called { future } => return future.poll(cx),
                OneshotProject::NotReady { service, request } => {
                    ready!(service.poll_ready(cx))?;
                    service.call(request.take().expect("polled after it was ready"))
                }
            };
            self.set(Self::Called { future });
        }
    }
}
