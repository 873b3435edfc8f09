//! `baggage`, against a reader that takes it apart into text, and what is written into it.

#![no_main]

use brownout::{
    Class, Classify, Priority,
    http::{Propagate, Propagated},
};
use brownout_fuzz::{PROXY, request};
use http::{HeaderMap, HeaderName, Request};
use libfuzzer_sys::fuzz_target;

const BAGGAGE: HeaderName = HeaderName::from_static("baggage");
const KEY: &[u8] = b"brownout.priority";

fuzz_target!(|data: &[u8]| {
    let mut request = request(PROXY, &BAGGAGE, data.split(|byte| *byte == b'\n'));
    let (mut own, mut others) = (Vec::new(), Vec::new());
    for entry in entries(request.headers()) {
        match value_of_own(&entry) {
            Some(value) => own.push(value),
            None => others.push(entry),
        }
    }
    let length: usize = request.headers().get_all(BAGGAGE).iter().map(|line| line.len()).sum();
    // Only what is short has to be read to its end.
    if length <= 8192 {
        let told = own.iter().filter_map(|value| decode(value).parse::<Priority>().ok()).min();
        assert_eq!(read(&request), told);
    }
    let before = others.concat().len() + others.len();
    for priority in Priority::ALL {
        Propagate::new().write_as(priority, request.headers_mut());
        let mut now = entries(request.headers());
        let fits = others.len() < 64 && before + KEY.len() + 1 + priority.as_str().len() <= 8192;
        if fits {
            let written = now.pop().expect("it is the last");
            assert_eq!(written, [KEY, b"=", priority.as_str().as_bytes()].concat());
        }
        assert_eq!(now, others);
        assert!(request.headers().get_all(BAGGAGE).iter().count() <= 1);
        request.headers_mut().remove("x-request-priority");
        assert_eq!(read(&request), fits.then_some(priority));
    }
});

/// What is told, whether it raises or lowers.
fn read(request: &Request<()>) -> Option<Priority> {
    let from = |priority| {
        let propagated = Propagated::new().trusting_all().otherwise(Class::new(priority));
        propagated.classify(request).priority
    };
    let (low, high) = (from(Priority::Bulk), from(Priority::Critical));
    (low == high).then_some(low)
}

/// All that are not blank, with the space around them.
fn entries(headers: &HeaderMap) -> Vec<Vec<u8>> {
    let lines = headers.get_all(BAGGAGE).iter();
    let entries = lines.flat_map(|line| line.as_bytes().split(|byte| *byte == b','));
    let is_blank = |entry: &&[u8]| entry.iter().all(|byte| b" \t".contains(byte));
    entries.filter(|entry| !is_blank(entry)).map(<[u8]>::to_vec).collect()
}

fn value_of_own(entry: &[u8]) -> Option<String> {
    // Each byte a letter of its own, so that nothing is lost.
    let entry: String = entry.iter().map(|byte| char::from(*byte)).collect();
    let space = [' ', '\t'];
    let pair = entry.split_once(';').map_or(entry.as_str(), |(pair, _)| pair);
    let (key, value) = pair.split_once('=')?;
    (key.trim_matches(space).as_bytes() == KEY).then(|| value.trim_matches(space).to_owned())
}

fn decode(value: &str) -> String {
    let mut parts = value.split('%');
    let mut decoded = parts.next().unwrap_or_default().to_owned();
    for part in parts {
        let letters: Vec<char> = part.chars().collect();
        let is_escape = letters.len() >= 2 && letters[..2].iter().all(char::is_ascii_hexdigit);
        if is_escape {
            let byte = u8::from_str_radix(&part[..2], 16).expect("it is a number");
            decoded.push(char::from(byte));
            decoded.extend(&letters[2..]);
        } else {
            decoded.push('%');
            decoded.push_str(part);
        }
    }
    decoded
}
