//! What is asked for: the key under which an answer is kept.

use std::sync::Arc;

use http::{Extensions, HeaderMap, Uri, header};

/// Host, path and query of a request.
pub(super) type Key = Arc<str>;

/// `None` where the host cannot be read.
///
/// What may differ is all in it: a service may go by the header `Host` where the target names
/// another host, and by the path that was asked for or by one that was rewritten since.
pub(super) fn of(uri: &Uri, headers: &HeaderMap, extensions: &Extensions) -> Option<Key> {
    let mut hosts = headers.get_all(header::HOST).iter();
    let host = hosts.next().map_or(Some(""), |host| host.to_str().ok())?.to_ascii_lowercase();
    if hosts.next().is_some() {
        return None;
    }
    let first = whole(extensions).filter(|first| *first != uri);
    // No host and no target has a space in it.
    Some(first.map_or(format!("{host} {uri}"), |first| format!("{host} {uri} {first}")).into())
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

#[cfg(test)]
mod tests {
    use http::HeaderValue;

    use super::*;

    fn key(uri: &'static str, hosts: &[&'static str]) -> Option<Key> {
        let mut headers = HeaderMap::new();
        for host in hosts {
            headers.append(header::HOST, HeaderValue::from_static(host));
        }
        of(&Uri::from_static(uri), &headers, &Extensions::new())
    }

    #[test]
    fn a_host_that_is_smuggled_in_has_pages_of_its_own() {
        let honest = key("http://shop.example/a", &["shop.example"]);
        assert!(honest.is_some());
        assert_ne!(key("http://shop.example/a", &["evil.example"]), honest);
        assert_ne!(key("http://evil.example/a", &["shop.example"]), honest);
        assert_eq!(key("/a", &["shop.example", "evil.example"]), None);
    }

    #[test]
    fn a_host_is_the_same_in_capitals() {
        assert_eq!(key("/a?b", &["Shop.Example"]), key("/a?b", &["shop.example"]));
        assert_ne!(key("/a?b", &["shop.example"]), key("/A?b", &["shop.example"]));
    }
}
