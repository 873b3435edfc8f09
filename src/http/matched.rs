//! The route that a router found for a request.

use http::{Extensions, Method};

use crate::class::Route;

/// Those that have routes of their own: anybody can make up others.
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

/// The method with the pattern that axum matched. None for methods that are rare.
#[cfg(feature = "axum")]
pub(super) fn route(method: &Method, found: &Extensions) -> Option<Route> {
    let pattern = pattern(found)?;
    Route::of(usual(method)?, pattern)
}

/// The method, unless it is a rare one.
#[cfg(feature = "axum")]
pub(super) fn usual(method: &Method) -> Option<&str> {
    METHODS.contains(method).then(|| method.as_str())
}

/// The pattern that axum matched. None where it matched none, as with a
/// `Router::fallback`.
#[cfg(feature = "axum")]
pub(super) fn pattern(found: &Extensions) -> Option<&str> {
    Some(found.get::<axum::extract::MatchedPath>()?.as_str())
}

/// Only a router's own types tell.
#[cfg(not(feature = "axum"))]
pub(super) fn route(_method: &Method, _found: &Extensions) -> Option<Route> {
    None
}
