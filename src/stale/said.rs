//! What an answer says about where it comes from: `Cache-Status` (RFC 9211).

use http::{HeaderValue, StatusCode};

use crate::{number::Digits, rejection::Reason};

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
        // A request that is forwarded although there is a fresh answer bypasses it.
        let forwarded = if ttl > 0 { "brownout; fwd=bypass" } else { "brownout; fwd=stale" };
        let (start, end) = match &self {
            Self::Fresh => ([HIT, "", ""], ["", ""]),
            Self::Bridging => ([HIT, "", ""], ["; detail=revalidating", ""]),
            Self::Shared { found: true } => (["brownout; fwd=stale", "", ""], ["; collapsed", ""]),
            Self::Shared { found: false } => (["brownout; fwd=miss", "", ""], ["; collapsed", ""]),
            Self::StandingIn(trouble) => match trouble {
                Trouble::Refused(reason) => ([HIT, "", ""], ["; detail=", reason.as_str()]),
                Trouble::Status(status) => {
                    ([forwarded, "; fwd-status=", status.as_str()], ["", ""])
                }
                Trouble::Failed => ([forwarded, "", ""], ["; detail=failed", ""]),
                Trouble::Late => ([forwarded, "", ""], ["; detail=late", ""]),
            },
        };
        let seconds = Digits::of(ttl.unsigned_abs());
        let ttl = if ttl < 0 { "; ttl=-" } else { "; ttl=" };
        let ([a, b, c], [y, z]) = (start, end);
        // Of the right size, so that the value takes it as it is.
        let value = [a, b, c, ttl, seconds.as_str(), y, z].concat();
        HeaderValue::try_from(value).unwrap_or(HeaderValue::from_static(HIT))
    }
}

const HIT: &str = "brownout; hit";

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
        let found = Said::Shared { found: true };
        assert_eq!(of(found, i64::MIN), "brownout; fwd=stale; ttl=-9223372036854775808; collapsed");
        assert_eq!(of(Said::Bridging, -3), "brownout; hit; ttl=-3; detail=revalidating");
        let failed = Said::StandingIn(Trouble::Failed);
        assert_eq!(of(failed, 9), "brownout; fwd=bypass; ttl=9; detail=failed");
        let late = Said::StandingIn(Trouble::Late);
        assert_eq!(of(late, -9), "brownout; fwd=stale; ttl=-9; detail=late");
    }
}
