//! The recorder against a plain one, which keeps every look of an incident and makes of them what
//! is told, anew each time.

mod step;

use proptest::prelude::*;

use super::*;
use step::steps;

/// How a service did when somebody looked.
#[derive(Clone, Debug, Default)]
struct Look {
    since: Duration,
    /// So far.
    refused: u64,
    admitted: u64,
    tripped: bool,
    left_out: f64,
    saturated: bool,
    limit: Option<usize>,
    transitions: Vec<Transition>,
    forgotten: u64,
}

impl Look {
    fn at(&self) -> Duration {
        T0 + self.since
    }

    /// When somebody felt it, if anybody has since the look before.
    fn felt(&self, before: &Self) -> Option<Duration> {
        if self.tripped || self.left_out > 0.25 {
            return Some(self.since);
        }
        (self.refused > before.refused).then(|| self.since.min(before.since + SECOND))
    }

    fn moment(&self, snapshot: &Snapshot) -> Moment {
        let mut snapshot = snapshot.clone();
        snapshot.decide(Priority::Critical, self.admitted, Reason::QueueFull, 0);
        snapshot.decide(Priority::Bulk, 0, Reason::Evicted, self.refused);
        snapshot.databases[0].circuit = if self.tripped { Circuit::Open } else { Circuit::Closed };
        snapshot.databases[0].limit = self.limit.expect("it is known");
        let saturated = if self.saturated { vec![Arc::from("shop")] } else { Vec::new() };
        Moment { at: self.at(), since: self.since, snapshot, left_out: self.left_out, saturated }
    }
}

/// An incident as the looks of which it is made, and the one before.
#[derive(Clone, Debug)]
struct Story {
    before: Look,
    looks: Vec<Look>,
    sign: String,
    /// When it was felt last.
    felt: Duration,
    transitions: Vec<Transition>,
    forgotten: u64,
    asked: bool,
    over: bool,
}

/// What of an incident is compared: times, names, figures and what changed.
type Told = (
    [Option<Duration>; 3],
    (String, Option<Arc<str>>),
    (u64, u64, f64, Vec<(usize, usize)>),
    (Vec<Transition>, u64),
);

impl Story {
    /// Begins where it was well last, at most two seconds ago.
    fn new(before: Look, first: &Look, mut transitions: Vec<Transition>, forgotten: u64) -> Self {
        let mut story = Self {
            before,
            looks: vec![first.clone()],
            sign: String::new(),
            felt: first.since,
            transitions: Vec::new(),
            forgotten,
            asked: false,
            over: false,
        };
        if story.began() > story.before.since {
            transitions.retain(|own| own.at >= story.start());
        }
        story.sign = match transitions.first() {
            Some(changed) => changed.event.to_string(),
            None if first.refused > story.before.refused => {
                "requests were refused for load".to_owned()
            }
            None if first.left_out > 0.25 => "much of what is optional was left out".to_owned(),
            None => "a circuit was not closed".to_owned(),
        };
        story.transitions = transitions;
        story
    }

    fn began(&self) -> Duration {
        self.before.since.max(self.looks[0].since.saturating_sub(2 * SECOND))
    }

    fn start(&self) -> Duration {
        self.looks[0].at() - (self.looks[0].since - self.began())
    }

    fn told(&self) -> Told {
        let last = self.looks.last().expect("there is one");
        let was_saturated = self.looks.iter().rev().find(|look| look.saturated);
        let recovery = was_saturated.map(|look| self.felt.saturating_sub(look.since));
        let end = self.start() + (self.felt - self.began());
        let times = [Some(self.start()), Some(end), recovery];
        let times = if self.over { times } else { [times[0], None, None] };
        let named = self.looks.iter().any(|look| look.tripped || look.saturated);
        let limits: Vec<usize> = self.looks.iter().filter_map(|look| look.limit).collect();
        let before = self.before.limit.unwrap_or(limits[0]);
        let lowest = limits.into_iter().fold(before, usize::min);
        let left_out = self.looks.iter().map(|look| look.left_out).fold(0.0, f64::max);
        let (refused, admitted) =
            (last.refused - self.before.refused, last.admitted - self.before.admitted);
        let beyond = self.transitions.len().saturating_sub(60) as u64;
        (
            times,
            (self.sign.clone(), named.then(|| "shop".into())),
            (refused, admitted, left_out, vec![(before, lowest)]),
            (self.transitions.iter().take(60).cloned().collect(), self.forgotten + beyond),
        )
    }
}

fn told(incident: &Incident) -> Told {
    let sum = |of: fn(&Impact) -> u64| incident.impact.iter().map(of).sum();
    let limits = incident.lowest_limits.iter().map(|own| (own.before, own.lowest)).collect();
    (
        [Some(incident.start), incident.end, incident.recovery],
        (incident.first.clone(), incident.database.clone()),
        (incident.refused(), sum(|own| own.admitted), incident.worst_level, limits),
        (incident.timeline.clone(), incident.omitted),
    )
}

#[derive(Default)]
struct Plain {
    stories: Vec<Story>,
    last: Look,
    /// One bad look alone, and the one before it.
    doubtful: Option<(Look, Look)>,
}

impl Plain {
    /// Whether evidence is asked for, and whether the look was one.
    fn see(&mut self, look: &Look) -> (bool, bool) {
        let soon = look.since < self.last.since + SECOND * 9 / 10;
        let lasts = self.stories.last().is_some_and(|story| !story.over);
        if soon && !lasts && !look.tripped {
            return (false, false);
        }
        let felt = look.felt(&self.last);
        let doubtful = self.doubtful.take();
        if lasts {
            let story = self.stories.last_mut().expect("it lasts");
            story.looks.push(look.clone());
            story.transitions.extend(look.transitions.iter().cloned());
            story.forgotten += look.forgotten;
        } else if felt.is_some() {
            match doubtful {
                Some((before, first)) if look.since < self.last.since + 10 * SECOND => {
                    let changed = [&first.transitions[..], &look.transitions].concat();
                    let forgotten = first.forgotten + look.forgotten;
                    self.stories.push(Story::new(before, look, changed, forgotten));
                }
                _ if look.tripped => {
                    let changed = look.transitions.clone();
                    let story = Story::new(self.last.clone(), look, changed, look.forgotten);
                    self.stories.push(story);
                }
                _ => self.doubtful = Some((self.last.clone(), look.clone())),
            }
        }
        let asks = self.follow(felt, look.since);
        if !soon {
            self.last = look.clone();
        }
        (asks, true)
    }

    /// What lasts is asked about once, after two seconds, and over after ten calm ones.
    fn follow(&mut self, felt: Option<Duration>, now: Duration) -> bool {
        let Some(story) = self.stories.last_mut().filter(|story| !story.over) else { return false };
        story.felt = story.felt.max(felt.unwrap_or_default());
        let asks = !story.asked && now >= story.began() + 2 * SECOND;
        story.asked |= asks;
        story.over = now.saturating_sub(story.felt) >= 10 * SECOND;
        asks
    }
}

/// A change that is told from others by its time.
fn transition(at: Duration, number: usize) -> Transition {
    let event = Event::Limit { of: Subject::default(), from: number, to: number + 1 };
    Transition { at, event }
}

fn snapshot() -> Snapshot {
    let db = Database::new("shop");
    let limit = ConcurrencyLimit::new().algorithm(Fixed::new(20));
    let admission = Admission::builder().protect(&db).concurrency(limit).build();
    admission.expect("it is in range").snapshot()
}

proptest! {
    #[test]
    fn incidents_are_what_the_looks_at_them_make_and_never_too_many(steps in steps()) {
        let (snapshot, mut real, mut plain) = (snapshot(), Recorder::default(), Plain::default());
        let (mut look, mut pending) = (Look { since: 5 * SECOND, ..Look::default() }, Vec::new());
        let (mut pending_forgotten, mut numbers) = (0, 0..);
        for step in steps {
            look.since += Duration::from_millis(step.millis);
            look.refused += step.refused;
            look.admitted += step.admitted;
            (look.tripped, look.saturated) = (step.tripped, step.saturated);
            (look.left_out, look.limit) = (f64::from(step.left_out) / 100.0, Some(step.limit));
            let new = numbers.by_ref().take(step.transitions);
            pending.extend(new.map(|number| transition(look.at() - SECOND / 2, number)));
            pending_forgotten += step.forgotten;
            (look.transitions, look.forgotten) = (pending.clone(), pending_forgotten);
            let latest = Latest {
                transitions: pending.clone(),
                forgotten: pending_forgotten,
                noted: look.admitted,
            };
            let asks = real.see(look.moment(&snapshot), latest);
            let (expected, seen) = plain.see(&look);
            prop_assert_eq!(asks, expected);
            if seen {
                (pending, pending_forgotten) = (Vec::new(), 0);
                prop_assert_eq!(real.noted(), look.admitted);
            }
            // The last twenty that are over, and what lasts.
            let lasts = usize::from(plain.stories.last().is_some_and(|story| !story.over));
            let forgotten = (plain.stories.len() - lasts).saturating_sub(20);
            let expected: Vec<_> = plain.stories[forgotten..].iter().map(Story::told).collect();
            let incidents: Vec<_> = real.incidents().iter().map(told).collect();
            prop_assert_eq!(incidents, expected);
        }
    }
}
