//! Requests that lie, and bytes that are no request: the same ones for the same numbers.

use rand::rngs::StdRng;
use rand::seq::IndexedRandom;
use rand::{Rng, SeedableRng};

/// A request that is valid HTTP, whatever it says.
#[derive(Clone, Debug)]
pub(crate) struct Forged {
    pub(crate) bytes: Vec<u8>,
    pub(crate) is_head: bool,
}

/// The request of this number: no other has its path, and most have a client of their own.
pub(crate) fn forged(number: usize) -> Forged {
    let mut rng = StdRng::seed_from_u64(number as u64);
    let method = *METHODS.choose(&mut rng).expect("there are some");
    let mut bytes = format!("{method} {} HTTP/1.1\r\n", path(number, &mut rng)).into_bytes();
    bytes.extend_from_slice(b"Host: shop\r\nContent-Length: 0\r\n");
    match rng.random_range(0..8) {
        // A few that are over their quota.
        0 => line(&mut bytes, "X-Api-Key", format!("k{}", number % 50).as_bytes()),
        1..4 => line(&mut bytes, "X-Api-Key", format!("k{number}").as_bytes()),
        _ => line(&mut bytes, "X-Forwarded-For", address(number).as_bytes()),
    }
    for _ in 0..rng.random_range(0..8) {
        let (name, values) = HEADERS.choose(&mut rng).expect("there are some");
        match values.choose(&mut rng) {
            Some(value) if rng.random() => line(&mut bytes, name, value.as_bytes()),
            _ => line(&mut bytes, name, &junk(&mut rng)),
        }
    }
    bytes.extend_from_slice(b"\r\n");
    Forged { bytes, is_head: method == "HEAD" }
}

/// What is no request.
pub(crate) fn broken(rng: &mut StdRng) -> Vec<u8> {
    let request = |lines: &str| format!("GET / HTTP/1.1\r\nHost: shop\r\n{lines}\r\n").into_bytes();
    match rng.random_range(0..12) {
        0 => (0..rng.random_range(1..2_000)).map(|_| rng.random()).collect(),
        1 => b"GET / HTTP/9.9\r\n\r\n".to_vec(),
        2 => b"GET\r\n\r\n".to_vec(),
        3 => request("No colon\r\n"),
        4 => request("X: \0\r\n"),
        5 => request("Content-Length: -1\r\n"),
        6 => request("Content-Length: 5\r\nContent-Length: 6\r\n"),
        7 => request("Content-Length: 99999999999999999999999\r\n"),
        8 => request("Transfer-Encoding: chunked\r\n\r\nZZ\r\n"),
        9 => request(&"X: y\r\n".repeat(200)),
        10 => request(&format!("X: {}\r\n", "y".repeat(1 << 20))),
        _ => b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n\0\0\xff\x04\x7f\0\0\0\0".to_vec(),
    }
}

fn line(into: &mut Vec<u8>, name: &str, value: &[u8]) {
    into.extend_from_slice(name.as_bytes());
    into.extend_from_slice(b": ");
    into.extend_from_slice(value);
    into.extend_from_slice(b"\r\n");
}

fn path(number: usize, rng: &mut StdRng) -> String {
    match rng.random_range(0..6) {
        0 => format!("/{number}/%00%ff%2e%2e/../..?{}", "a=b&".repeat(rng.random_range(0..50))),
        1 => format!("/item/{number}{}", "z".repeat(rng.random_range(0..2_000))),
        2 => format!("//evil{number}.example/%0d%0aX:%20y"),
        _ => format!("/item/{number}"),
    }
}

/// One of each number, in some notation.
fn address(number: usize) -> String {
    let [_, a, b, c] = (number as u32).to_be_bytes();
    match number % 5 {
        0 => format!("2001:db8:{:x}:{:x}::1", number >> 16, number & 0xffff),
        1 => format!("\"[2001:db8:{:x}:{:x}::1]:80\"", number >> 16, number & 0xffff),
        2 => format!("unknown, _x, 10.{a}.{b}.{c}"),
        3 => format!("{}10.{a}.{b}.{c}", "1.1.1.1,".repeat(number % 300)),
        _ => format!("10.{a}.{b}.{c}:65536"),
    }
}

/// What may stand in a header: all but what ends it.
fn junk(rng: &mut StdRng) -> Vec<u8> {
    let length = match rng.random_range(0..20) {
        0 => rng.random_range(4_000..16_000),
        _ => rng.random_range(0..80),
    };
    let letter = |rng: &mut StdRng| match rng.random_range(0..10) {
        0 => rng.random_range(0x80..=0xff),
        1 => b'\t',
        2 => *b",;=\"\\%".choose(rng).expect("there are some"),
        3..6 => rng.random_range(b'0'..=b'9'),
        _ => rng.random_range(b' '..=b'~'),
    };
    (0..length).map(|_| letter(rng)).collect()
}

const METHODS: [&str; 8] = ["GET", "GET", "GET", "GET", "POST", "HEAD", "OPTIONS", "BREW"];

/// What each header may be told to say; junk is sent as often.
const HEADERS: [(&str, &[&str]); 24] = [
    ("X-Forwarded-For", &["127.0.0.1", "::ffff:127.0.0.1", "", ",,,", "256.1.1.1", "1.1.1.1, "]),
    ("Forwarded", &["for=_x", "for=\"[::1", "for=1.1.1.1;for=2.2.2.2", ";;;", "for="]),
    ("X-Real-IP", &["127.0.0.1"]),
    ("X-Api-Key", &["", "\u{e9}"]),
    (
        "Grpc-Timeout",
        &["99999999H", "0n", "1", "H", "-1S", "123456789S", "+1S", "1 S", "00000000u"],
    ),
    ("X-Request-Timeout", &["1e999", "-0", "NaN", "0.0000001", "99999999999999999999"]),
    ("Baggage", &["brownout=critical", "brownout=", "=,=;=", "a=b;c=d,,brownout=%00", "brownout"]),
    ("X-Request-Priority", &["critical", "CRITICAL", "99999999999", "-1", ""]),
    ("X-Retry-Attempt", &["1", "-1", "4294967296", "1e3"]),
    ("Grpc-Previous-Rpc-Attempts", &["1", "99999999999999999999", "x"]),
    ("X-Envoy-Attempt-Count", &["2", "0", "x"]),
    (
        "Cache-Control",
        &[
            "max-age=-1",
            "max-age=99999999999999999999",
            "public, max-age=5, stale-if-error=3600",
            "no-store, max-stale",
            "max-age=\"",
            "private=\"",
            ",,,=,",
        ],
    ),
    ("Vary", &["*", "Cookie, Cookie", "x-api-key", "\"", ",,"]),
    ("ETag", &["W/\"", "\"\"", "W/W/\"a\""]),
    ("Age", &["-1", "99999999999999999999", "x"]),
    ("Date", &["Thu, 01 Jan 1970 00:00:00 GMT", "never", "Fri, 31 Dec 9999 23:59:59 GMT"]),
    ("Expires", &["0", "-1", "Fri, 31 Dec 9999 23:59:59 GMT"]),
    ("If-None-Match", &["*", "\"", "W/"]),
    ("If-Modified-Since", &["tomorrow", "Thu, 01 Jan 1970 00:00:00 GMT"]),
    ("Accept", &["application/json;q=9", "application/problem+json;q=0.001", "*/*;q=", "a/b;;;;,"]),
    (
        "Content-Type",
        &["application/grpc", "application/grpc-web+proto", "application/grpc;;", "/"],
    ),
    ("Origin", &["null", "https://evil.example"]),
    ("Access-Control-Request-Method", &["GET", ""]),
    ("Cookie", &["session=", "=;=;=", "a=b; a=b; a=b"]),
];

#[cfg(test)]
mod tests {
    use std::collections::HashSet;

    use super::*;

    #[test]
    fn each_number_has_a_request_of_its_own_and_always_the_same() {
        let first_lines: HashSet<_> = (0..500)
            .map(|number| {
                let bytes = forged(number).bytes;
                assert_eq!(bytes, forged(number).bytes);
                let end = bytes.iter().position(|byte| *byte == b'\r').expect("it has lines");
                let line = String::from_utf8(bytes[..end].to_vec()).expect("paths are text");
                line.split(' ').nth(1).expect("it has a path").to_owned()
            })
            .collect();
        assert_eq!(first_lines.len(), 500);
    }

    #[test]
    fn what_is_forged_is_valid_to_who_reads_http() {
        for number in 0..500 {
            let bytes = forged(number).bytes;
            assert!(bytes.ends_with(b"\r\n\r\n"));
            let lines = bytes.split(|byte| *byte == b'\n').count();
            assert_eq!(lines, bytes.windows(2).filter(|two| two == b"\r\n").count() + 1);
            assert!(!bytes.contains(&0));
        }
    }
}
