//! Work on a connection that goes on when its caller leaves.

use std::{
    future::Future,
    panic,
    pin::Pin,
    task::{Context, Poll, ready},
};

use tokio::{sync::oneshot, task::JoinHandle};

use super::{Attributed, Database, door::Pass};

/// What becomes of the work that [`Lent::to_the_end`](super::Lent::to_the_end) does.
#[derive(Debug)]
#[must_use = "whether the work succeeded is lost"]
pub struct ToTheEnd<R> {
    task: JoinHandle<R>,
    database: Database,
    /// Takes what the work is counted by when the caller leaves. None where it has a place
    /// of its own, and when it is over.
    left: Option<oneshot::Sender<Pass>>,
}

impl<R: Send + 'static> ToTheEnd<R> {
    pub(super) fn start<F>(work: F, database: Database, has_a_place: bool) -> Self
    where
        F: Future<Output = R> + Send + 'static,
    {
        let (left, counted) = oneshot::channel();
        let task = tokio::spawn(Attributed::to_present(async move {
            let result = work.await;
            drop(counted);
            result
        }));
        Self { task, database, left: (!has_a_place).then_some(left) }
    }
}

impl<R> Future for ToTheEnd<R> {
    type Output = R;

    fn poll(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<R> {
        let ended = ready!(Pin::new(&mut self.task).poll(cx));
        self.left = None;
        match ended.map_err(tokio::task::JoinError::try_into_panic) {
            Ok(result) => Poll::Ready(result),
            Err(Ok(panic)) => panic::resume_unwind(panic),
            // Nobody else can stop the task.
            Err(Err(error)) => panic!("the runtime was shut down: {error}"),
        }
    }
}

impl<R> Drop for ToTheEnd<R> {
    fn drop(&mut self) {
        if let Some(left) = self.left.take() {
            // If the work is over by now, that is free again at once.
            let _ = left.send(self.database.occupy());
        }
    }
}
