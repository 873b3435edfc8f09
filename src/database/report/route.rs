//! Routes, by what they cost the database.

use std::sync::Arc;

/// What the requests of one route cost this database.
#[derive(Clone, Debug, PartialEq)]
#[cfg_attr(feature = "serde", derive(serde::Serialize))]
#[non_exhaustive]
pub struct RouteFigures {
    /// Its name, as `/orders/{id}`.
    #[cfg_attr(feature = "serde", serde(serialize_with = "crate::serial::text"))]
    pub route: Arc<str>,
    /// Requests that were seen.
    pub requests: u64,
    /// Queries per request.
    pub queries: f64,
    /// The database's time per request, in seconds.
    pub seconds: f64,
    /// The share of all its requests in the database's time of all routes, 0 to 1.
    pub share: f64,
}

impl RouteFigures {
    /// The share is found when they are reported.
    pub(crate) fn new(route: Arc<str>, requests: u64, queries: f64, seconds: f64) -> Self {
        Self { route, requests, queries, seconds, share: 0.0 }
    }
}

/// The dearest first, each with its share.
pub(super) fn ranked(mut routes: Vec<RouteFigures>) -> Vec<RouteFigures> {
    let cost = |route: &RouteFigures| route.requests as f64 * route.seconds;
    let total: f64 = routes.iter().map(cost).sum();
    for route in &mut routes {
        route.share = if total > 0.0 { cost(route) / total } else { 0.0 };
    }
    routes.sort_by(|one, other| other.share.total_cmp(&one.share));
    routes
}
