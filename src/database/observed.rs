//! A query that is being timed.

use std::{
    fmt,
    future::Future,
    mem,
    pin::Pin,
    sync::Arc,
    task::{Context, Poll, ready},
};

use pin_project::pin_project;

use super::{Database, Statement, errors::JudgeErrors};
use crate::{
    clock,
    control::{call::Call, stamp::Stamp, witness::Witness},
    outcome::{Judge, Outcome},
};

/// Times the future of a query.
///
/// # Cancel safety
///
/// As cancel safe as the query. Dropped before the result, the query counts as cancelled,
/// and its time so far as busy time.
#[pin_project]
#[derive(Debug)]
#[must_use = "futures do nothing unless polled"]
pub struct Observed<F, J = JudgeErrors> {
    #[pin]
    query: F,
    state: State,
    judge: J,
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
        let judge = JudgeErrors(statement.database.clone());
        Self { query, state: State::New(statement), judge }
    }
}

impl<F, J> Observed<F, J> {
    /// A query that has started already.
    pub(super) fn started(query: F, since: InFlight, judge: J) -> Self {
        Self { query, state: State::Out(since), judge }
    }
}

impl<F, J, T, E> Future for Observed<F, J>
where
    F: Future<Output = Result<T, E>>,
    J: Judge<T, E>,
{
    type Output = Result<T, E>;

    fn poll(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Self::Output> {
        let this = self.project();
        if let State::New(statement) = this.state {
            *this.state = State::Out(statement.start());
        }
        let result = ready!(this.query.poll(cx));
        if let State::Out(query) = mem::replace(this.state, State::Done) {
            query.finish(this.judge.judge(&result));
        }
        Poll::Ready(result)
    }
}

/// A query in flight. Dropped without an outcome, it counts as cancelled.
#[must_use = "dropping it counts as a query whose caller left"]
pub struct InFlight {
    /// None when the query is over.
    database: Option<Database>,
    call: Call,
    witness: Option<Arc<dyn Witness>>,
}

impl InFlight {
    pub(super) fn start(database: &Database, statement: usize, now: Stamp) -> Self {
        let (call, witness) = database.start(statement, now);
        Self { database: Some(database.clone()), call, witness }
    }

    /// The query came back.
    pub fn finish(mut self, outcome: Outcome) {
        self.end(clock::stamp(), Some(outcome));
    }

    fn end(&mut self, at: Stamp, outcome: Option<Outcome>) {
        let Some(database) = self.database.take() else { return };
        let ended = database.finish(&self.call, at, outcome);
        if let Some(witness) = &self.witness {
            witness.end(database.number(), &self.call, &ended);
        }
    }
}

impl Drop for InFlight {
    fn drop(&mut self) {
        if self.database.is_some() {
            self.end(clock::stamp(), None);
        }
    }
}

impl fmt::Debug for InFlight {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { database, call, .. } = self;
        let mut shown = f.debug_struct("InFlight");
        shown
            .field("database", database)
            .field("statement", &call.statement)
            .finish_non_exhaustive()
    }
}
