//! What was learned of the routes, for all databases that are protected.

use std::sync::{
    Arc, Mutex, OnceLock,
    atomic::{AtomicBool, Ordering},
};

use super::{
    Gates,
    route::{AtDatabase, RouteState, RouteUse},
};
use crate::{
    class::{Class, Cost, Downstream, Route},
    clock,
    control::{habit::UsualWork, strays::Strays, witness::Witness},
    event::Circuit,
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
    /// Whether a query ever belonged to a request.
    attributed: AtomicBool,
}

impl Learned {
    pub(super) fn new(
        databases: impl Iterator<Item = Downstream>,
        breaker: Option<impl Fn(Route, usize) -> BreakerGate + Send + Sync + 'static>,
    ) -> Self {
        let common = |number| {
            let (usual, strays, in_doubt, attributed) = Default::default();
            Common { number, usual, strays, in_doubt, attributed }
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

    /// The same, unless the request passes whatever is known.
    pub(super) fn route(&self, class: &Class) -> Option<&RouteState> {
        if class.exempt { None } else { self.of(class).map(Arc::as_ref) }
    }

    /// Whether a request needs the database with this number.
    pub(super) fn needs(&self, class: &Class, route: Option<&RouteState>, index: usize) -> bool {
        let common = &self.databases[index];
        class.needs.include(common.number).unwrap_or_else(|| {
            route.is_none_or(|route| route.at(index).needs())
                || common.in_doubt.load(Ordering::Relaxed)
        })
    }

    /// The same class, as dear as its route was seen to be. None where that makes no difference.
    pub(super) fn priced(
        &self,
        class: &Class,
        route: Option<&RouteState>,
        index: usize,
    ) -> Option<Class> {
        if class.cost != Cost::USUAL {
            return None;
        }
        route?.at(index).cost().map(|cost| Class { cost, ..*class })
    }

    /// A database tells how it does, and has answered so many active probes. Returns the
    /// queries that hang at routes whose circuit is open.
    pub(super) fn hear(&self, signal: &Signal, answers: u64, index: usize) -> usize {
        let common = &self.databases[index];
        let in_doubt = lock(&common.strays).note(signal.started, signal.strays);
        common.in_doubt.store(in_doubt, Ordering::Relaxed);
        if signal.started > signal.strays {
            common.attributed.store(true, Ordering::Relaxed);
        }
        self.known().map(|route| route.at(index).hear(signal, answers)).sum()
    }

    /// Whether there is more than one to tell apart.
    pub(super) fn tells_routes(&self) -> bool {
        self.known().nth(1).is_some()
    }

    pub(super) fn usage(&self, index: usize) -> Vec<RouteUse> {
        self.known().map(|route| route.usage(index)).collect()
    }

    /// The routes whose own circuit at a database is not closed.
    pub(super) fn ill(&self, index: usize) -> Vec<(Arc<str>, Circuit)> {
        self.known().filter_map(|route| route.ill(index)).collect()
    }

    fn known(&self) -> impl Iterator<Item = &Arc<RouteState>> {
        self.routes.iter().filter_map(OnceLock::get)
    }

    fn first_seen(&self, route: Route, breaker: &RouteBreaker) -> RouteState {
        let now = clock::stamp();
        let at = |(index, common): (usize, &Common)| {
            let breaker = breaker(route, index);
            AtDatabase::new(common.number, common.usual.clone(), breaker, route, now)
        };
        RouteState::new(route, self.databases.iter().enumerate().map(at).collect())
    }
}

impl Gates {
    /// The class of a request as dear as it is to a database, where that makes a difference.
    pub(super) fn priced(&self, class: &Class, index: usize) -> Option<Class> {
        self.0.learned.priced(class, self.0.learned.route(class), index)
    }

    /// Whether a request that was seen to send no query to this database sent none.
    pub(super) fn knows_whose_queries(&self, index: usize) -> bool {
        let common = &self.0.learned.databases[index];
        let [attributed, in_doubt] = [&common.attributed, &common.in_doubt];
        attributed.load(Ordering::Relaxed) && !in_doubt.load(Ordering::Relaxed)
    }

    /// Who hears of the queries of a request.
    pub(super) fn witness(&self, class: &Class) -> Option<Arc<dyn Witness>> {
        self.0.learned.of(class).cloned().map(|route| route as Arc<dyn Witness>)
    }

    /// What the routes were seen to do with a database.
    pub(crate) fn route_uses(&self, index: usize) -> Vec<RouteUse> {
        self.0.learned.usage(index)
    }
}
