//! What an answer says about where it comes from: `Cache-Status` (RFC 9211).

use std::fmt::Write;

use http::{HeaderValue, StatusCode};

use crate::rejection::Reason;

/// Why there is no answer of the service.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Trouble {
    /// A gate refused.
    Refused(Reason),
    /// It said so itself.
    Status(StatusCode),
    /// It failed without an answer.
    Failed,
    /// It took too long.
    Late,
}

/// How an answer that was kept comes to be served.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Said {
    /// It is still fresh.
    Fresh,
    /// It is asked for anew meanwhile.
    Bridging,
    /// It was made for another request at the same time, after one was found kept or not.
    Shared { found: bool },
    /// There is nothing better.
    StandingIn(Trouble),
}

impl Said {
    /// The field's value, for an answer that stays fresh for `ttl` seconds.
    ///
    /// A hit did not reach the service: to a refused request the gate is what the lost
    /// network is to a cache far away. What reached it was forwarded, and `hit` and `fwd`
    /// exclude each other (RFC 9211, 2.1).
    pub(super) fn header(self, ttl: i64) -> HeaderValue {
        let mut value = String::from("brownout; ");
        // A request that is forwarded although there is a fresh answer bypasses it.
        let forwarded = if ttl > 0 { "bypass" } else { "stale" };
        // A text takes whatever is written.
        let _ = match self {
            Self::Fresh => write!(value, "hit; ttl={ttl}"),
            Self::Bridging => write!(value, "hit; ttl={ttl}; detail=revalidating"),
            Self::Shared { found } => {
                let forwarded = if found { "stale" } else { "miss" };
                write!(value, "fwd={forwarded}; ttl={ttl}; collapsed")
            }
            Self::StandingIn(Trouble::Refused(reason)) => {
                write!(value, "hit; ttl={ttl}; detail={}", reason.as_str())
            }
            Self::StandingIn(Trouble::Status(status)) => {
                write!(value, "fwd={forwarded}; fwd-status={}; ttl={ttl}", status.as_u16())
            }
            Self::StandingIn(Trouble::Failed) => {
                write!(value, "fwd={forwarded}; ttl={ttl}; detail=failed")
            }
            Self::StandingIn(Trouble::Late) => {
                write!(value, "fwd={forwarded}; ttl={ttl}; detail=late")
            }
        };
        HeaderValue::from_str(&value).unwrap_or(HeaderValue::from_static("brownout; hit"))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_way_has_its_words() {
        let of = |said: Said, ttl| said.header(ttl).to_str().expect("it is text").to_owned();
        assert_eq!(of(Said::Fresh, 30), "brownout; hit; ttl=30");
        let refused = Said::StandingIn(Trouble::Refused(Reason::CircuitOpen));
        assert_eq!(of(refused, -12), "brownout; hit; ttl=-12; detail=circuit_open");
        let busy = Said::StandingIn(Trouble::Status(StatusCode::SERVICE_UNAVAILABLE));
        assert_eq!(of(busy, -1), "brownout; fwd=stale; fwd-status=503; ttl=-1");
        assert_eq!(of(busy, 9), "brownout; fwd=bypass; fwd-status=503; ttl=9");
        let shared = Said::Shared { found: false };
        assert_eq!(of(shared, 0), "brownout; fwd=miss; ttl=0; collapsed");
    }
}
