//! What many threads write down, and what is gathered of it.

use crate::{
    striped::Striped,
    sync::{Mutex, MutexGuard, lock},
};

/// Each thread writes notes of its own. Who reads takes over what is in all of them first.
pub(super) struct Gathered<F, N> {
    /// Locked before notes are.
    figures: Mutex<F>,
    notes: Striped<Mutex<N>>,
}

impl<F, N> Gathered<F, N> {
    pub(super) fn new(figures: F, notes: impl Fn() -> N) -> Self {
        Self { figures: Mutex::new(figures), notes: Striped::new(|| Mutex::new(notes())) }
    }

    /// The notes of this thread.
    pub(super) fn own(&self) -> MutexGuard<'_, N> {
        lock(self.notes.own())
    }

    /// The figures with what all have noted.
    pub(super) fn all(&self, mut take_over: impl FnMut(&mut F, &mut N)) -> MutexGuard<'_, F> {
        let mut figures = lock(&self.figures);
        // All at once: of a query that starts on one thread and ends on another meanwhile, the
        // end might be found without the start.
        for mut notes in self.notes.each().map(lock) {
            take_over(&mut figures, &mut notes);
        }
        figures
    }

    /// What this thread has noted is taken over.
    pub(super) fn take_over_own(&self, take_over: impl FnOnce(&mut F, &mut N)) {
        let mut figures = lock(&self.figures);
        take_over(&mut figures, &mut lock(self.notes.own()));
    }

    /// Whoever has the figures tells all who note something.
    pub(super) fn tell(&self, figures: &F, tell: impl Fn(&F, &mut N)) {
        self.notes.all().for_each(|notes| tell(figures, &mut lock(notes)));
    }
}

#[cfg(all(brownout_loom, test))]
mod loom_tests;
