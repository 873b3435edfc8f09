//! What was learned of the routes, for all databases that are protected.

use std::sync::{
    Arc, Mutex, OnceLock,
    atomic::{AtomicBool, Ordering},
};

use super::route::{AtDatabase, RouteState, RouteUse};
use crate::{
    class::{Class, Cost, Downstream, Route},
    clock,
    control::{habit::UsualWork, strays::Strays},
    gate::BreakerGate,
    lock::lock,
    signal::Signal,
};

/// One place per route of the process, and what all share per database.
pub(super) struct Learned {
    routes: Box<[OnceLock<Arc<RouteState>>]>,
    databases: Box<[Common]>,
    /// Of a route at a database. None where requests are the queries themselves: then
    /// nothing is learned.
    breaker: Option<RouteBreaker>,
}

type RouteBreaker = Box<dyn Fn(Route, usize) -> BreakerGate + Send + Sync>;

/// What the routes share at one database.
struct Common {
    number: Downstream,
    usual: Arc<Mutex<UsualWork>>,
    strays: Mutex<Strays>,
    /// Whether too many queries belong to no known request, so that a route without any
    /// may run some all the same.
    in_doubt: AtomicBool,
}

impl Learned {
    pub(super) fn new(
        databases: impl Iterator<Item = Downstream>,
        breaker: Option<impl Fn(Route, usize) -> BreakerGate + Send + Sync + 'static>,
    ) -> Self {
        let common = |number| {
            let (usual, strays, in_doubt) = Default::default();
            Common { number, usual, strays, in_doubt }
        };
        Self {
            routes: (0..Route::MOST).map(|_| OnceLock::new()).collect(),
            databases: databases.map(common).collect(),
            breaker: breaker.map(|breaker| Box::new(breaker) as RouteBreaker),
        }
    }

    /// What is known of the route that a request takes.
    pub(super) fn of(&self, class: &Class) -> Option<&Arc<RouteState>> {
        let (route, breaker) = (class.route?, self.breaker.as_ref()?);
        let first_seen = || Arc::new(self.first_seen(route, breaker));
        Some(self.routes[route.index()].get_or_init(first_seen))
    }

    /// Whether a request needs the database with this number.
    pub(super) fn needs(&self, class: &Class, route: Option<&RouteState>, index: usize) -> bool {
        let common = &self.databases[index];
        class.needs.include(common.number).unwrap_or_else(|| {
            route.is_none_or(|route| route.at(index).needs())
                || common.in_doubt.load(Ordering::Relaxed)
        })
    }

    /// The same class, as dear as its route was seen to be.
    pub(super) fn priced(&self, class: &Class, route: Option<&RouteState>, index: usize) -> Class {
        if class.cost != Cost::USUAL {
            return *class;
        }
        let cost = route.and_then(|route| route.at(index).cost());
        Class { cost: cost.unwrap_or(Cost::USUAL), ..*class }
    }

    /// A database tells how it does, and has answered so many active probes. Returns the
    /// queries that hang at routes whose circuit is open.
    pub(super) fn hear(&self, signal: &Signal, answers: u64, index: usize) -> usize {
        let common = &self.databases[index];
        let in_doubt = lock(&common.strays).note(signal.started, signal.strays);
        common.in_doubt.store(in_doubt, Ordering::Relaxed);
        self.known().map(|route| route.at(index).hear(signal, answers)).sum()
    }

    /// Whether there is more than one to tell apart.
    pub(super) fn tells_routes(&self) -> bool {
        self.known().nth(1).is_some()
    }

    pub(super) fn usage(&self, index: usize) -> Vec<RouteUse> {
        self.known().map(|route| route.usage(index)).collect()
    }

    fn known(&self) -> impl Iterator<Item = &Arc<RouteState>> {
        self.routes.iter().filter_map(OnceLock::get)
    }

    fn first_seen(&self, route: Route, breaker: &RouteBreaker) -> RouteState {
        let now = clock::now();
        let at = |(index, common): (usize, &Common)| {
            let breaker = breaker(route, index);
            AtDatabase::new(common.number, common.usual.clone(), breaker, route, now)
        };
        RouteState::new(route, self.databases.iter().enumerate().map(at).collect())
    }
}
