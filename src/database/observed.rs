//! A query that is being timed.

use std::{
    error::Error,
    future::Future,
    mem,
    pin::Pin,
    task::{Context, Poll, ready},
};

use pin_project::pin_project;

use super::Statement;
use crate::{control::meter::Call, outcome::Outcome};

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
#[derive(Debug)]
pub struct InFlight {
    statement: Statement,
    call: Call,
    over: bool,
}

impl InFlight {
    pub(super) fn start(statement: &Statement) -> Self {
        let call = statement.database.start(statement.number);
        Self { statement: statement.clone(), call, over: false }
    }

    /// The query came back.
    pub fn finish(mut self, outcome: Outcome) {
        self.over = true;
        self.statement.database.finish(&self.call, outcome);
    }
}

impl Drop for InFlight {
    fn drop(&mut self) {
        if !self.over {
            self.statement.database.cancel(&self.call);
        }
    }
}
