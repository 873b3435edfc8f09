//! The route that a router found for a request.

use http::{Extensions, Method};

use crate::class::Route;

/// Anybody can make up methods, and each would be a route of its own.
#[cfg(feature = "axum")]
const METHODS: [Method; 7] = [
    Method::GET,
    Method::HEAD,
    Method::POST,
    Method::PUT,
    Method::PATCH,
    Method::DELETE,
    Method::OPTIONS,
];

/// The method with the pattern that axum matched.
#[cfg(feature = "axum")]
pub(super) fn route(method: &Method, found: &Extensions) -> Option<Route> {
    Route::of(method.as_str(), pattern(method, found)?)
}

/// The pattern that axum matched. None where it matched none, as with a
/// `Router::fallback`, and for methods that are rare.
#[cfg(feature = "axum")]
pub(super) fn pattern<'r>(method: &Method, found: &'r Extensions) -> Option<&'r str> {
    let pattern = found.get::<axum::extract::MatchedPath>()?;
    METHODS.contains(method).then(|| pattern.as_str())
}

/// Only a router's own types tell.
#[cfg(not(feature = "axum"))]
pub(super) fn route(_method: &Method, _found: &Extensions) -> Option<Route> {
    None
}
