//! Whether a connection is any good that has left a call without an answer.

use std::{
    future::Future,
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering},
    },
    time::Duration,
};

use tokio::{runtime::Handle, time::timeout};

/// Asks again, for longer than the one who left, and one at a time.
#[derive(Debug, Default)]
pub(super) struct Doubt {
    asking: AtomicBool,
}

impl Doubt {
    /// Somebody has left before the answer. If none comes to this question either, whatever
    /// it is, the connection is given up.
    pub(super) fn ask<Q>(
        self: &Arc<Self>,
        question: impl FnOnce() -> Q,
        give_up: impl FnOnce() + Send + 'static,
    ) where
        Q: Future<Output = ()> + Send + 'static,
    {
        let Ok(runtime) = Handle::try_current() else { return };
        if self.asking.swap(true, Ordering::Relaxed) {
            return;
        }
        let (question, asked) = (question(), Asked(self.clone()));
        runtime.spawn(async move {
            if timeout(SILENCE, question).await.is_err() {
                give_up();
            }
            drop(asked);
        });
    }
}

/// A question on its way, also one of a runtime that ends.
struct Asked(Arc<Doubt>);

impl Drop for Asked {
    fn drop(&mut self) {
        self.0.asking.store(false, Ordering::Relaxed);
    }
}

/// A server that has had nothing to say for so long is no slow one.
pub(super) const SILENCE: Duration = Duration::from_secs(3);

#[cfg(test)]
mod tests {
    use std::{
        future::{pending, ready},
        sync::atomic::AtomicU32,
    };

    use tokio::time::sleep;

    use super::*;

    const MS: Duration = Duration::from_millis(1);

    /// Counts how often a connection was given up, and how often one was asked about.
    #[derive(Clone, Default)]
    struct Counts {
        doubt: Arc<Doubt>,
        asked: Arc<AtomicU32>,
        given_up: Arc<AtomicU32>,
    }

    impl Counts {
        fn ask(&self, question: impl Future<Output = ()> + Send + 'static) {
            let given_up = self.given_up.clone();
            let asked = || {
                self.asked.fetch_add(1, Ordering::Relaxed);
                question
            };
            self.doubt.ask(asked, move || {
                given_up.fetch_add(1, Ordering::Relaxed);
            });
        }

        fn now(&self) -> (u32, u32) {
            (self.asked.load(Ordering::Relaxed), self.given_up.load(Ordering::Relaxed))
        }
    }

    #[tokio::test(start_paused = true)]
    async fn a_connection_that_stays_silent_is_given_up_once() {
        let counts = Counts::default();
        for _ in 0..1_000 {
            counts.ask(pending());
        }
        sleep(SILENCE - MS).await;
        assert_eq!(counts.now(), (1, 0), "it may be slow");
        sleep(2 * MS).await;
        assert_eq!(counts.now(), (1, 1));
        counts.ask(pending());
        sleep(SILENCE + MS).await;
        assert_eq!(counts.now(), (2, 2), "and so may be the next");
    }

    #[tokio::test(start_paused = true)]
    async fn one_that_answers_late_is_kept() {
        let counts = Counts::default();
        counts.ask(sleep(SILENCE - MS));
        sleep(2 * SILENCE).await;
        counts.ask(ready(()));
        sleep(2 * SILENCE).await;
        assert_eq!(counts.now(), (2, 0));
    }

    #[test]
    fn a_runtime_that_ends_leaves_the_next_one_free_to_ask() {
        let counts = Counts::default();
        for asked in 1..3 {
            let runtime = tokio::runtime::Builder::new_current_thread().enable_time().build();
            let runtime = runtime.expect("it may be made");
            runtime.block_on(async { counts.ask(pending()) });
            assert_eq!(counts.now(), (asked, 0));
        }
        counts.ask(pending());
        assert_eq!(counts.now(), (2, 0), "there is nobody to ask");
    }
}
