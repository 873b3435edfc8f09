//! The innermost service: a query that ends when the simulator says so.

use std::{
    convert::Infallible,
    future::Future,
    pin::Pin,
    sync::{
        Arc,
        atomic::{AtomicU8, Ordering},
    },
    task::{Context, Poll},
};

use tower::Service;

/// How far a query is; the simulator holds one end and the peer's future the other.
#[derive(Clone, Debug, Default)]
pub struct Query(Arc<AtomicU8>);

/// What a query fails with.
#[derive(Debug)]
pub struct Failed;

/// Runs queries.
#[derive(Clone, Debug)]
pub struct Database;

impl Query {
    /// Whether the peer let it through to the database.
    pub fn has_begun(&self) -> bool {
        self.0.load(Ordering::Relaxed) != NEW
    }

    /// It is done. Its future is ready from now on.
    pub fn end(&self, ok: bool) {
        self.0.store(if ok { DONE } else { FAILED }, Ordering::Relaxed);
    }
}

impl Service<Query> for Database {
    type Response = ();
    type Error = Failed;
    type Future = Running;

    fn poll_ready(&mut self, _: &mut Context<'_>) -> Poll<Result<(), Failed>> {
        Poll::Ready(Ok(()))
    }

    fn call(&mut self, query: Query) -> Running {
        query.0.store(BEGUN, Ordering::Relaxed);
        Running(query)
    }
}

/// A query that was begun.
#[derive(Debug)]
pub struct Running(Query);

impl Future for Running {
    type Output = Result<(), Failed>;

    fn poll(self: Pin<&mut Self>, _: &mut Context<'_>) -> Poll<Self::Output> {
        // Nobody is woken: the simulator polls whom it has ended.
        match self.0.0.load(Ordering::Relaxed) {
            DONE => Poll::Ready(Ok(())),
            FAILED => Poll::Ready(Err(Failed)),
            _ => Poll::Pending,
        }
    }
}

impl std::fmt::Display for Failed {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("the query failed")
    }
}

impl std::error::Error for Failed {}

impl From<Infallible> for Failed {
    fn from(never: Infallible) -> Self {
        match never {}
    }
}

const NEW: u8 = 0;
const BEGUN: u8 = 1;
const DONE: u8 = 2;
const FAILED: u8 = 3;
