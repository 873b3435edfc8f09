//! What the console remembers, and what all who watch share.

use std::{
    collections::VecDeque,
    mem,
    ops::ControlFlow,
    sync::{Arc, Mutex, Weak},
    time::{Duration, Instant},
};

use tokio::sync::{OwnedSemaphorePermit, Semaphore};

use super::sample::{Sample, Span};
use crate::{
    admission::Admission,
    clock,
    lock::lock,
    signal::{OnSignal, Signal},
};

/// Takes a sample each second, when somebody comes by, and keeps the last of them.
pub(super) struct Recorder {
    admission: Admission,
    book: Mutex<Book>,
    overview: Mutex<Option<(Instant, Arc<str>)>>,
    seats: Arc<Semaphore>,
}

struct Book {
    /// What each database did since the last sample.
    spans: Vec<Span>,
    /// When that was, or the start.
    since: Instant,
    /// The last samples, as JSON.
    samples: VecDeque<Arc<str>>,
    /// Samples that were taken, also those that are forgotten.
    taken: u64,
}

impl Recorder {
    /// Hears of the databases for as long as somebody holds it.
    pub(super) fn listening(admission: &Admission) -> Arc<Self> {
        let databases = admission.databases();
        let recorder = Arc::new(Self {
            admission: admission.clone(),
            book: Mutex::new(Book::new(databases.len(), clock::now())),
            overview: Mutex::default(),
            seats: Arc::new(Semaphore::new(SEATS)),
        });
        for (index, database) in databases.iter().enumerate() {
            database.subscribe(Ear { recorder: Arc::downgrade(&recorder), index });
        }
        recorder
    }

    /// A place to watch from, if there is one.
    pub(super) fn seat(&self) -> Option<OwnedSemaphorePermit> {
        self.seats.clone().try_acquire_owned().ok()
    }

    pub(super) fn close(&self) {
        self.seats.close();
    }

    pub(super) fn is_closed(&self) -> bool {
        self.seats.is_closed()
    }

    /// As JSON, for all who ask within a second.
    pub(super) fn overview(&self) -> Arc<str> {
        let now = clock::now();
        self.sample_if_due(now);
        let mut latest = lock(&self.overview);
        match &*latest {
            Some((at, json)) if now.saturating_duration_since(*at) < FRESH => json.clone(),
            _ => {
                let json = serde_json::to_string(&self.admission.overview());
                let json = Arc::<str>::from(json.expect("it is made of plain values"));
                *latest = Some((now, json.clone()));
                json
            }
        }
    }

    /// The samples that there are, as JSON, and how many were taken so far.
    pub(super) fn history(&self) -> (String, u64) {
        self.sample_if_due(clock::now());
        let book = lock(&self.book);
        let samples: Vec<_> = book.samples.iter().map(|sample| &**sample).collect();
        (format!("[{}]", samples.join(",")), book.taken)
    }

    /// Those that were taken since `told`, which is then up to date.
    pub(super) fn samples_after(&self, told: &mut u64) -> Vec<Arc<str>> {
        let book = lock(&self.book);
        let fresh = usize::try_from(book.taken - *told).unwrap_or(usize::MAX);
        *told = book.taken;
        let known = book.samples.len().saturating_sub(fresh);
        book.samples.iter().skip(known).cloned().collect()
    }

    fn hear(&self, index: usize, signal: &Signal) {
        lock(&self.book).spans[index].add(signal);
        self.sample_if_due(signal.at);
    }

    fn sample_if_due(&self, now: Instant) {
        let Some(spans) = lock(&self.book).spans_if_due(now) else { return };
        // Looked at outside the lock: gates and databases have locks of their own.
        let sample = Sample::of(&self.admission, &spans);
        let sample = serde_json::to_string(&sample).expect("it is made of plain values");
        lock(&self.book).push(sample.into());
    }
}

impl Book {
    fn new(databases: usize, now: Instant) -> Self {
        let spans = vec![Span::default(); databases];
        Self { spans, since: now, samples: VecDeque::new(), taken: 0 }
    }

    fn spans_if_due(&mut self, now: Instant) -> Option<Vec<Span>> {
        let length = now.saturating_duration_since(self.since);
        if length < INTERVAL {
            return None;
        }
        self.since = now;
        Some(self.spans.iter_mut().map(|span| mem::take(span).lasting(length)).collect())
    }

    fn push(&mut self, sample: Arc<str>) {
        if self.samples.len() == MOST {
            self.samples.pop_front();
        }
        self.samples.push_back(sample);
        self.taken += 1;
    }
}

/// Hears one database.
struct Ear {
    recorder: Weak<Recorder>,
    index: usize,
}

impl OnSignal for Ear {
    fn on_signal(&self, signal: &Signal) -> ControlFlow<()> {
        let Some(recorder) = self.recorder.upgrade() else { return ControlFlow::Break(()) };
        recorder.hear(self.index, signal);
        ControlFlow::Continue(())
    }
}

/// Between two samples, and between two events.
pub(super) const INTERVAL: Duration = Duration::from_secs(1);

/// For so long an overview is handed on: less than the interval, so that nobody who watches
/// gets the same twice.
const FRESH: Duration = Duration::from_millis(900);

/// Samples that are kept: five minutes.
const MOST: usize = 300;

/// As many as may watch at once.
const SEATS: usize = 16;

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{database::Database, outcome::Outcome};

    async fn second_with_a_query(db: &Database) {
        tokio::time::advance(INTERVAL).await;
        db.record(Duration::from_millis(1), Outcome::Success);
    }

    #[tokio::test(start_paused = true)]
    async fn the_last_five_minutes_are_kept() {
        let db = Database::new("shop");
        let admission = Admission::builder().protect(&db).build().expect("it is valid");
        let recorder = Recorder::listening(&admission);
        for _ in 0..MOST + 50 {
            second_with_a_query(&db).await;
        }
        let book = lock(&recorder.book);
        assert_eq!((book.samples.len(), book.taken), (MOST, MOST as u64 + 50));
    }

    #[tokio::test(start_paused = true)]
    async fn who_is_far_behind_is_told_what_is_left() {
        let db = Database::new("shop");
        let admission = Admission::builder().protect(&db).build().expect("it is valid");
        let recorder = Recorder::listening(&admission);
        let mut told = 0;
        for _ in 0..MOST + 50 {
            second_with_a_query(&db).await;
        }
        assert_eq!(recorder.samples_after(&mut told).len(), MOST);
        second_with_a_query(&db).await;
        assert_eq!(recorder.samples_after(&mut told).len(), 1);
        assert_eq!(recorder.samples_after(&mut told).len(), 0);
    }

    #[tokio::test(start_paused = true)]
    async fn nothing_is_heard_for_a_console_that_is_gone() {
        let db = Database::new("shop");
        let admission = Admission::builder().protect(&db).build().expect("it is valid");
        let console = admission.console();
        let weak = Arc::downgrade(&console.recorder);
        let ear = Ear { recorder: weak.clone(), index: 0 };
        second_with_a_query(&db).await;
        drop(console);
        assert!(weak.upgrade().is_none(), "the database holds it");
        let (heard, hears) = std::sync::mpsc::channel();
        db.subscribe(move |signal: &Signal| {
            heard.send(ear.on_signal(signal)).expect("the test listens");
            ControlFlow::Break(())
        });
        second_with_a_query(&db).await;
        assert!(hears.recv().expect("a signal came").is_break());
    }
}
