//! What is asked for: the key under which an answer is kept.

use std::{cell::RefCell, sync::Arc};

use http::{Extensions, HeaderMap, Uri, header, uri::Authority};

/// Host, path and query of a request.
pub(super) type Key = Arc<str>;

thread_local! {
    /// Where a key is put together.
    static TEXT: RefCell<String> = const { RefCell::new(String::new()) };
}

/// `None` where the host cannot be read.
///
/// What may differ is all in it: a service may go by the header `Host` where the target names
/// another host, and by the path that was asked for or by one that was rewritten since.
pub(super) fn of(uri: &Uri, headers: &HeaderMap, extensions: &Extensions) -> Option<Key> {
    let mut hosts = headers.get_all(header::HOST).iter();
    let host = hosts.next().map_or(Some(""), |host| host.to_str().ok())?;
    if hosts.next().is_some() {
        return None;
    }
    let first = whole(extensions).filter(|first| *first != uri);
    let key = |text: &mut String| {
        text.clear();
        text.push_str(host);
        text.make_ascii_lowercase();
        for uri in [Some(uri), first].into_iter().flatten() {
            // No host and no target has a space in it.
            text.push(' ');
            write(text, uri);
        }
        let key = Key::from(&**text);
        // One that was very long is not to take the room for ever.
        text.clear();
        text.shrink_to(KEPT);
        key
    };
    // A thread that ends keeps none.
    let kept = TEXT.try_with(|text| key(&mut text.borrow_mut()));
    Some(kept.unwrap_or_else(|_| key(&mut String::new())))
}

/// As it prints itself, without what formatting takes.
fn write(text: &mut String, uri: &Uri) {
    if let Some(scheme) = uri.scheme_str() {
        text.extend([scheme, "://"]);
    }
    text.push_str(uri.authority().map_or("", Authority::as_str));
    text.push_str(uri.path());
    if let Some(query) = uri.query() {
        text.extend(["?", query]);
    }
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

/// The room that a thread keeps for keys, in bytes.
const KEPT: usize = 1024;

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
    fn a_target_is_told_as_it_prints_itself() {
        for target in [
            "/",
            "/a?b=c&d",
            "/a?",
            "*",
            "https://user@Shop.example:8443/A/b?c#d",
            "http://shop.example",
            "http://shop.example?a",
            "shop.example:443",
        ] {
            let expected = format!("shop.example {}", Uri::from_static(target));
            assert_eq!(key(target, &["Shop.Example"]).as_deref(), Some(&*expected), "{target}");
        }
        let long = format!("/{}", "a".repeat(5_000)).parse::<Uri>().expect("it is valid");
        let of = || super::of(&long, &HeaderMap::new(), &Extensions::new());
        assert_eq!(
            (of(), of()),
            (Some(format!(" {long}").into()), Some(format!(" {long}").into()))
        );
        assert_eq!(TEXT.with_borrow(String::capacity), KEPT);
    }

    #[test]
    fn a_host_is_the_same_in_capitals() {
        assert_eq!(key("/a?b", &["Shop.Example"]), key("/a?b", &["shop.example"]));
        assert_ne!(key("/a?b", &["shop.example"]), key("/A?b", &["shop.example"]));
    }
}
