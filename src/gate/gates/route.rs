//! One route: what it was seen to do with each database, and whether it may go on.

use std::{
    mem,
    num::NonZeroU16,
    sync::{
        Arc, Mutex,
        atomic::{AtomicBool, AtomicU16, Ordering},
    },
    time::Duration,
};

use crate::{
    class::{Cost, Downstream, Needs, Route},
    control::{
        call::{Call, Slow, WAIT},
        habit::{Habit, Queries, UsualWork},
        meter::Meter,
        stamp::Stamp,
        witness::{Ended, Witness},
    },
    event::Circuit,
    gate::BreakerGate,
    lock::lock,
    signal::Signal,
};

/// A route at all databases.
pub(super) struct RouteState {
    route: Route,
    at: Box<[AtDatabase]>,
}

/// A route at one database.
pub(super) struct AtDatabase {
    database: Downstream,
    usual: Arc<Mutex<UsualWork>>,
    breaker: BreakerGate,
    needs: AtomicBool,
    /// A query has started since the last signal, or hangs.
    active: AtomicBool,
    /// A connection is asked for where it is taken.
    asks_there: AtomicBool,
    /// In hundredths; 0 while nothing is known.
    cost: AtomicU16,
    learning: Mutex<Learning>,
}

struct Learning {
    meter: Meter,
    habit: Habit,
    /// Since the last request ended.
    queries: Queries,
    requests: u64,
    /// Queries of other routes that came back since one of this did.
    others: u64,
    /// After how many nanoseconds the slowest of its last statements hangs.
    patience: f64,
}

impl Learning {
    fn start(&mut self, call: &Call) {
        let own = call.lost.nanos_since(call.started) as f64;
        self.patience = own.max(self.patience * FADING);
        self.meter.start(call);
    }

    fn end(&mut self, call: &Call, ended: &Ended) {
        self.queries.count += 1;
        self.queries.work += ended.work;
        match ended.outcome {
            Some(outcome) => self.meter.finish(call, ended.at, outcome),
            None => self.meter.cancel(call, ended.at),
        };
    }

    /// Of all that came back, how many did so since one of the route's own.
    fn others(&mut self, all: u64, own: u64) -> u64 {
        self.others = if own > 0 { 0 } else { self.others + all };
        self.others
    }
}

/// What a route did with one database, for people.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct RouteUse {
    pub(crate) route: Route,
    pub(crate) requests: u64,
    /// Queries per request.
    pub(crate) queries: f64,
    /// Database work per request, in seconds of queries that run alone.
    pub(crate) work: f64,
    pub(crate) circuit: Circuit,
}

impl RouteState {
    pub(super) fn new(route: Route, at: Box<[AtDatabase]>) -> Self {
        Self { route, at }
    }

    /// By the number of the database among those that are protected.
    pub(super) fn at(&self, index: usize) -> &AtDatabase {
        &self.at[index]
    }

    /// Its name and its circuit at a database, unless that is closed.
    pub(super) fn ill(&self, index: usize) -> Option<(Arc<str>, Circuit)> {
        let breaker = &self.at[index].breaker;
        let circuit = if breaker.is_closed() { Circuit::Closed } else { breaker.circuit() };
        (circuit != Circuit::Closed).then(|| (self.route.name(), circuit))
    }

    pub(super) fn usage(&self, index: usize) -> RouteUse {
        let at = &self.at[index];
        let learning = lock(&at.learning);
        RouteUse {
            route: self.route,
            requests: learning.requests,
            queries: learning.habit.queries(),
            work: learning.habit.mean_work(),
            circuit: at.breaker.circuit(),
        }
    }
}

impl AtDatabase {
    pub(super) fn new(
        database: Downstream,
        usual: Arc<Mutex<UsualWork>>,
        breaker: BreakerGate,
        route: Route,
        now: Stamp,
    ) -> Self {
        let mut meter = Meter::new(Slow::default(), now);
        meter.name(STATEMENT, route.name());
        let (habit, queries) = Default::default();
        let learning = Learning { meter, habit, queries, requests: 0, others: 0, patience: 0.0 };
        Self {
            database,
            usual,
            breaker,
            needs: AtomicBool::new(true),
            active: AtomicBool::new(false),
            asks_there: AtomicBool::new(false),
            cost: AtomicU16::new(0),
            learning: Mutex::new(learning),
        }
    }

    pub(super) fn breaker(&self) -> &BreakerGate {
        &self.breaker
    }

    /// Whether a request of this route needs the database, as far as is known.
    pub(super) fn needs(&self) -> bool {
        self.needs.load(Ordering::Relaxed)
    }

    /// How dear a request of this route is to the database, if that is known.
    pub(super) fn cost(&self) -> Option<Cost> {
        NonZeroU16::new(self.cost.load(Ordering::Relaxed)).map(Cost::of_hundredths)
    }

    /// The database tells how it does, so that the route is judged, too; an active probe
    /// that it answered is proof enough that it is well. Returns the queries of the route
    /// that hang while its circuit is open.
    pub(super) fn hear(&self, database: &Signal, answers: u64) -> usize {
        self.asks_there.store(database.connections.is_some(), Ordering::Relaxed);
        if !self.active.swap(false, Ordering::Relaxed) {
            return 0;
        }
        let mut learning = lock(&self.learning);
        if let Some(since) = self.breaker.judge_since() {
            learning.meter.judge_since(since.into());
        }
        let signal = learning.meter.take(database.at.into(), database.wall);
        let in_flight = signal.in_flight;
        let told =
            learning.others(database.finished + EVIDENCE * answers, signal.finished) >= EVIDENCE;
        // To a route that takes long by itself, a usual answer is none that is too slow.
        let slow_after = database.slow_after.max(Duration::from_nanos(learning.patience as u64));
        drop(learning);
        // While nothing comes back at all, it is the database that hangs and no route.
        let hanging = if told { in_flight } else { 0 };
        self.breaker.hear(&Signal { in_flight: hanging, slow_after, ..signal });
        let circuit = self.breaker.circuit();
        if in_flight > 0 || circuit != Circuit::Closed {
            self.active.store(true, Ordering::Relaxed);
        }
        match circuit {
            Circuit::Open | Circuit::HalfOpen => in_flight,
            _ => 0,
        }
    }

    fn visited(&self, touched: bool) {
        let mut learning = lock(&self.learning);
        let mut queries = mem::take(&mut learning.queries);
        // Those of a burst may all have ended before its first request did.
        queries.touched |= touched;
        learning.habit.note(queries);
        learning.requests += 1;
        let needs = learning.habit.needs(self.asks_there.load(Ordering::Relaxed));
        self.needs.store(needs, Ordering::Relaxed);
        let Some(work) = learning.habit.work().filter(|_| needs) else { return };
        drop(learning);
        let mut usual = lock(&self.usual);
        usual.note(work);
        let cost = Cost::times(usual.cost(work)).hundredths();
        self.cost.store(u16::try_from(cost).unwrap_or(u16::MAX), Ordering::Relaxed);
    }
}

impl Witness for RouteState {
    fn start(&self, database: Downstream, call: &Call) {
        let at = self.at.iter().find(|at| at.database == database);
        // To wait for a connection is no fault of the route.
        if let Some(at) = at.filter(|_| call.statement != WAIT) {
            at.active.store(true, Ordering::Relaxed);
            lock(&at.learning).start(&of_route(call));
        }
    }

    fn end(&self, database: Downstream, call: &Call, ended: &Ended) {
        let Some(at) = self.at.iter().find(|at| at.database == database) else { return };
        let mut learning = lock(&at.learning);
        learning.queries.touched = true;
        if call.statement != WAIT {
            learning.end(&of_route(call), ended);
        }
    }

    fn tell(&self, database: Downstream, call: &Call, ended: &Ended) {
        let Some(at) = self.at.iter().find(|at| at.database == database) else { return };
        let is_query = call.statement != WAIT;
        if is_query {
            at.active.store(true, Ordering::Relaxed);
        }
        let mut learning = lock(&at.learning);
        learning.queries.touched = true;
        if is_query {
            let call = of_route(call);
            learning.start(&call);
            learning.end(&call, ended);
        }
    }

    fn visited(&self, touched: Needs) {
        let touched = |at: &AtDatabase| touched.include(at.database) == Some(true);
        self.at.iter().for_each(|at| at.visited(touched(at)));
    }
}

/// The same for the meter of a route. Where the database is asked for too much, all that
/// takes long anyway gets slow: that is for the limit to deal with. A route is ill only
/// where its queries hang.
fn of_route(call: &Call) -> Call {
    Call { statement: STATEMENT, due: call.lost, ..*call }
}

/// So many queries of others come back while those of a route hang: the database is well.
const EVIDENCE: u64 = 3;

/// All queries of a route are one statement to its meter.
const STATEMENT: usize = 0;

/// What is left of a patience after the next query: it is about that of the last hundred.
const FADING: f64 = 0.99;
