//! gRPC over HTTP: statuses and refusals in the head of a response.

use std::time::Duration;

use bytes::Bytes;
use http::{HeaderMap, HeaderName, HeaderValue, Response, header};

use crate::{number, outcome::Outcome};

/// A status of gRPC.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Code(u8);

impl Code {
    pub(super) const INVALID_ARGUMENT: Self = Self(3);
    pub(super) const DEADLINE_EXCEEDED: Self = Self(4);
    pub(crate) const RESOURCE_EXHAUSTED: Self = Self(8);
    pub(crate) const UNAVAILABLE: Self = Self(14);
    const OK: Self = Self(0);
    const UNKNOWN: Self = Self(2);
    const UNIMPLEMENTED: Self = Self(12);
    const INTERNAL: Self = Self(13);
    const DATA_LOSS: Self = Self(15);

    /// It comes with the head where the call failed at once.
    pub(crate) fn of(headers: &HeaderMap) -> Option<Self> {
        headers.get(STATUS)?.to_str().ok()?.parse().ok().map(Self)
    }

    /// What it says about the load of who answered.
    pub(super) fn outcome(self) -> Outcome {
        match self {
            Self::OK => Outcome::Success,
            Self::DEADLINE_EXCEEDED | Self::RESOURCE_EXHAUSTED | Self::UNAVAILABLE => {
                Outcome::Overload
            }
            _ => Outcome::Ignore,
        }
    }

    /// Whether it is the service's fault: a 5xx, if it were told in HTTP.
    pub(super) fn is_failure(self) -> bool {
        matches!(
            self,
            Self::UNKNOWN
                | Self::DEADLINE_EXCEEDED
                | Self::UNIMPLEMENTED
                | Self::INTERNAL
                | Self::UNAVAILABLE
                | Self::DATA_LOSS
        )
    }
}

/// The content type in which to answer somebody who speaks gRPC. None for others. An encoding
/// that is not known is left out: where there is no message, it says nothing.
pub(super) fn content_type(headers: &HeaderMap) -> Option<&'static str> {
    let value = headers.get(header::CONTENT_TYPE)?.to_str().ok()?;
    let name = value.split(';').next().unwrap_or_default().trim_ascii_end();
    let encoded = |base: &&&str| {
        let (start, rest) = name.split_at_checked(base.len()).unwrap_or_default();
        start.eq_ignore_ascii_case(base) && rest.starts_with('+')
    };
    let known = CONTENT_TYPES.iter().find(|known| known.eq_ignore_ascii_case(name));
    known.or_else(|| CONTENT_TYPES.iter().find(encoded)).copied()
}

/// Whether it is a message of gRPC.
#[cfg(feature = "client")]
pub(crate) fn is_grpc(headers: &HeaderMap) -> bool {
    content_type(headers).is_some()
}

/// A status with no message to follow (`Trailers-Only`). `wait` is none where it makes no sense
/// to try again.
pub(super) fn refusal(
    code: Code,
    message: &'static str,
    wait: Option<Duration>,
    content_type: &'static str,
) -> Response<Bytes> {
    let mut response = Response::new(Bytes::new());
    let headers = response.headers_mut();
    headers.insert(header::CONTENT_TYPE, HeaderValue::from_static(content_type));
    headers.insert(STATUS, number::value(code.0.into()));
    headers.insert(MESSAGE, HeaderValue::from_static(message));
    let pushback = u64::try_from(pushback(wait)).map_or(NEVER, number::value);
    headers.insert(PUSHBACK, pushback);
    response
}

/// In milliseconds, so that nobody comes back too early; below 0, not to come back at all
/// (gRFC A6). A wait of more than 24 days is no reason to keep a call.
fn pushback(wait: Option<Duration>) -> i32 {
    let millis = wait.map(|wait| wait.as_nanos().div_ceil(1_000_000));
    millis.and_then(|millis| i32::try_from(millis).ok()).unwrap_or(-1)
}

const CONTENT_TYPES: [&str; 9] = [
    "application/grpc",
    "application/grpc+proto",
    "application/grpc+json",
    "application/grpc-web",
    "application/grpc-web+proto",
    "application/grpc-web+json",
    "application/grpc-web-text",
    "application/grpc-web-text+proto",
    "application/grpc-web-text+json",
];

const STATUS: HeaderName = HeaderName::from_static("grpc-status");
/// Percent-encoded UTF-8, of which plain text without `%` is a part.
const MESSAGE: HeaderName = HeaderName::from_static("grpc-message");
pub(crate) const PUSHBACK: HeaderName = HeaderName::from_static("grpc-retry-pushback-ms");
/// Below 0.
const NEVER: HeaderValue = HeaderValue::from_static("-1");

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_answer_is_of_the_callers_type() {
        for (asked, answered) in [
            ("application/grpc", Some("application/grpc")),
            ("application/grpc+proto", Some("application/grpc+proto")),
            ("Application/gRPC-Web+Proto; charset=x", Some("application/grpc-web+proto")),
            ("application/grpc-web-text ;a", Some("application/grpc-web-text")),
            ("application/grpc+thrift", Some("application/grpc")),
            ("application/grpc-web-text+thrift", Some("application/grpc-web-text")),
            ("application/grpcs", None),
            ("application/grpc-other", None),
            ("application/json", None),
            ("", None),
        ] {
            let value = HeaderValue::from_static(asked);
            let headers = HeaderMap::from_iter([(header::CONTENT_TYPE, value)]);
            assert_eq!(content_type(&headers), answered, "{asked}");
        }
        assert_eq!(content_type(&HeaderMap::new()), None);
    }

    #[test]
    fn pushback_is_exact_and_never_early() {
        let wait = |nanos| pushback(Some(Duration::from_nanos(nanos)));
        assert_eq!([wait(0), wait(1), wait(1_000_000), wait(1_000_001)], [0, 1, 1, 2]);
        let longest = Duration::from_millis(i32::MAX as u64);
        assert_eq!(pushback(Some(longest)), i32::MAX);
        assert_eq!(pushback(Some(longest + Duration::from_nanos(1))), -1);
        assert_eq!([pushback(Some(Duration::MAX)), pushback(None)], [-1, -1]);
    }

    #[test]
    fn failures_are_what_would_be_5xx() {
        let failures: Vec<_> = (0..=20).filter(|code| Code(*code).is_failure()).collect();
        assert_eq!(failures, [2, 4, 12, 13, 14, 15]);
    }
}
