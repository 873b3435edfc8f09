//! The path as a key.

use http::Request;

use crate::class::{Key, KeyOf};

/// The path of a request, without its query. In a tuple with whose it is, a quota for each
/// client at each path: `(ClientIp::peer(), Path)`. For the few paths that one layer stands
/// before: clients make up others.
///
/// Under axum's `nest`, a layer inside sees the path without the nested part.
#[derive(Clone, Copy, Debug)]
pub struct Path;

impl<B> KeyOf<Request<B>> for Path {
    fn key(&self, request: &Request<B>) -> Option<Key> {
        Some(Key::of(&("path", request.uri().path())))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_query_does_not_change_the_path() {
        let key = |target: &str| Path.key(&Request::get(target).body(()).expect("it is valid"));
        assert_eq!(key("/search?q=tea"), key("/search"));
        assert_ne!(key("/search/tea"), key("/search"));
    }
}
