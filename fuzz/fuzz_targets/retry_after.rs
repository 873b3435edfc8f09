//! What an answer says of when to try again, to a client that keeps to it.

#![no_main]

use std::time::Duration;

use brownout::client::Retries;
use http::{HeaderName, HeaderValue, Request, Response};
use libfuzzer_sys::fuzz_target;
use tokio::{runtime::Builder, time::Instant};
use tower::retry::Policy;

/// Of a first retry, on top of what was told.
const JITTER: Duration = Duration::from_millis(100);
const LONGEST: u64 = 10;

fuzz_target!(|data: &[u8]| {
    let Ok(value) = HeaderValue::from_bytes(data) else { return };
    let text = value.to_str().ok().map(|text| text.trim().to_owned());
    let runtime = Builder::new_current_thread().enable_time().start_paused(true).build();
    let runtime = runtime.expect("it is to be had");
    let _inside = runtime.enter();
    let told = wait(503, [("retry-after", &value)]);
    match text.as_deref().and_then(digits) {
        Some(seconds) if seconds <= LONGEST => in_time(told, Duration::from_secs(seconds)),
        Some(_) => assert_eq!(told, None),
        // A date is not far from where the clock is, or too far.
        None => assert!(told.is_none_or(|told| told <= Duration::from_secs(LONGEST))),
    }
    let unavailable = HeaderValue::from_static("14");
    let told = wait(200, [("grpc-status", &unavailable), ("grpc-retry-pushback-ms", &value)]);
    match text.as_deref().and_then(digits) {
        Some(millis) if millis <= LONGEST * 1_000 => in_time(told, Duration::from_millis(millis)),
        Some(_) => assert_eq!(told, None),
        None => assert!(told.is_none_or(|told| told <= Duration::from_secs(LONGEST))),
    }
});

fn digits(text: &str) -> Option<u64> {
    let is_number = !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_digit());
    is_number.then(|| text.parse().unwrap_or(u64::MAX))
}

/// Neither early nor later than by chance.
fn in_time(told: Option<Duration>, expected: Duration) {
    match told {
        Some(told) => {
            let latest = expected + JITTER + Duration::from_millis(1);
            assert!((expected..=latest).contains(&told), "{told:?} instead of {expected:?}");
        }
        None => assert!(expected + JITTER > Duration::from_secs(LONGEST), "{expected:?}"),
    }
}

/// How long a client waits that gets this for an answer.
fn wait<const N: usize>(
    status: u16,
    headers: [(&'static str, &HeaderValue); N],
) -> Option<Duration> {
    let mut response = Response::new(());
    *response.status_mut() = status.try_into().expect("it is one");
    for (name, value) in headers {
        response.headers_mut().insert(HeaderName::from_static(name), value.clone());
    }
    let (mut retries, mut request) = (Retries::new(), Request::new(()));
    let asked = Policy::<_, Response<()>, ()>::clone_request(&mut retries, &request);
    assert!(asked.is_some(), "a GET may be repeated");
    let sleep = retries.retry(&mut request, &mut Ok::<_, ()>(response))?;
    Some(sleep.deadline().saturating_duration_since(Instant::now()))
}
