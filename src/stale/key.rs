//! What is asked for: the key under which an answer is kept.

use std::sync::Arc;

use http::{Extensions, HeaderMap, Uri, header};

/// Host, path and query of a request.
pub(super) type Key = Arc<str>;

/// `None` where the host cannot be read.
pub(super) fn of(uri: &Uri, headers: &HeaderMap, extensions: &Extensions) -> Option<Key> {
    let uri = whole(extensions).unwrap_or(uri);
    let mut hosts = headers.get_all(header::HOST).iter();
    let host = match (uri.authority(), hosts.next()) {
        (Some(authority), _) => authority.as_str(),
        (None, Some(host)) => host.to_str().ok()?,
        (None, None) => "",
    };
    if hosts.next().is_some() {
        return None;
    }
    let path = uri.path_and_query().map_or("/", |path| path.as_str());
    let scheme = uri.scheme_str().unwrap_or_default();
    Some(format!("{scheme}//{}{path}", host.to_ascii_lowercase()).into())
}

/// A nested router of axum takes its prefix off the path, and two of them may have
/// different pages under one rest.
#[cfg(feature = "axum")]
fn whole(extensions: &Extensions) -> Option<&Uri> {
    extensions.get::<axum::extract::OriginalUri>().map(|original| &original.0)
}

/// Only a router's own types tell.
#[cfg(not(feature = "axum"))]
fn whole(_extensions: &Extensions) -> Option<&Uri> {
    None
}
