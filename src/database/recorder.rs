//! What is counted of one database, by many threads.
//!
//! Each thread writes into notes of its own, which are gathered by who reads, or sends a signal.

use std::{
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering},
    },
    time::Duration,
};

use super::{
    checkout::CONNECTION,
    figures::Ledger,
    gathered::Gathered,
    insight::Insight,
    recent::Recent,
    table::{OTHER, UNNAMED},
};
use crate::{
    control::{
        call::{Call, Slow, WAIT},
        meter::Meter,
        stamp::Stamp,
    },
    outcome::Outcome,
    signal::Signal,
    sync::MutexGuard,
};

/// Counts queries for many threads.
pub(super) struct Recorder {
    gathered: Gathered<Figures, Notes>,
    /// Whether there are books.
    keeps_books: AtomicBool,
}

/// All that is counted of one database.
pub(super) struct Figures {
    pub(super) meter: Meter,
    /// For people. Not kept before anybody looks, where nobody is likely to.
    books: Option<Books>,
}

/// What people may want to know.
pub(super) struct Books {
    pub(super) recent: Recent,
    pub(super) ledger: Ledger,
    pub(super) insight: Insight,
}

/// What some threads have counted, and nobody has taken over yet.
struct Notes {
    meter: Meter,
    /// For the books, up to [`MOST`].
    over: Vec<Over>,
}

/// A query that came back, or was given up where there is no outcome.
#[derive(Clone, Copy)]
pub(super) struct Over {
    pub(super) statement: usize,
    pub(super) at: Stamp,
    pub(super) latency: Duration,
    pub(super) outcome: Option<Outcome>,
}

impl Recorder {
    pub(super) fn new(slow: Slow, now: Stamp) -> Self {
        let notes = || Notes { meter: Meter::new(slow, now), over: Vec::new() };
        let gathered = Gathered::new(Figures::new(slow, now), notes);
        Self { gathered, keeps_books: AtomicBool::new(false) }
    }

    pub(super) fn start(&self, statement: usize, now: Stamp, is_stray: bool) -> Call {
        let mut notes = self.gathered.own();
        let call = notes.meter.call(statement, now);
        notes.meter.start(&call);
        notes.note_stray(is_stray);
        call
    }

    /// A query that was started is over. Returns its work.
    pub(super) fn finish(&self, call: &Call, over: Over) -> f64 {
        let notes = self.end(call, &over);
        let work = notes.work(&over);
        self.note(notes, over);
        work
    }

    /// The same where nobody asks for its work.
    pub(super) fn settle(&self, call: &Call, over: Over) {
        self.note(self.end(call, &over), over);
    }

    fn end(&self, call: &Call, over: &Over) -> MutexGuard<'_, Notes> {
        let mut notes = self.gathered.own();
        match over.outcome {
            Some(outcome) => notes.meter.finish(call, over.at, outcome),
            None => notes.meter.cancel(call, over.at),
        };
        notes
    }

    /// A query is over that was not started here. Returns it and its work.
    pub(super) fn record(&self, over: Over, outcome: Outcome, is_stray: bool) -> (Call, f64) {
        let mut notes = self.gathered.own();
        let call = notes.meter.call(over.statement, over.at).earlier(over.latency);
        notes.meter.record(over.statement, over.latency, outcome);
        notes.note_stray(is_stray);
        let work = notes.work(&over);
        self.note(notes, over);
        (call, work)
    }

    /// All until now, to be looked at. Books are kept from now on.
    pub(super) fn open(&self, now: Stamp) -> MutexGuard<'_, Figures> {
        let mut figures = self.figures();
        figures.books.get_or_insert_with(|| Books::new(now));
        self.keeps_books.store(true, Ordering::Relaxed);
        figures
    }

    /// The same without the books.
    pub(super) fn figures(&self) -> MutexGuard<'_, Figures> {
        self.gathered.all(|figures, notes| {
            figures.meter.absorb(&mut notes.meter);
            figures.file(&mut notes.over);
        })
    }

    /// All since the last call.
    pub(super) fn take(&self, now: Stamp, wall: Duration) -> Signal {
        let mut figures = self.figures();
        let signal = figures.meter.take(now, wall);
        self.teach(&figures);
        let Figures { books, meter } = &mut *figures;
        books.iter_mut().for_each(|books| books.insight.hear(&signal, meter));
        signal
    }

    /// From now on, queries that started before `since` have no say.
    pub(super) fn judge_since(&self, since: Stamp) {
        let mut figures = self.figures();
        figures.meter.judge_since(since);
        self.teach(&figures);
    }

    fn teach(&self, figures: &Figures) {
        self.gathered.tell(figures, |figures, notes| figures.meter.teach(&mut notes.meter));
    }

    fn note(&self, mut notes: MutexGuard<'_, Notes>, over: Over) {
        if !self.keeps_books.load(Ordering::Relaxed) {
            return;
        }
        if notes.over.capacity() == 0 {
            notes.over.reserve_exact(MOST);
        }
        notes.over.push(over);
        if notes.over.len() >= MOST {
            drop(notes);
            self.file_own();
        }
    }

    #[cold]
    fn file_own(&self) {
        self.gathered.take_over_own(|figures, notes| figures.file(&mut notes.over));
    }
}

impl Notes {
    fn note_stray(&mut self, is_stray: bool) {
        if is_stray {
            self.meter.stray();
        }
    }

    /// What a query takes alone, in seconds, or what it took if that is not known.
    fn work(&self, over: &Over) -> f64 {
        self.meter.alone(over.statement).unwrap_or(over.latency.as_secs_f64())
    }
}

impl Figures {
    fn new(slow: Slow, now: Stamp) -> Self {
        let mut meter = Meter::new(slow, now);
        meter.name(UNNAMED, Arc::from(OTHER));
        meter.name(WAIT, Arc::from(CONNECTION));
        Self { meter, books: None }
    }

    /// The meter and the books, of figures that were [opened](Recorder::open).
    pub(super) fn parts(&mut self) -> (&Meter, &mut Books) {
        (&self.meter, self.books.as_mut().expect("they were opened"))
    }

    fn file(&mut self, over: &mut Vec<Over>) {
        if let Some(books) = &mut self.books {
            over.drain(..).for_each(|over| books.note(over));
        }
    }
}

impl Books {
    fn new(now: Stamp) -> Self {
        let (recent, ledger) = (Recent::new(now), Ledger::new(now));
        Self { recent, ledger, insight: Insight::default() }
    }

    fn note(&mut self, Over { statement, at, latency, outcome }: Over) {
        if let Some(outcome) = outcome {
            self.recent.finish(at, latency, outcome);
            self.ledger.finish(statement, at, latency, outcome);
        } else {
            self.recent.cancel(at);
            self.ledger.cancel(statement, at, latency);
        }
    }
}

/// Queries that are noted before they are filed, at 40 bytes each.
const MOST: usize = 64;

#[cfg(test)]
mod tests;
