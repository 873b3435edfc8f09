//! A service that reserves its one place when it is polled ready, as tower's own
//! concurrency limit does.

use std::{
    future::{Ready, ready},
    sync::Arc,
    task::{Context, Poll},
};

use tokio::sync::{OwnedSemaphorePermit, Semaphore};
use tower::{BoxError, Service};

/// Answers at once, and gives the place back then. Wakes nobody: poll it again.
#[derive(Debug)]
pub(crate) struct Reserving {
    places: Arc<Semaphore>,
    reserved: Option<OwnedSemaphorePermit>,
}

impl Reserving {
    pub(crate) fn one_place() -> Self {
        Self { places: Arc::new(Semaphore::new(1)), reserved: None }
    }

    pub(crate) fn places(&self) -> Arc<Semaphore> {
        self.places.clone()
    }
}

// A reservation belongs to one clone.
impl Clone for Reserving {
    fn clone(&self) -> Self {
        Self { places: self.places.clone(), reserved: None }
    }
}

impl Service<&'static str> for Reserving {
    type Response = &'static str;
    type Error = BoxError;
    type Future = Ready<Result<&'static str, BoxError>>;

    fn poll_ready(&mut self, _cx: &mut Context<'_>) -> Poll<Result<(), BoxError>> {
        if self.reserved.is_none() {
            self.reserved = self.places.clone().try_acquire_owned().ok();
        }
        if self.reserved.is_some() { Poll::Ready(Ok(())) } else { Poll::Pending }
    }

    fn call(&mut self, request: &'static str) -> Self::Future {
        drop(self.reserved.take().expect("it was polled ready before"));
        ready(Ok(request))
    }
}
