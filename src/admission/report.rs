//! What the gates know, for a database's report.

use crate::{
    database::RouteFigures,
    gate::{RouteUse, WeakGates},
};

/// What the routes cost the database with this number.
pub(super) fn routes(gates: &WeakGates, index: usize) -> Vec<RouteFigures> {
    let figures = |RouteUse { route, requests, queries, work, .. }| {
        RouteFigures::new(route.name(), requests, queries, work)
    };
    let uses = gates.upgrade().map(|gates| gates.route_uses(index)).unwrap_or_default();
    uses.into_iter().map(figures).collect()
}
