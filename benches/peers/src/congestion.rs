//! congestion-limiter, which is no Tower service: a token for each job, tried for and
//! given back.
//!
//! In 0.1.0 its `Gradient` panics when a job was faster than the average (it subtracts the
//! one `Duration` from the other). A server catches that in the task, the token goes back
//! and the limit stays as it is; so it is caught here.

use std::{
    cell::Cell,
    collections::HashMap,
    fmt,
    panic::{self, AssertUnwindSafe},
    pin::pin,
    sync::Once,
    task::{Context, Poll, Waker},
};

use brownout::{
    Priority,
    simulate::{Entry, Foreign},
};
use congestion_limiter::{
    limiter::{DefaultLimiter, Limiter, Outcome, Token},
    limits::LimitAlgorithm,
};
use tokio::{
    runtime::{Builder, Runtime},
    task,
};

use crate::clock;

/// Drives a limiter. It shrinks in tasks of its own, so there is a runtime for them, which
/// runs them after every call.
pub struct Congestion<T> {
    limiter: DefaultLimiter<T>,
    tokens: HashMap<usize, Token>,
    runtime: Runtime,
}

impl<T: LimitAlgorithm + fmt::Debug + Sync> Congestion<T> {
    pub fn new(algorithm: T) -> Self {
        let runtime = Builder::new_current_thread().build().expect("it needs no resources");
        Self { limiter: DefaultLimiter::new(algorithm), tokens: HashMap::new(), runtime }
    }
}

impl<T> Congestion<T> {
    /// Runs the tasks that take back what is over the limit, if there are any.
    fn let_shrink(&self) {
        if self.runtime.metrics().num_alive_tasks() > 0 {
            self.runtime.block_on(task::yield_now());
        }
    }
}

impl<T: LimitAlgorithm + fmt::Debug + Sync> Foreign for Congestion<T> {
    fn enter(&mut self, attempt: usize, _priority: Priority, now: f64) -> Entry {
        clock::set(now);
        match at_once(self.limiter.try_acquire()).flatten() {
            Some(token) => {
                self.tokens.insert(attempt, token);
                Entry::Admitted
            }
            None => Entry::Refused,
        }
    }

    fn finish(&mut self, attempt: usize, _latency: f64, ok: bool, now: f64) {
        clock::set(now);
        let token = self.tokens.remove(&attempt).expect("it was admitted");
        // An error that is not an overload is to be ignored, it says.
        let outcome = ok.then_some(Outcome::Success);
        let runs = self.runtime.enter();
        caught(|| {
            at_once(self.limiter.release(token, outcome));
        });
        drop(runs);
        self.let_shrink();
    }

    /// A token that is dropped goes back and says nothing.
    fn cancel(&mut self, attempt: usize, now: f64) {
        clock::set(now);
        drop(self.tokens.remove(&attempt).expect("it was admitted"));
        self.let_shrink();
    }

    fn tick(&mut self, now: f64) {
        clock::set(now);
    }

    fn limit(&self) -> usize {
        self.limiter.state().limit()
    }
}

/// What is ready when asked for the first time, as all is here.
fn at_once<F: Future>(future: F) -> Option<F::Output> {
    match pin!(future).poll(&mut Context::from_waker(Waker::noop())) {
        Poll::Ready(output) => Some(output),
        Poll::Pending => None,
    }
}

/// Runs what may panic, and says nothing if it does.
fn caught(run: impl FnOnce()) {
    static QUIET: Once = Once::new();
    QUIET.call_once(|| {
        let loud = panic::take_hook();
        panic::set_hook(Box::new(move |panic| {
            if !CAUGHT.get() {
                loud(panic);
            }
        }));
    });
    CAUGHT.set(true);
    let _ = panic::catch_unwind(AssertUnwindSafe(run));
    CAUGHT.set(false);
}

thread_local! {
    static CAUGHT: Cell<bool> = const { Cell::new(false) };
}

impl<T> Drop for Congestion<T> {
    fn drop(&mut self) {
        clock::release();
    }
}

impl<T> fmt::Debug for Congestion<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Congestion").field("inside", &self.tokens.len()).finish_non_exhaustive()
    }
}
