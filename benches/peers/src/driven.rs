//! A Tower service as a guard in the simulator.

use std::{
    collections::HashMap,
    fmt,
    future::Future,
    pin::Pin,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
    task::{Context, Poll, Wake, Waker},
};

use brownout::{
    Priority,
    simulate::{Entry, Foreign},
};
use tower::Service;

use crate::{clock, query::Query};

/// Drives a peer: each attempt gets a fresh clone of the service, as axum does it, one
/// `poll_ready` and one `call`. What is not ready then is shed, which is what tower's
/// `LoadShed` around the service does.
pub struct Driven<S: Service<Query>> {
    service: S,
    /// Those inside: admitted, or kept in a queue of the peer's own.
    inside: HashMap<usize, Inside<S::Future>>,
    /// Those that the peer has woken.
    woken: Arc<Mutex<Vec<usize>>>,
    limit: fn(&S) -> usize,
}

struct Inside<F> {
    query: Query,
    future: Pin<Box<F>>,
    waker: Waker,
}

/// Says which of those that wait may go on.
struct Bell {
    attempt: usize,
    woken: Arc<Mutex<Vec<usize>>>,
}

impl Wake for Bell {
    fn wake(self: Arc<Self>) {
        locked(&self.woken).push(self.attempt);
    }
}

/// The first that was woken.
fn pop(woken: &Mutex<Vec<usize>>) -> Option<usize> {
    let mut woken = locked(woken);
    (!woken.is_empty()).then(|| woken.remove(0))
}

fn locked(woken: &Mutex<Vec<usize>>) -> MutexGuard<'_, Vec<usize>> {
    woken.lock().unwrap_or_else(PoisonError::into_inner)
}

impl<S: Service<Query>> Driven<S> {
    /// `limit` reads the limit, for drawings.
    pub fn new(service: S, limit: fn(&S) -> usize) -> Self {
        Self { service, inside: HashMap::new(), woken: Arc::default(), limit }
    }
}

impl<S> Foreign for Driven<S>
where
    S: Service<Query> + Clone,
{
    fn enter(&mut self, attempt: usize, _priority: Priority, now: f64) -> Entry {
        clock::set(now);
        let mut service = self.service.clone();
        match service.poll_ready(&mut idle()) {
            Poll::Ready(Ok(())) => {}
            Poll::Ready(Err(_)) | Poll::Pending => return Entry::Refused,
        }
        let query = Query::default();
        let mut future = Box::pin(service.call(query.clone()));
        let waker = Waker::from(Arc::new(Bell { attempt, woken: self.woken.clone() }));
        if future.as_mut().poll(&mut Context::from_waker(&waker)).is_ready() {
            return Entry::Refused;
        }
        let entry = if query.has_begun() { Entry::Admitted } else { Entry::Waits };
        self.inside.insert(attempt, Inside { query, future, waker });
        entry
    }

    fn admitted_later(&mut self, now: f64) -> Option<usize> {
        clock::set(now);
        while let Some(attempt) = pop(&self.woken) {
            // Whoever has gone meanwhile is passed over, and whoever was in before.
            let Some(kept) = self.inside.get_mut(&attempt) else { continue };
            if kept.query.has_begun() {
                continue;
            }
            // The query cannot have ended yet, so neither can this.
            let _ = kept.future.as_mut().poll(&mut Context::from_waker(&kept.waker));
            if kept.query.has_begun() {
                return Some(attempt);
            }
        }
        None
    }

    fn finish(&mut self, attempt: usize, _latency: f64, ok: bool, now: f64) {
        clock::set(now);
        let mut done = self.inside.remove(&attempt).expect("it was admitted");
        done.query.end(ok);
        let over = done.future.as_mut().poll(&mut idle()).is_ready();
        assert!(over, "a peer gives an answer back at once");
    }

    fn cancel(&mut self, attempt: usize, now: f64) {
        clock::set(now);
        self.inside.remove(&attempt).expect("it was inside");
    }

    fn tick(&mut self, now: f64) {
        clock::set(now);
    }

    fn limit(&self) -> usize {
        (self.limit)(&self.service)
    }
}

impl<S: Service<Query>> Drop for Driven<S> {
    fn drop(&mut self) {
        clock::release();
    }
}

impl<S: Service<Query>> fmt::Debug for Driven<S> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Driven").field("inside", &self.inside.len()).finish_non_exhaustive()
    }
}

/// Nobody to wake: what is not ready at once is shed, and what is over is asked for.
fn idle() -> Context<'static> {
    Context::from_waker(Waker::noop())
}
