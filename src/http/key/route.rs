//! The route as a key.

use http::{Method, Request};

use crate::{
    class::{EitherKey, Key, KeyOf},
    http::matched,
};

/// The route of a request: its method with axum's `MatchedPath`, as
/// [`Class::route`](crate::Class::route). But `HEAD` is `GET`, and all methods that are rare are
/// one, since clients make up others. None where the router matched none: so that the rest of
/// a tuple still counts, write
///
/// ```
/// use brownout::{EitherKey, http::key::{ClientIp, Route}};
///
/// let client = ClientIp::peer();
/// let at_each_route = EitherKey((client.clone(), Route), client);
/// # let _ = at_each_route;
/// ```
#[derive(Clone, Copy, Debug)]
pub struct Route;

impl<B> KeyOf<Request<B>> for Route {
    fn key(&self, request: &Request<B>) -> Option<Key> {
        let pattern = matched::pattern(request.extensions())?;
        let method = match request.method() {
            // The handler of the one answers the other.
            &Method::HEAD => &Method::GET,
            method => method,
        };
        let method = matched::usual(method).unwrap_or_default();
        Some(Key::of(&("route", method, pattern)))
    }
}

impl Route {
    /// Another key where there is no route.
    #[must_use]
    pub fn or<K>(self, other: K) -> EitherKey<Self, K> {
        EitherKey(self, other)
    }
}
