//! What has changed lately: the transitions of all gates, in a bounded book.

use std::{
    collections::VecDeque,
    fmt,
    panic::{AssertUnwindSafe, catch_unwind},
    sync::{Arc, Mutex},
    time::Duration,
};

use crate::{
    clock,
    event::{Event, Observe},
    lock::lock,
};

/// Something that changed.
#[derive(Clone, Debug, PartialEq)]
#[cfg_attr(feature = "serde", derive(serde::Serialize))]
#[non_exhaustive]
pub struct Transition {
    /// When, as time since the Unix epoch.
    #[cfg_attr(feature = "serde", serde(serialize_with = "crate::serial::seconds"))]
    pub at: Duration,
    /// What, as a line.
    #[cfg_attr(feature = "serde", serde(serialize_with = "crate::serial::display"))]
    pub event: Event,
}

/// Hears of every event before somebody else does, and remembers the last transitions. They
/// are few, so a lock does; a refusal passes without it.
pub(crate) struct Journal {
    next: Arc<dyn Observe>,
    book: Arc<Mutex<Book>>,
}

#[derive(Default)]
struct Book {
    last: VecDeque<Transition>,
    /// How many there ever were.
    noted: u64,
}

/// What was noted since somebody looked last.
#[derive(Debug, Default)]
pub(crate) struct Latest {
    /// The oldest first.
    pub(crate) transitions: Vec<Transition>,
    /// Those before them that are not remembered any more.
    pub(crate) forgotten: u64,
    /// How many there ever were.
    pub(crate) noted: u64,
}

impl Journal {
    pub(crate) fn before(next: Arc<dyn Observe>) -> Self {
        Self { next, book: Arc::default() }
    }

    /// Another before somebody else, which writes into the same book.
    pub(crate) fn also_before(&self, next: Arc<dyn Observe>) -> Self {
        Self { next, book: self.book.clone() }
    }

    /// The oldest first.
    pub(crate) fn transitions(&self) -> Vec<Transition> {
        lock(&self.book).last.iter().cloned().collect()
    }

    /// What came after so many had been noted.
    pub(crate) fn since(&self, noted: u64) -> Latest {
        let book = lock(&self.book);
        let new = book.noted.saturating_sub(noted);
        let known = (book.last.len() as u64).min(new);
        let transitions = book.last.range(book.last.len() - known as usize..).cloned().collect();
        Latest { transitions, forgotten: new - known, noted: book.noted }
    }

    fn note(&self, event: &Event) {
        let transition = Transition { at: clock::wall(), event: event.clone() };
        let mut book = lock(&self.book);
        if book.last.len() == MOST {
            book.last.pop_front();
        }
        book.last.push_back(transition);
        book.noted += 1;
    }
}

impl Latest {
    /// These, and what came after them.
    pub(crate) fn and(mut self, later: Self) -> Self {
        self.transitions.extend(later.transitions);
        let forgotten = self.forgotten + later.forgotten;
        Self { forgotten, noted: later.noted, ..self }
    }
}

impl Observe for Journal {
    fn observe(&self, event: &Event) {
        if event.is_transition() {
            self.note(event);
        }
        // Some events come about while something drops, perhaps for a panic; a second one there
        // would be the end of the process. The panic hook has told of it.
        let _ = catch_unwind(AssertUnwindSafe(|| self.next.observe(event)));
    }

    fn looks(&self) -> bool {
        self.next.looks()
    }
}

impl fmt::Debug for Journal {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let book = lock(&self.book);
        f.debug_struct("Journal").field("last", &book.last.back()).finish_non_exhaustive()
    }
}

/// Transitions that are remembered.
const MOST: usize = 100;

#[cfg(test)]
mod tests {
    use super::*;
    use crate::event::{Cause, Circuit, Subject};

    #[test]
    fn what_is_new_is_told_once_and_what_was_forgotten_is_counted() {
        let journal = Journal::before(Arc::new(()));
        let (from, to) = (Circuit::Closed, Circuit::Open);
        let event = Event::Circuit { of: Subject::default(), from, to, cause: Cause::Forced };
        let told = |noted: u64, new: u64| {
            (0..new).for_each(|_| journal.observe(&event));
            let latest = journal.since(noted);
            (latest.transitions.len(), latest.forgotten, latest.noted)
        };
        assert_eq!(told(0, 0), (0, 0, 0));
        assert_eq!(told(0, 3), (3, 0, 3));
        assert_eq!(told(3, 0), (0, 0, 3));
        assert_eq!(told(3, 120), (MOST, 20, 123));
        assert_eq!(told(122, 0), (1, 0, 123));
    }
}
