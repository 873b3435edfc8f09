//! One call to a service that is not known to be ready.

use std::{
    future::Future,
    pin::Pin,
    task::{Context, Poll, ready},
};

use pin_project::pin_project;
use tower::Service;

/// Waits until the service is ready, then calls it.
#[pin_project]
pub struct Oneshot<S: Service<Req>, Req> {
    #[pin]
    state: State<S, Req>,
}

#[pin_project(project = StateProject)]
enum State<S: Service<Req>, Req> {
    NotReady {
        service: S,
        /// Taken when the service is ready.
        request: Option<Req>,
    },
    Called {
        #[pin]
        future: S::Future,
    },
}

impl<S: Service<Req>, Req> Oneshot<S, Req> {
    pub(crate) fn new(service: S, request: Req) -> Self {
        Self { state: State::NotReady { service, request: Some(request) } }
    }

    /// A call that was made already.
    pub(crate) fn called(future: S::Future) -> Self {
        Self { state: State::Called { future } }
    }
}

impl<S: Service<Req>, Req> Future for Oneshot<S, Req> {
    type Output = Result<S::Response, S::Error>;

    fn poll(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Self::Output> {
        let mut state = self.project().state;
        loop {
            let future = match state.as_mut().project() {
                StateProject::Called { future } => return future.poll(cx),
                StateProject::NotReady { service, request } => {
                    ready!(service.poll_ready(cx))?;
                    service.call(request.take().expect("polled after it was ready"))
                }
            };
            state.set(State::Called { future });
        }
    }
}
