//! A query that is being timed.

use std::{
    error::Error,
    fmt,
    future::Future,
    mem,
    pin::Pin,
    sync::Arc,
    task::{Context, Poll, ready},
};

use pin_project::pin_project;

use super::Statement;
use crate::{
    control::{meter::Call, witness::Witness},
    outcome::Outcome,
};

/// Times the future of a query.
#[pin_project]
#[derive(Debug)]
#[must_use = "futures do nothing unless polled"]
pub struct Observed<F> {
    #[pin]
    query: F,
    state: State,
}

#[derive(Debug)]
enum State {
    /// Not polled yet, so the query has not started.
    New(Statement),
    Out(InFlight),
    Done,
}

impl<F> Observed<F> {
    pub(super) fn new(query: F, statement: Statement) -> Self {
        Self { query, state: State::New(statement) }
    }
}

impl<F, T, E> Future for Observed<F>
where
    F: Future<Output = Result<T, E>>,
    E: Error + 'static,
{
    type Output = Result<T, E>;

    fn poll(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Self::Output> {
        let this = self.project();
        if let State::New(statement) = this.state {
            *this.state = State::Out(statement.start());
        }
        let result = ready!(this.query.poll(cx));
        if let State::Out(query) = mem::replace(this.state, State::Done) {
            let outcome = match &result {
                Ok(_) => Outcome::Success,
                Err(error) => query.statement.database.judge(error),
            };
            query.finish(outcome);
        }
        Poll::Ready(result)
    }
}

/// A query in flight. Dropped without an outcome, it counts as cancelled.
#[must_use = "dropping it counts as a query whose caller left"]
pub struct InFlight {
    statement: Statement,
    call: Call,
    witness: Option<Arc<dyn Witness>>,
    outcome: Option<Outcome>,
}

impl InFlight {
    pub(super) fn start(statement: &Statement) -> Self {
        let (call, witness) = statement.database.start(statement.number);
        Self { statement: statement.clone(), call, witness, outcome: None }
    }

    /// The query came back.
    pub fn finish(mut self, outcome: Outcome) {
        self.outcome = Some(outcome);
    }
}

impl Drop for InFlight {
    fn drop(&mut self) {
        let database = &self.statement.database;
        let ended = database.finish(&self.call, self.outcome);
        if let Some(witness) = &self.witness {
            witness.end(database.number(), &self.call, &ended);
        }
    }
}

impl fmt::Debug for InFlight {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("InFlight").field("statement", &self.statement).finish_non_exhaustive()
    }
}
