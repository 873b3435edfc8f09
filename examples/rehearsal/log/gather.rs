//! What a log says in sum.

use std::collections::HashMap;

use super::fold::{Id, fold};
use super::line::Line;

/// Counts of a log; its size does not grow with the log's.
#[derive(Debug, Default)]
pub(super) struct Gather {
    routes: HashMap<(String, String), Route>,
    seconds: HashMap<String, u64>,
    minutes: HashMap<String, u64>,
    lines: u64,
    broken: u64,
    unwanted: u64,
    queries: u64,
    /// Requests of routes that came when there were too many already.
    crowded: u64,
}

/// One method at one route.
#[derive(Clone, Debug, Default)]
pub(super) struct Route {
    pub(super) method: String,
    pub(super) route: String,
    pub(super) count: u64,
    /// What was seen at each of its places.
    pub(super) places: Vec<Place>,
}

#[derive(Clone, Debug, Default)]
pub(super) struct Place {
    /// The lowest and the highest number.
    pub(super) numbers: Option<(u64, u64)>,
    pub(super) opaque: Vec<String>,
}

/// Routes that are told apart while reading; a scanner makes up any number of them.
const MOST_ROUTES: usize = 10_000;
/// Values of a place that are kept.
const MOST_VALUES: usize = 20;
/// Moments that are told apart: years of minutes, and months of seconds.
const MOST_MOMENTS: usize = 5_000_000;

impl Gather {
    pub(super) fn add(&mut self, text: &str) {
        self.lines += 1;
        let Some(line) = Line::read(text) else {
            self.broken += 1;
            return;
        };
        // What a client got wrong, and what scanners try. 429 is an answer to a good request.
        if (400..500).contains(&line.status) && line.status != 429 {
            self.unwanted += 1;
            return;
        }
        let (route, ids) = fold(line.path);
        let key = (line.method.to_owned(), route);
        if self.routes.len() >= MOST_ROUTES && !self.routes.contains_key(&key) {
            self.crowded += 1;
            return;
        }
        self.queries += u64::from(line.has_query);
        self.count_moment(line.time);
        let (method, route) = key.clone();
        let known = self.routes.entry(key);
        known.or_insert_with(|| Route { method, route, ..Route::default() }).add(ids);
    }

    /// One that is too long to be looked at.
    pub(super) fn add_endless(&mut self) {
        self.lines += 1;
        self.broken += 1;
    }

    pub(super) fn is_empty(&self) -> bool {
        self.routes.is_empty()
    }

    /// The requests of the busiest second and of the busiest minute.
    pub(super) fn peaks(&self) -> (u64, u64) {
        let most = |counts: &HashMap<String, u64>| counts.values().copied().max().unwrap_or(0);
        (most(&self.seconds), most(&self.minutes))
    }

    /// Requests per second, on average over the minutes in which there were any.
    pub(super) fn average(&self) -> f64 {
        let all: u64 = self.minutes.values().sum();
        all as f64 / (60.0 * self.minutes.len().max(1) as f64)
    }

    /// All routes, the most wanted first.
    pub(super) fn routes(&self) -> Vec<&Route> {
        let mut routes: Vec<_> = self.routes.values().collect();
        let order = |own: &Route| (u64::MAX - own.count, own.method.clone(), own.route.clone());
        routes.sort_by_cached_key(|own| order(own));
        routes
    }

    /// In one sentence, what of the log is not in the mix.
    pub(super) fn left_out(&self) -> String {
        let crowded = match self.crowded {
            0 => String::new(),
            count => format!(", {count} of too many different routes"),
        };
        let Self { lines, broken, unwanted, .. } = self;
        format!("left out of {lines} lines: {broken} broken, {unwanted} answered 4xx{crowded}")
    }

    /// Requests that had a query, which is not kept.
    pub(super) fn queries(&self) -> u64 {
        self.queries
    }

    fn count_moment(&mut self, time: &str) {
        for (counts, length) in [(&mut self.seconds, SECOND), (&mut self.minutes, MINUTE)] {
            let moment = &time[..length];
            let is_full = counts.len() >= MOST_MOMENTS;
            match counts.get_mut(moment) {
                Some(count) => *count += 1,
                None if is_full => {}
                None => drop(counts.insert(moment.to_owned(), 1)),
            }
        }
    }
}

/// How much of a time says the second, as in `10/Oct/2026:13:55:36`, and the minute.
const SECOND: usize = 20;
const MINUTE: usize = 17;

impl Route {
    fn add(&mut self, ids: Vec<Id>) {
        self.count += 1;
        self.places.resize_with(ids.len(), Place::default);
        for (place, id) in self.places.iter_mut().zip(ids) {
            place.add(id);
        }
    }
}

impl Place {
    fn add(&mut self, id: Id) {
        match id {
            Id::Number(number) => {
                let (least, most) = self.numbers.unwrap_or((number, number));
                self.numbers = Some((least.min(number), most.max(number)));
            }
            Id::Opaque(value) => {
                if self.opaque.len() < MOST_VALUES && !self.opaque.contains(&value) {
                    self.opaque.push(value);
                }
            }
        }
    }
}
