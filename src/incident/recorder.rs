//! Turns moments and transitions into incidents: a state machine without a clock.

use std::{collections::VecDeque, mem, time::Duration};

use super::{
    Evidence, Incident,
    impact::{Impact, LowestLimit},
    moment::Moment,
};
use crate::{
    class::Priority,
    database::OTHER,
    event::{Cause, Event},
    journal::{Latest, Transition},
};

/// The incidents so far, and what lasts now.
#[derive(Debug, Default)]
pub(super) struct Recorder {
    past: VecDeque<Incident>,
    last: Moment,
    /// Transitions that it has heard of.
    noted: u64,
    state: State,
}

#[derive(Debug, Default)]
enum State {
    #[default]
    Well,
    /// Once bad is not yet an incident, unless a circuit has tripped.
    Doubtful {
        before: Box<Moment>,
        latest: Latest,
    },
    Ill(Box<Ongoing>),
}

#[derive(Debug)]
struct Ongoing {
    incident: Incident,
    /// Before it began.
    before: Moment,
    /// This and what follows as [`Moment::since`].
    began: Duration,
    /// When it was bad last.
    bad_at: Duration,
    saturated_at: Option<Duration>,
    /// Or has asked for it.
    has_evidence: bool,
}

impl Recorder {
    /// Looks at a moment, about once a second while the service is used, with the transitions
    /// after those that were [`noted`](Self::noted). True if it wants [`evidence`](Self::take),
    /// once for each incident. Who looks more often sees more of an incident that lasts, and
    /// makes none of what would not be one.
    pub(super) fn see(&mut self, moment: Moment, latest: Latest) -> bool {
        let is_soon = moment.since < self.last.since + SOON;
        let lasts = matches!(self.state, State::Ill(_));
        if is_soon && !lasts && !moment.has_tripped() {
            return false;
        }
        self.noted = latest.noted;
        self.state = self.next(&moment, latest);
        let mut wants_evidence = false;
        if let State::Ill(ongoing) = &mut self.state {
            ongoing.see(&moment, &self.last);
            wants_evidence = ongoing.wants_evidence(moment.since);
            if ongoing.is_over(moment.since) {
                let ended = ongoing.ended();
                self.remember(ended);
                self.state = State::Well;
            }
        }
        if !is_soon {
            self.last = moment;
        }
        wants_evidence
    }

    /// How many transitions it has heard of.
    pub(super) fn noted(&self) -> u64 {
        self.noted
    }

    fn next(&mut self, moment: &Moment, latest: Latest) -> State {
        let last = &self.last;
        match mem::take(&mut self.state) {
            State::Ill(mut ongoing) => {
                ongoing.note(latest);
                State::Ill(ongoing)
            }
            _ if moment.bad_at(last).is_none() => State::Well,
            State::Doubtful { before, latest: first } if moment.since < last.since + CALM => {
                State::Ill(Ongoing::new(*before, moment, first.and(latest)))
            }
            _ if moment.has_tripped() => State::Ill(Ongoing::new(last.clone(), moment, latest)),
            _ => State::Doubtful { before: Box::new(last.clone()), latest },
        }
    }

    /// What the databases say.
    pub(super) fn take(&mut self, evidence: Vec<Evidence>) {
        if let State::Ill(ongoing) = &mut self.state {
            ongoing.incident.evidence = evidence;
            ongoing.name(&self.last);
        }
    }

    /// The oldest first; the last may still last.
    pub(super) fn incidents(&self) -> Vec<Incident> {
        let ongoing = match &self.state {
            State::Ill(ongoing) => Some(ongoing.incident.clone()),
            _ => None,
        };
        self.past.iter().cloned().chain(ongoing).collect()
    }

    pub(super) fn last(&self) -> &Moment {
        &self.last
    }

    fn remember(&mut self, incident: Incident) {
        if self.past.len() == MOST {
            self.past.pop_front();
        }
        self.past.push_back(incident);
    }
}

impl Ongoing {
    fn new(before: Moment, now: &Moment, mut latest: Latest) -> Box<Self> {
        // What was before may be long ago, where nobody asked meanwhile.
        let began = before.since.max(now.since.saturating_sub(AT_MOST_BEFORE));
        let start = now.at.saturating_sub(now.since.saturating_sub(began));
        let incident = Incident {
            start,
            end: None,
            first: String::new(),
            database: None,
            statement: None,
            impact: Vec::new(),
            report_only: false,
            worst_level: 0.0,
            lowest_limits: Vec::new(),
            recovery: None,
            evidence: Vec::new(),
            timeline: Vec::new(),
            omitted: 0,
        };
        let (bad_at, saturated_at, has_evidence) = (now.since, None, false);
        let mut new = Self { incident, before, began, bad_at, saturated_at, has_evidence };
        if began > new.before.since {
            latest.transitions.retain(|own| own.at >= start);
        }
        new.note(latest);
        Box::new(new)
    }

    fn see(&mut self, moment: &Moment, last: &Moment) {
        self.bad_at = moment.bad_at(last).map_or(self.bad_at, |at| at.max(self.bad_at));
        if !moment.saturated.is_empty() {
            self.saturated_at = Some(moment.since);
        }
        self.name(moment);
        self.measure(moment);
    }

    fn wants_evidence(&mut self, now: Duration) -> bool {
        let is_due = now >= self.began + EVIDENCE_AFTER;
        let wants = is_due && !self.has_evidence;
        self.has_evidence |= wants;
        wants
    }

    /// Takes over what is new in the journal.
    fn note(&mut self, latest: Latest) {
        let room = TIMELINE.saturating_sub(self.incident.timeline.len());
        let more = latest.transitions.len().saturating_sub(room) as u64;
        self.incident.omitted += latest.forgotten + more;
        self.incident.timeline.extend(latest.transitions.into_iter().take(room));
    }

    /// Says what it is about, once that is known.
    fn name(&mut self, moment: &Moment) {
        if self.incident.first.is_empty() {
            self.incident.first = self.first(moment);
        }
        let incident = &mut self.incident;
        let named = || moment.tripped().or_else(|| moment.most_wanted()).cloned();
        let named = || named().or_else(|| moment.saturated.first().cloned());
        incident.database = incident.database.take().or_else(named);
        let statement = || {
            let by_cause = incident.timeline.iter().find_map(statement_of);
            let about = |own: &&Evidence| incident.database.as_ref() == Some(&own.database);
            let by_evidence = || incident.evidence.iter().find(about)?.statement().cloned();
            by_cause.or_else(by_evidence)
        };
        incident.statement = incident.statement.clone().or_else(statement);
    }

    /// The first that changed, or else what is felt.
    fn first(&self, moment: &Moment) -> String {
        match self.incident.timeline.first() {
            Some(first) => first.event.to_string(),
            None if moment.has_refused_since(&self.before) => {
                "requests were refused for load".to_owned()
            }
            None if moment.would_have_refused_since(&self.before) => {
                "requests would have been refused for load".to_owned()
            }
            None if moment.leaves_out_much() && moment.snapshot.report_only => {
                "much of what is optional would have been left out".to_owned()
            }
            None if moment.leaves_out_much() => "much of what is optional was left out".to_owned(),
            None => "a circuit was not closed".to_owned(),
        }
    }

    fn measure(&mut self, moment: &Moment) {
        let incident = &mut self.incident;
        let (before, now) = (&self.before.snapshot, &moment.snapshot);
        let impact = |priority| Impact::between(before, now, priority);
        incident.impact = Priority::ALL.map(impact).into();
        incident.report_only = now.report_only;
        incident.worst_level = incident.worst_level.max(moment.left_out);
        // By their order, which never changes: names may be the same.
        for (index, database) in now.databases.iter().enumerate() {
            let limit = database.limit;
            match incident.lowest_limits.get_mut(index) {
                Some(own) => own.lowest = own.lowest.min(limit),
                None => {
                    let before = before.databases.get(index).map_or(limit, |own| own.limit);
                    let (database, lowest) = (database.name.clone(), limit.min(before));
                    incident.lowest_limits.push(LowestLimit { database, before, lowest });
                }
            }
        }
    }

    fn is_over(&self, now: Duration) -> bool {
        now.saturating_sub(self.bad_at) >= CALM
    }

    fn ended(&self) -> Incident {
        let recovery = self.saturated_at.map(|at| self.bad_at.saturating_sub(at));
        let end = self.incident.start + self.bad_at.saturating_sub(self.began);
        Incident { end: Some(end), recovery, ..self.incident.clone() }
    }
}

fn statement_of(transition: &Transition) -> Option<std::sync::Arc<str>> {
    match &transition.event {
        Event::Circuit { cause: Cause::BadCalls(calls), .. } => {
            let worst = calls.worst.as_ref().map(|worst| worst.name.clone());
            worst.filter(|name| **name != *OTHER)
        }
        _ => None,
    }
}

/// What is seen sooner after the last look is no second of its own. Less than one, since
/// signals are not exactly in step.
const SOON: Duration = Duration::from_millis(900);
/// How long it has to be calm for an incident to be over.
const CALM: Duration = Duration::from_secs(10);
/// An incident begins at most so long before it is seen.
const AT_MOST_BEFORE: Duration = Duration::from_secs(2);
/// When the databases are asked what is wrong.
const EVIDENCE_AFTER: Duration = Duration::from_secs(2);
/// Incidents that are remembered.
const MOST: usize = 20;
/// Transitions of one that are.
const TIMELINE: usize = 60;

#[cfg(test)]
mod tests;
