//! What an answer says about trying again.

use std::time::{Duration, SystemTime};

use http::{HeaderMap, HeaderValue, Response, StatusCode, header};

use crate::{
    clock,
    http::{Code, NOT, PUSHBACK, SHOULD_RETRY},
};

/// How long to wait at least before the request is tried again. `None` if it is not to be.
pub(super) fn wait_for<B>(response: &Response<B>) -> Option<Duration> {
    let headers = response.headers();
    if headers.get(SHOULD_RETRY) == Some(&NOT) {
        return None;
    }
    match (Code::of(headers), response.status()) {
        (Some(Code::UNAVAILABLE | Code::RESOURCE_EXHAUSTED), _) => pushback(headers),
        (Some(_), _) => None,
        (
            None,
            StatusCode::TOO_MANY_REQUESTS
            | StatusCode::BAD_GATEWAY
            | StatusCode::SERVICE_UNAVAILABLE
            | StatusCode::GATEWAY_TIMEOUT,
        ) => Some(retry_after(headers)),
        (None, _) => None,
    }
}

/// By gRFC A6, what is below 0 or cannot be read says not to try again.
fn pushback(headers: &HeaderMap) -> Option<Duration> {
    let Some(value) = headers.get(PUSHBACK) else { return Some(Duration::ZERO) };
    value.to_str().ok()?.trim().parse().ok().map(Duration::from_millis)
}

/// What is missing or cannot be read is no wait.
fn retry_after(headers: &HeaderMap) -> Duration {
    let value = headers.get(header::RETRY_AFTER).and_then(|value| text(value));
    value.and_then(|value| seconds(value).or_else(|| until(value))).unwrap_or_default()
}

fn text(value: &HeaderValue) -> Option<&str> {
    value.to_str().ok().map(str::trim)
}

fn seconds(value: &str) -> Option<Duration> {
    let is_number = !value.is_empty() && value.bytes().all(|byte| byte.is_ascii_digit());
    // Too many digits for a number are a very long wait.
    is_number.then(|| value.parse().map_or(Duration::MAX, Duration::from_secs))
}

fn until(date: &str) -> Option<Duration> {
    let date = httpdate::parse_http_date(date).ok()?;
    let now = SystemTime::UNIX_EPOCH + clock::wall();
    Some(date.duration_since(now).unwrap_or_default())
}

#[cfg(test)]
mod tests {
    use super::*;

    const SECOND: Duration = Duration::from_secs(1);

    fn told(status: u16, headers: &[(&'static str, &str)]) -> Option<Duration> {
        let response = Response::builder().status(status);
        let header = |response: http::response::Builder, (name, value): &(&'static str, &str)| {
            response.header(*name, *value)
        };
        wait_for(&headers.iter().fold(response, header).body(()).expect("it is valid"))
    }

    #[test]
    fn only_what_may_pass_is_tried_again() {
        let again: Vec<_> = (200..600).filter(|status| told(*status, &[]).is_some()).collect();
        assert_eq!(again, [429, 502, 503, 504]);
        let grpc = |code: &u16| told(200, &[("grpc-status", &code.to_string())]).is_some();
        assert_eq!((0..=20).filter(grpc).collect::<Vec<_>>(), [8, 14]);
    }

    #[test]
    fn the_wait_is_in_seconds_or_until_a_date() {
        let after = |value: &str| told(503, &[("retry-after", value)]);
        assert_eq!(after("120"), Some(120 * SECOND));
        assert_eq!(after(" 0 "), Some(Duration::ZERO));
        assert_eq!(after("99999999999999999999999"), Some(Duration::MAX));
        let date = |time| after(&httpdate::fmt_http_date(time)).expect("it is to be tried again");
        let now = SystemTime::UNIX_EPOCH + clock::wall();
        let wait = date(now + 3_600 * SECOND);
        assert!((3_500 * SECOND..=3_600 * SECOND).contains(&wait), "{wait:?}");
        assert_eq!(date(now - 3_600 * SECOND), Duration::ZERO);
        for broken in ["", "-1", "1.5", "soon", "+3"] {
            assert_eq!(after(broken), Some(Duration::ZERO), "{broken}");
        }
    }

    #[test]
    fn grpc_is_pushed_back_by_milliseconds_and_below_0_for_ever() {
        let after = |value| told(200, &[("grpc-status", "14"), ("grpc-retry-pushback-ms", value)]);
        assert_eq!(after("1500"), Some(SECOND * 3 / 2));
        for never in ["-1", "soon", ""] {
            assert_eq!(after(never), None, "{never}");
        }
    }

    #[test]
    fn who_is_told_not_to_does_not() {
        assert_eq!(told(503, &[("x-should-retry", "false"), ("retry-after", "1")]), None);
        assert_eq!(told(503, &[("x-should-retry", "true")]), Some(Duration::ZERO));
    }
}
