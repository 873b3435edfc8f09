//! The key of requests, beside what else their class says.

use super::layer::GateLayer;
use crate::class::{Class, Classify, KeyOf};

impl<G, C, P> GateLayer<G, C, P> {
    /// Tells whose each request is: a closure from `&Request` to `Option<Key>`, one of those
    /// in `brownout::http::key`, or a tuple of them. What else
    /// [`classify`](Self::classify) says, stays, and so does its key where there is none.
    /// Called again, the last is asked first. Default: none, and then
    /// [`RateLimit::unkeyed`](crate::RateLimit::unkeyed) says what holds. A rate limit counts by
    /// it only with [`per_key`](crate::RateLimit::per_key): without, one client may spend what all
    /// have together.
    ///
    /// ```
    /// use brownout::{Quota, RateLimit, http::key::{ClientIp, Path}};
    ///
    /// let limit = RateLimit::new(Quota::per_second(10)).per_key().layer()?;
    /// // For each client …
    /// let each = limit.clone().key(ClientIp::behind(["10.0.0.0/8"])?.x_forwarded_for());
    /// // … or for each at each path.
    /// let each_path = limit.key((ClientIp::peer(), Path));
    /// # let _ = (each, each_path);
    /// # Ok::<(), brownout::InvalidConfig>(())
    /// ```
    pub fn key<K>(self, key: K) -> GateLayer<G, Keyed<C, K>, P> {
        self.map_classify(|classify| Keyed { classify, key })
    }
}

/// Classifies as another does, with the key of a request. Made by [`GateLayer::key`].
#[derive(Clone, Copy, Debug)]
pub struct Keyed<C, K> {
    classify: C,
    key: K,
}

impl<C, K, Req> Classify<Req> for Keyed<C, K>
where
    C: Classify<Req>,
    K: KeyOf<Req>,
{
    fn classify(&self, request: &Req) -> Class {
        let class = self.classify.classify(request);
        Class { key: self.key.key(request).or(class.key), ..class }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::class::{Key, Priority};

    #[test]
    fn a_key_takes_the_place_of_another_and_all_else_stays() {
        let classify = |_: &Option<u8>| Class::new(Priority::Bulk).rank(3).key("all");
        let keyed = Keyed { classify, key: |client: &Option<u8>| client.as_ref().map(Key::of) };
        let class = keyed.classify(&Some(7));
        assert_eq!((class.priority, class.rank), (Priority::Bulk, 3));
        assert_eq!(class.key, Some(Key::of(&7_u8)));
        assert_eq!(keyed.classify(&None).key, Some(Key::of("all")));
    }
}
