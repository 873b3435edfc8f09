//! `x-request-priority`, against a reader that takes it apart into text; and that nobody who is not
//! trusted raises anything.

#![no_main]

use brownout::{Class, Classify, Priority, http::Propagated};
use brownout_fuzz::{PROXY, request};
use http::{HeaderName, Request};
use libfuzzer_sys::fuzz_target;

const HEADER: HeaderName = HeaderName::from_static("x-request-priority");

fuzz_target!(|data: &[u8]| {
    let request = request(PROXY, &HEADER, data.split(|byte| *byte == b'\n'));
    let told = told(&request);
    for own in Priority::ALL {
        let propagated = || Propagated::new().otherwise(Class::new(own));
        let trusting = |network| propagated().trusting([network]).expect("it is a network");
        let lowered = told.map_or(own, |told| told.min(own));
        assert_eq!(propagated().classify(&request).priority, lowered);
        assert_eq!(trusting("192.0.2.0/24").classify(&request).priority, lowered);
        assert_eq!(trusting("10.0.0.0/8").classify(&request).priority, told.unwrap_or(own));
        assert_eq!(propagated().trusting_all().classify(&request).priority, told.unwrap_or(own));
    }
});

/// The lowest of those in all lines.
fn told(request: &Request<()>) -> Option<Priority> {
    let lines = request.headers().get_all(HEADER).iter();
    let lines: Vec<_> = lines.map(|line| String::from_utf8_lossy(line.as_bytes())).collect();
    let words = lines.iter().flat_map(|line| line.split(','));
    let words = words.map(|word| word.trim_matches(|letter: char| letter.is_ascii_whitespace()));
    words.filter_map(|word| word.parse().ok()).min()
}
