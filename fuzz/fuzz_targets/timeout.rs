//! Deadlines in headers, against a reader that takes them apart into text.

#![no_main]

use std::time::Duration;

use brownout::{TimeoutOf, http::Timeout};
use http::{HeaderName, HeaderValue, Request};
use libfuzzer_sys::fuzz_target;

const NAME: HeaderName = HeaderName::from_static("x-request-timeout");
const BOUND: Duration = Duration::from_secs(10);
const OTHERWISE: Duration = Duration::from_secs(3);

fuzz_target!(|data: &[u8]| {
    let Ok(value) = HeaderValue::from_bytes(data) else { return };
    let text = String::from_utf8_lossy(value.as_bytes().trim_ascii()).into_owned();
    let grpc = (HeaderName::from_static("grpc-timeout"), Timeout::grpc(), grpc(&text));
    let seconds = (NAME, Timeout::seconds(NAME), seconds(&text));
    let millis = (NAME, Timeout::milliseconds(NAME), millis(&text));
    for (name, timeout, expected) in [grpc, seconds, millis] {
        let mut request = Request::new(());
        request.headers_mut().insert(name, value.clone());
        assert_eq!(timeout.timeout(&request), expected, "{text:?}");
        let bounded = timeout.at_most(BOUND).otherwise(OTHERWISE);
        let expected = expected.unwrap_or(OTHERWISE).min(BOUND);
        assert_eq!(bounded.timeout(&request), Some(expected), "{text:?}");
    }
});

fn grpc(text: &str) -> Option<Duration> {
    let unit = text.chars().last()?;
    let nanos = match unit {
        'H' => 3_600_000_000_000,
        'M' => 60_000_000_000,
        'S' => 1_000_000_000,
        'm' => 1_000_000,
        'u' => 1_000,
        'n' => 1_u128,
        _ => return None,
    };
    let count = number(&text[..text.len() - 1], 8)? * nanos;
    Some(Duration::new((count / 1_000_000_000) as u64, (count % 1_000_000_000) as u32))
}

fn seconds(text: &str) -> Option<Duration> {
    let (whole, part) = text.split_once('.').unwrap_or((text, "0"));
    let (whole, nanos) = (number(whole, 12)?, number(part, 9)?);
    let nanos = nanos * 10_u128.pow(9 - part.len() as u32);
    Some(Duration::new(whole as u64, nanos as u32))
}

fn millis(text: &str) -> Option<Duration> {
    Some(Duration::from_millis(number(text, 15)? as u64))
}

/// Of one digit and at most so many.
fn number(text: &str, most: usize) -> Option<u128> {
    let is_number =
        (1..=most).contains(&text.len()) && text.chars().all(|own| own.is_ascii_digit());
    is_number.then(|| text.parse().expect("these are digits"))
}
