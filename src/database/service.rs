//! A service whose calls are queries.

use std::task::{Context, Poll};

use tower::Service;

use super::{Observed, layer::StatementOf};
use crate::outcome::Judge;

/// A service that is timed as a database. Made by [`QueryLayer`](super::QueryLayer).
#[derive(Clone, Debug)]
pub struct QueryService<S, N, J> {
    inner: S,
    naming: N,
    judge: J,
}

impl<S, N, J> QueryService<S, N, J> {
    pub(super) fn new(inner: S, naming: N, judge: J) -> Self {
        Self { inner, naming, judge }
    }
}

impl<S, N, J, Req> Service<Req> for QueryService<S, N, J>
where
    S: Service<Req>,
    N: StatementOf<Req>,
    J: Judge<S::Response, S::Error> + Clone,
{
    type Response = S::Response;
    type Error = S::Error;
    type Future = Observed<S::Future, J>;

    fn poll_ready(&mut self, cx: &mut Context<'_>) -> Poll<Result<(), Self::Error>> {
        self.inner.poll_ready(cx)
    }

    fn call(&mut self, request: Req) -> Self::Future {
        // A service may set to work before its future is polled.
        let query = self.naming.statement_of(&request).start();
        Observed::started(self.inner.call(request), query, self.judge.clone())
    }
}
