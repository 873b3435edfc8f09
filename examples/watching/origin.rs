//! Where an answer comes from, as it says itself.

use http::HeaderMap;

/// Where an answer comes from.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Origin {
    /// It was made for this request.
    Own,
    /// It was made for another one at the same time.
    Shared,
    /// It was made before, and there was nothing better.
    Copy,
}

/// Says where an answer comes from (RFC 9211).
const CACHE_STATUS: &str = "cache-status";

impl Origin {
    pub(crate) fn of(headers: &HeaderMap) -> Self {
        match headers.get(CACHE_STATUS).map(|said| String::from_utf8_lossy(said.as_bytes())) {
            None => Self::Own,
            Some(said) if said.contains("; collapsed") => Self::Shared,
            Some(_) => Self::Copy,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn of(said: &'static str) -> Origin {
        Origin::of(&HeaderMap::from_iter([(CACHE_STATUS.parse().unwrap(), said.parse().unwrap())]))
    }

    #[test]
    fn an_answer_says_where_it_comes_from() {
        assert_eq!(Origin::of(&HeaderMap::new()), Origin::Own);
        assert_eq!(of("brownout; fwd=miss; ttl=5; collapsed"), Origin::Shared);
        assert_eq!(of("brownout; hit; ttl=-12; detail=queue_full"), Origin::Copy);
        assert_eq!(of("brownout; fwd=stale; fwd-status=503; ttl=-1"), Origin::Copy);
    }

    #[test]
    fn a_fresh_copy_in_the_place_of_a_refusal_is_a_copy() {
        assert_eq!(of("brownout; hit; ttl=3; detail=queue_full"), Origin::Copy);
    }
}
