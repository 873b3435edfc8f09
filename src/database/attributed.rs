//! Work that goes on in another task.

use std::{
    future::Future,
    pin::Pin,
    task::{Context, Poll},
};

use pin_project::{pin_project, pinned_drop};

use super::visit::Visit;

/// Has the queries of a future that is going to be spawned count for the request that
/// runs now: a task of its own does not know for whom it works.
///
/// Outside of a request it says that the future is no part of one, such as a background
/// job. Queries of which nobody knows whether they belong to a request keep the crate
/// from learning which routes need no database.
///
/// ```
/// # #[tokio::main(flavor = "current_thread")]
/// # async fn main() {
/// let task = tokio::spawn(brownout::attributed(async {
///     // … queries …
/// }));
/// # task.await.unwrap();
/// # }
/// ```
///
/// The task is under the permit of the request and does not prolong it. It passes what
/// asks at a connection pool as the request does, and has its deadline: queries on an sqlx pool
/// end there, also when the request has its answer. What is to go on takes a handle that has
/// none (`Pool::without_deadline`).
pub fn attributed<F>(future: F) -> Attributed<F> {
    let visit = Visit::present(Visit::elsewhere).unwrap_or_else(Visit::nobody);
    Attributed { future: Some(future), visit: Some(visit) }
}

/// The future of [`attributed`]. As cancel safe as what is in it.
#[pin_project(PinnedDrop)]
#[must_use = "futures do nothing unless polled"]
pub struct Attributed<F> {
    /// Nothing only while it drops.
    #[pin]
    future: Option<F>,
    visit: Option<Visit>,
}

impl<F> Attributed<F> {
    /// For the request that runs now, if one does; otherwise nobody knows for whom.
    pub(super) fn to_present(future: F) -> Self {
        Self { future: Some(future), visit: Visit::present(Visit::elsewhere) }
    }
}

impl<F: Future> Future for Attributed<F> {
    type Output = F::Output;

    fn poll(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<F::Output> {
        let this = self.project();
        let future = this.future.as_pin_mut().expect("it is there until the drop");
        Visit::during(this.visit, || future.poll(cx))
    }
}

#[pinned_drop]
impl<F> PinnedDrop for Attributed<F> {
    fn drop(self: Pin<&mut Self>) {
        let mut this = self.project();
        // A transaction that is dropped rolls back, and does so for its request.
        Visit::during(this.visit, || this.future.set(None));
    }
}

impl<F> std::fmt::Debug for Attributed<F> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Attributed").finish_non_exhaustive()
    }
}
