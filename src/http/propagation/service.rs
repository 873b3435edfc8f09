//! A client that tells.

use std::task::{Context, Poll};

use http::Request;
use tower::Service;

use super::propagate::Propagate;

/// A client whose calls tell how important the request is for which they are made. Made by
/// [`Propagate`]. As cancel safe as the client.
#[derive(Clone, Debug)]
pub struct Propagating<S> {
    inner: S,
    propagate: Propagate,
}

impl<S> Propagating<S> {
    pub(super) fn new(inner: S, propagate: Propagate) -> Self {
        Self { inner, propagate }
    }
}

impl<S, B> Service<Request<B>> for Propagating<S>
where
    S: Service<Request<B>>,
{
    type Response = S::Response;
    type Error = S::Error;
    type Future = S::Future;

    fn poll_ready(&mut self, cx: &mut Context<'_>) -> Poll<Result<(), Self::Error>> {
        self.inner.poll_ready(cx)
    }

    fn call(&mut self, mut request: Request<B>) -> Self::Future {
        self.propagate.write(request.headers_mut());
        self.inner.call(request)
    }
}
