//! Whom the recorder looks at.

use super::*;

/// A service with one database, second after second.
pub(super) struct Service {
    pub(super) recorder: Recorder,
    pub(super) at: Duration,
    pub(super) since: Duration,
    pub(super) snapshot: Snapshot,
    /// Those that were not heard of yet.
    pub(super) transitions: Vec<Transition>,
    pub(super) asked: usize,
}

impl Service {
    pub(super) fn new() -> Self {
        let db = Database::new("shop");
        let limit = ConcurrencyLimit::new().algorithm(Fixed::new(20));
        let admission = Admission::builder().protect(&db).concurrency(limit).build();
        let snapshot = admission.expect("it is in range").snapshot();
        let mut service = Self {
            recorder: Recorder::default(),
            at: T0,
            since: Duration::ZERO,
            snapshot,
            transitions: Vec::new(),
            asked: 0,
        };
        service.pass(5);
        service
    }

    /// So many seconds without a change but that somebody is admitted.
    pub(super) fn pass(&mut self, seconds: u32) {
        (0..seconds).for_each(|_| self.second(0));
    }

    /// A second in which so many of the bulk are refused.
    pub(super) fn second(&mut self, refused: u64) {
        self.wait(SECOND);
        self.look(refused);
    }

    pub(super) fn wait(&mut self, span: Duration) {
        self.at += span;
        self.since += span;
    }

    /// Somebody looks, since whose last look so many of the bulk were refused.
    pub(super) fn look(&mut self, refused: u64) {
        self.snapshot.decide(Priority::Critical, 10, Reason::QueueFull, 0);
        self.snapshot.decide(Priority::Bulk, 0, Reason::QueueFull, refused);
        let (snapshot, left_out) = (self.snapshot.clone(), self.snapshot.level);
        let saturated = if refused > 0 { vec![Arc::from("shop")] } else { Vec::new() };
        let (at, since) = (self.at, self.since);
        let moment = Moment { at, since, snapshot, left_out, saturated };
        let transitions = mem::take(&mut self.transitions);
        let latest = Latest { transitions, ..Latest::default() };
        self.asked += usize::from(self.recorder.see(moment, latest));
    }

    pub(super) fn trip(&mut self, from: Circuit, to: Circuit) {
        self.snapshot.databases[0].circuit = to;
        let of = Subject { database: Some("shop".into()), route: None };
        let event = Event::Circuit { of, from, to, cause: Cause::Forced };
        self.transitions.push(Transition { at: self.at, event });
    }

    pub(super) fn incidents(&self) -> Vec<Incident> {
        self.recorder.incidents()
    }
}
