//! What came of a request.

use std::time::Duration;

use http::{HeaderMap, StatusCode};

use crate::plan::request::Request;
use crate::watching::origin::Origin;

/// How a request ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(crate) enum Kind {
    /// With what was asked for.
    Fresh,
    /// With what was asked for, but from before, or from a fallback.
    Copy,
    /// Told to come back later: 429 or 503.
    Refused,
    /// Any other answer, or none since the connection broke.
    Failed,
    TimedOut,
    /// The generator had no place for it, so that nothing is known.
    Unsent,
}

impl Kind {
    pub(crate) const ALL: [Self; 6] =
        [Self::Fresh, Self::Copy, Self::Refused, Self::Failed, Self::TimedOut, Self::Unsent];

    pub(crate) fn name(self) -> &'static str {
        match self {
            Self::Fresh => "fresh",
            Self::Copy => "copy or fallback",
            Self::Refused => "refused",
            Self::Failed => "failed",
            Self::TimedOut => "timed out",
            Self::Unsent => "not sent",
        }
    }

    /// Whether the customer got what was asked for, in whatever age.
    pub(crate) fn is_useful(self) -> bool {
        matches!(self, Self::Fresh | Self::Copy)
    }

    /// Of an answer. `fallback` is the header that a fallback has.
    pub(crate) fn of(
        request: &Request,
        status: StatusCode,
        headers: &HeaderMap,
        fallback: Option<&str>,
    ) -> Self {
        let stood_in = Origin::of(headers) == Origin::Copy
            || fallback.is_some_and(|name| headers.contains_key(name));
        match (request.expects(status.as_u16()), status.as_u16()) {
            (true, _) if stood_in => Self::Copy,
            (true, _) => Self::Fresh,
            (false, 429 | 503) => Self::Refused,
            (false, _) => Self::Failed,
        }
    }
}

/// One request with what came of it. All times are from the start of the rehearsal.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Exchange {
    /// Which one of the mix.
    pub(crate) request: usize,
    /// When it had to be sent.
    pub(crate) due: Duration,
    /// How much later than that the generator was.
    pub(crate) lag: Duration,
    pub(crate) ended: Duration,
    pub(crate) kind: Kind,
    /// Of its answer, if there was one.
    pub(crate) status: Option<u16>,
}

impl Exchange {
    /// What the customer waited: from when he came, not from when the generator sent it.
    pub(crate) fn latency(&self) -> Duration {
        self.ended.saturating_sub(self.due)
    }

    /// Whether it counts for the latency: who was told no at once did not wait.
    pub(crate) fn waited(&self) -> bool {
        self.kind.is_useful() || self.kind == Kind::TimedOut
    }
}

#[cfg(test)]
pub(crate) fn exchange(request: usize, due_ms: u64, latency_ms: u64, kind: Kind) -> Exchange {
    let due = Duration::from_millis(due_ms);
    let ended = due + Duration::from_millis(latency_ms);
    Exchange { request, due, lag: Duration::ZERO, ended, kind, status: None }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::plan::Plan;

    fn of(expect: &str, status: u16, headers: &[(&'static str, &str)]) -> Kind {
        let text = format!(
            "base_rate = 1\n[[phase]]\nname = \"a\"\nlength = \"1s\"\nrate = 1\n\
             [[request]]\nname = \"a\"\nroute = \"/\"\nexpect = {expect}"
        );
        let plan = Plan::parse(&text).unwrap();
        let headers =
            headers.iter().map(|(name, value)| (name.parse().unwrap(), value.parse().unwrap()));
        let status = StatusCode::from_u16(status).unwrap();
        Kind::of(&plan.requests[0], status, &HeaderMap::from_iter(headers), Some("x-fallback"))
    }

    #[test]
    fn an_answer_is_told_by_status_and_marks() {
        assert_eq!(of("[]", 200, &[]), Kind::Fresh);
        assert_eq!(of("[]", 303, &[]), Kind::Fresh);
        assert_eq!(of("[]", 404, &[]), Kind::Failed);
        assert_eq!(of("[404]", 404, &[]), Kind::Fresh);
        assert_eq!(of("[404]", 200, &[]), Kind::Failed);
        assert_eq!((of("[]", 429, &[]), of("[]", 503, &[])), (Kind::Refused, Kind::Refused));
        assert_eq!(of("[]", 500, &[("x-fallback", "1")]), Kind::Failed);
        assert_eq!(of("[]", 200, &[("x-fallback", "1")]), Kind::Copy);
        assert_eq!(of("[]", 200, &[("cache-status", "brownout; hit; detail=gate")]), Kind::Copy);
        assert_eq!(
            of("[]", 200, &[("cache-status", "brownout; fwd=miss; collapsed")]),
            Kind::Fresh
        );
    }
}
