//! A service that insists on Tower's contract.

use std::{
    future::{Ready, ready},
    task::{Context, Poll},
};

use tower::{BoxError, Service};

/// Panics when it is called without having been polled ready.
#[derive(Debug, Default)]
pub(crate) struct Careful {
    ready: bool,
}

// Readiness belongs to one clone.
impl Clone for Careful {
    fn clone(&self) -> Self {
        Self::default()
    }
}

impl Service<&'static str> for Careful {
    type Response = &'static str;
    type Error = BoxError;
    type Future = Ready<Result<&'static str, BoxError>>;

    fn poll_ready(&mut self, _cx: &mut Context<'_>) -> Poll<Result<(), BoxError>> {
        self.ready = true;
        Poll::Ready(Ok(()))
    }

    fn call(&mut self, request: &'static str) -> Self::Future {
        assert!(std::mem::take(&mut self.ready), "called without having been polled ready");
        ready(Ok(request))
    }
}
