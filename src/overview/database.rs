//! One database at one instant.

use std::sync::Arc;

use crate::{
    admission::Admission,
    database::{Database, DatabaseSnapshot, Report, RouteFigures, StatementFigures},
    event::Circuit,
    gate::{BreakerMode, GuardSnapshot, Snapshot},
};

/// What is to be seen of one database, and of the gates in front of it.
#[derive(Clone, Debug, PartialEq)]
#[cfg_attr(feature = "serde", derive(serde::Serialize))]
#[non_exhaustive]
pub struct DatabaseOverview {
    /// What people call it.
    #[cfg_attr(feature = "serde", serde(serialize_with = "crate::serial::text"))]
    pub name: Arc<str>,
    /// The concurrency limit, in requests in flight at once; a fraction is what whole places
    /// are on average.
    pub limit: f64,
    /// Requests in flight under it.
    pub in_flight: usize,
    /// Requests that wait for it.
    pub waiting: usize,
    /// The state of the circuit.
    pub circuit: Circuit,
    /// Who decides on it.
    pub mode: BreakerMode,
    /// Whether its circuits [only report](crate::CircuitBreaker::report_only), and nobody is
    /// refused for them.
    pub report_only: bool,
    /// The routes whose own circuit is not closed.
    pub ill_routes: Vec<IllRoute>,
    /// Its last ten seconds.
    pub recent: DatabaseSnapshot,
    /// How many times longer than alone queries took in the last half to whole minute, on
    /// average. `None` if that is not known.
    pub slowdown: Option<f64>,
    /// Whether it is asked for more than it can do.
    pub saturated: bool,
    /// The statements by the database's time lately, the dearest first, 10 at most.
    pub statements: Vec<StatementFigures>,
    /// The routes by the database's time, the dearest first, 10 at most.
    pub routes: Vec<RouteFigures>,
    /// What to do, in words, the most rewarding first.
    pub advice: Vec<String>,
}

/// A route whose circuit at a database is not closed.
#[derive(Clone, Debug, PartialEq, Eq)]
#[cfg_attr(feature = "serde", derive(serde::Serialize))]
#[non_exhaustive]
pub struct IllRoute {
    /// Its name, as `GET /products`.
    #[cfg_attr(feature = "serde", serde(serialize_with = "crate::serial::text"))]
    pub route: Arc<str>,
    /// The state of its circuit.
    pub circuit: Circuit,
}

pub(super) fn overviews(admission: &Admission, snapshot: &Snapshot) -> Vec<DatabaseOverview> {
    let databases = admission.databases().iter().zip(&snapshot.databases);
    databases.map(|(database, guard)| overview(admission, database, guard)).collect()
}

fn overview(admission: &Admission, database: &Database, guard: &GuardSnapshot) -> DatabaseOverview {
    let GuardSnapshot { name, in_flight, waiting, circuit, mode, report_only, routes, .. } =
        guard.clone();
    let Report { mut statements, routes: mut dearest, advice, saturated, .. } = database.report();
    statements.sort_by(|one, other| other.lately.seconds.total_cmp(&one.lately.seconds));
    let slowdown = slowdown(&statements);
    statements.truncate(MOST);
    dearest.truncate(MOST);
    let limit = admission.concurrency_of(database).map(|gate| gate.snapshot().limit);
    let ill = |(route, circuit)| IllRoute { route, circuit };
    DatabaseOverview {
        name,
        limit: limit.unwrap_or(guard.limit as f64),
        in_flight,
        waiting,
        circuit,
        mode,
        report_only,
        ill_routes: routes.into_iter().map(ill).collect(),
        recent: database.snapshot(),
        slowdown,
        saturated: saturated.now,
        statements,
        routes: dearest,
        advice,
    }
}

/// Of all statements of which it is known, by the time that they take.
fn slowdown(statements: &[StatementFigures]) -> Option<f64> {
    let known = || statements.iter().filter(|own| own.alone.is_some() && own.lately.work > 0.0);
    let seconds: f64 = known().map(|own| own.lately.seconds).sum();
    let work: f64 = known().map(|own| own.lately.work).sum();
    (work > 0.0).then(|| seconds / work)
}

/// Statements and routes that are told.
const MOST: usize = 10;
