//! A header as a key.

use http::{HeaderName, Request};

use crate::class::{EitherKey, Key, KeyOf};

/// The value of a header, such as an API key: all of it, byte by byte. A request without it or
/// with an empty one has no key. All that have it more than once share one key, whatever
/// they say: whoever else reads it may read another line.
///
/// Who sends a new value with each request has a new quota with each. So let this see only
/// what was checked before, or check it here:
///
/// ```
/// use std::collections::HashSet;
/// use brownout::{EitherKey, Key, KeyOf, http::key::ClientIp};
/// use http::Request;
///
/// let valid = HashSet::from(["s3cret"]);
/// let api_key = move |request: &Request<()>| {
///     let key = request.headers().get("x-api-key")?.to_str().ok()?;
///     valid.contains(key).then(|| Key::of(key))
/// };
/// let either = EitherKey(api_key, ClientIp::peer());
/// let request = Request::get("/").header("x-api-key", "s3cret").body(())?;
/// assert_eq!(either.key(&request), Some(Key::of("s3cret")));
/// # Ok::<(), http::Error>(())
/// ```
///
/// Where several values mean the same (`Bearer x` and `bearer x`), use a closure that
/// makes them one.
#[derive(Clone, Debug)]
#[must_use]
pub struct Header(HeaderName);

impl Header {
    /// The header of this name.
    pub fn new(name: HeaderName) -> Self {
        Self(name)
    }

    /// Another key where there is no such header: `Header::new(name).or(ClientIp::peer())`.
    pub fn or<K>(self, other: K) -> EitherKey<Self, K> {
        EitherKey(self, other)
    }
}

impl<B> KeyOf<Request<B>> for Header {
    fn key(&self, request: &Request<B>) -> Option<Key> {
        let mut values = request.headers().get_all(&self.0).iter();
        let (value, name) = (values.next()?, self.0.as_str());
        if values.next().is_some() {
            return Some(Key::of(&("header, more than once", name)));
        }
        (!value.is_empty()).then(|| Key::of(&("header", name, value.as_bytes())))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn key(name: &'static str, sent: &[(&str, &str)]) -> Option<Key> {
        let request = sent
            .iter()
            .fold(Request::get("/"), |request, (name, value)| request.header(*name, *value));
        Header::new(HeaderName::from_static(name)).key(&request.body(()).expect("it is valid"))
    }

    #[test]
    fn equal_values_of_one_header_are_one_key() {
        let anna = key("x-api-key", &[("X-Api-Key", "anna"), ("accept", "*/*")]);
        assert!(anna.is_some());
        assert_eq!(key("x-api-key", &[("x-api-key", "anna")]), anna);
        assert_ne!(key("x-api-key", &[("x-api-key", "bert")]), anna);
        assert_ne!(key("x-tenant", &[("x-tenant", "anna")]), anna);
    }

    #[test]
    fn none_and_an_empty_one_are_no_key() {
        assert_eq!(key("x-api-key", &[("accept", "*/*")]), None);
        assert_eq!(key("x-api-key", &[("x-api-key", "")]), None);
    }

    #[test]
    fn all_that_have_several_are_one_whatever_they_say() {
        let several =
            |values: [&'static str; 2]| key("x-api-key", &values.map(|value| ("x-api-key", value)));
        let twice = several(["anna", "anna"]);
        assert!(twice.is_some() && twice != key("x-api-key", &[("x-api-key", "anna")]));
        for values in [["anna", "1"], ["2", "anna"], ["", "anna"], ["anna", ""], ["", ""]] {
            assert_eq!(several(values), twice, "{values:?}");
        }
    }
}
