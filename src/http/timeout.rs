//! How much time a request has, by header.

use std::time::Duration;

use http::{HeaderName, Request};

use crate::class::TimeoutOf;

/// Takes the time that a request has from a header, for
/// [`GateLayer::deadline`](crate::GateLayer::deadline). What is missing or broken is left to
/// [`otherwise`](Self::otherwise); 0 is past at once.
///
/// Anyone can send a header. One that asks for less harms only who sends it, and one that
/// asks for more is cut to [`at_most`](Self::at_most).
///
/// ```
/// use std::time::Duration;
/// use brownout::{TimeoutOf, http::Timeout};
/// use http::{HeaderName, Request};
///
/// let second = Duration::from_secs(1);
/// let timeout = Timeout::seconds(HeaderName::from_static("x-request-timeout"))
///     .at_most(30 * second)
///     .otherwise(10 * second);
///
/// let asking = |value| Request::get("/").header("x-request-timeout", value).body(());
/// assert_eq!(timeout.timeout(&asking("2.5")?), Some(second * 5 / 2));
/// assert_eq!(timeout.timeout(&asking("3600")?), Some(30 * second));
/// assert_eq!(timeout.timeout(&asking("soon")?), Some(10 * second));
/// # Ok::<(), http::Error>(())
/// ```
///
/// It counts from when the request comes to the layer. The time that it took to get there,
/// nobody here knows.
#[derive(Clone, Debug)]
#[must_use]
pub struct Timeout {
    name: HeaderName,
    reading: Reading,
    at_most: Duration,
    otherwise: Option<Duration>,
}

/// How a value is written.
#[derive(Clone, Copy, Debug)]
enum Reading {
    Grpc,
    Seconds,
    Milliseconds,
}

impl Timeout {
    /// What `grpc-timeout` says: 1 to 8 digits and a unit, `H`, `M`, `S`, `m` (ms), `u` (µs)
    /// or `n` (ns). Every client of gRPC with a deadline sends it.
    pub fn grpc() -> Self {
        Self::new(GRPC_TIMEOUT, Reading::Grpc)
    }

    /// Seconds in this header: up to 12 digits, and up to 9 after a point.
    pub fn seconds(name: HeaderName) -> Self {
        Self::new(name, Reading::Seconds)
    }

    /// Whole milliseconds in this header, up to 15 digits, as Envoy's
    /// `x-envoy-expected-rq-timeout-ms` has them.
    pub fn milliseconds(name: HeaderName) -> Self {
        Self::new(name, Reading::Milliseconds)
    }

    fn new(name: HeaderName, reading: Reading) -> Self {
        Self { name, reading, at_most: Duration::MAX, otherwise: None }
    }

    /// No request has more time than this, whatever it asks for. One that asks for nothing
    /// still has no end: see [`otherwise`](Self::otherwise). Default: no bound.
    pub fn at_most(self, bound: Duration) -> Self {
        Self { at_most: bound, ..self }
    }

    /// What a request has that asks for nothing, or in a way that cannot be read. Default:
    /// no end.
    pub fn otherwise(self, timeout: Duration) -> Self {
        Self { otherwise: Some(timeout), ..self }
    }
}

impl<B> TimeoutOf<Request<B>> for Timeout {
    fn timeout(&self, request: &Request<B>) -> Option<Duration> {
        let value = request.headers().get(&self.name);
        let asked = value.and_then(|value| self.reading.read(value.as_bytes().trim_ascii()));
        asked.or(self.otherwise).map(|timeout| timeout.min(self.at_most))
    }
}

impl Reading {
    fn read(self, value: &[u8]) -> Option<Duration> {
        if value.len() > LONGEST {
            return None;
        }
        match self {
            Self::Grpc => grpc(value),
            Self::Seconds => seconds(value),
            Self::Milliseconds => integer(value, 15).map(Duration::from_millis),
        }
    }
}

fn grpc(value: &[u8]) -> Option<Duration> {
    let (unit, digits) = value.split_last()?;
    let number = integer(digits, 8)?;
    Some(match unit {
        b'H' => Duration::from_secs(number * 3_600),
        b'M' => Duration::from_secs(number * 60),
        b'S' => Duration::from_secs(number),
        b'm' => Duration::from_millis(number),
        b'u' => Duration::from_micros(number),
        b'n' => Duration::from_nanos(number),
        _ => return None,
    })
}

fn seconds(value: &[u8]) -> Option<Duration> {
    let mut parts = value.splitn(2, |byte| *byte == b'.');
    let (whole, fraction) = (parts.next()?, parts.next().unwrap_or(b"0"));
    let nanos = (fraction.len()..9).fold(integer(fraction, 9)?, |number, _| number * 10);
    Some(Duration::from_secs(integer(whole, 12)?) + Duration::from_nanos(nanos))
}

fn integer(digits: &[u8], most: usize) -> Option<u64> {
    if digits.is_empty() || digits.len() > most {
        return None;
    }
    let and =
        |number, digit: &u8| digit.is_ascii_digit().then(|| number * 10 + u64::from(*digit - b'0'));
    digits.iter().try_fold(0, and)
}

/// That anything is in here: the digits of seconds, a point and those after it.
const LONGEST: usize = 12 + 1 + 9;

const GRPC_TIMEOUT: HeaderName = HeaderName::from_static("grpc-timeout");

#[cfg(test)]
mod tests {
    use http::HeaderValue;
    use proptest::prelude::*;

    use super::*;

    const NAME: HeaderName = HeaderName::from_static("x-request-timeout");

    fn asking(name: HeaderName, value: &[u8]) -> Request<()> {
        let mut request = Request::new(());
        let value = HeaderValue::from_bytes(value).expect("it is a value");
        request.headers_mut().insert(name, value);
        request
    }

    fn grpc(value: &str) -> Option<Duration> {
        Timeout::grpc().timeout(&asking(GRPC_TIMEOUT, value.as_bytes()))
    }

    fn seconds(value: &str) -> Option<Duration> {
        Timeout::seconds(NAME).timeout(&asking(NAME, value.as_bytes()))
    }

    fn milliseconds(value: &str) -> Option<Duration> {
        Timeout::milliseconds(NAME).timeout(&asking(NAME, value.as_bytes()))
    }

    #[test]
    fn grpc_has_up_to_eight_digits_and_a_unit() {
        for (value, nanos) in [
            ("1H", 3_600_000_000_000),
            ("2M", 120_000_000_000),
            ("3S", 3_000_000_000),
            ("4m", 4_000_000),
            ("5u", 5_000),
            ("00000006n", 6),
            ("0S", 0),
            (" 7n ", 7),
        ] {
            assert_eq!(grpc(value), Some(Duration::from_nanos(nanos)), "{value}");
        }
        assert_eq!(grpc("99999999H"), Some(Duration::from_secs(359_999_996_400)));
        for broken in ["", "S", "1", "1s", "1h", "123456789S", "-1S", "+1S", "1.5S", "1 S", "1SS"] {
            assert_eq!(grpc(broken), None, "{broken}");
        }
    }

    #[test]
    fn seconds_may_have_a_fraction() {
        for (value, nanos) in [
            ("2.5", 2_500_000_000),
            ("2", 2_000_000_000),
            ("0", 0),
            ("0.000000001", 1),
            ("007.010", 7_010_000_000),
        ] {
            assert_eq!(seconds(value), Some(Duration::from_nanos(nanos)), "{value}");
        }
        let longest = Duration::new(999_999_999_999, 999_999_999);
        assert_eq!(seconds("999999999999.999999999"), Some(longest));
        for broken in [
            "",
            ".",
            "1.",
            ".5",
            "1.2.3",
            "-1",
            "+1",
            "1e3",
            "1,5",
            "1s",
            "0x1",
            "inf",
            "NaN",
            "1.0000000000",
            "1000000000000",
            "1 2",
        ] {
            assert_eq!(seconds(broken), None, "{broken}");
        }
    }

    #[test]
    fn milliseconds_are_whole() {
        assert_eq!(milliseconds("250"), Some(Duration::from_millis(250)));
        assert_eq!(
            milliseconds("999999999999999"),
            Some(Duration::from_millis(999_999_999_999_999))
        );
        for broken in ["", "1.5", "1ms", "1000000000000000", "-1"] {
            assert_eq!(milliseconds(broken), None, "{broken}");
        }
    }

    #[test]
    fn the_bound_cuts_what_is_asked_for_and_what_is_broken_has_the_default() {
        let second = Duration::from_secs(1);
        let timeout = Timeout::seconds(NAME).at_most(5 * second).otherwise(2 * second);
        let asked = |value: &str| timeout.timeout(&asking(NAME, value.as_bytes()));
        assert_eq!(asked("6"), Some(5 * second));
        assert_eq!(asked("4"), Some(4 * second));
        assert_eq!(asked("0"), Some(Duration::ZERO));
        assert_eq!(asked("four"), Some(2 * second));
        assert_eq!(timeout.timeout(&Request::new(())), Some(2 * second));
        assert_eq!(timeout.at_most(second).timeout(&Request::new(())), Some(second));
        assert_eq!(Timeout::seconds(NAME).at_most(second).timeout(&Request::new(())), None);
    }

    proptest! {
        #[test]
        fn whatever_is_sent_is_read_or_left(value in prop::collection::vec(any::<u8>(), 0..40)) {
            for reading in [Reading::Grpc, Reading::Seconds, Reading::Milliseconds] {
                let _ = reading.read(&value);
            }
        }

        #[test]
        fn what_looks_like_a_number_is_read_or_left(value in "[0-9.HMSmun]{0,24}") {
            let value = value.as_bytes();
            for reading in [Reading::Grpc, Reading::Seconds, Reading::Milliseconds] {
                let time = reading.read(value);
                let is_number = value.len() <= 8 && value.iter().all(u8::is_ascii_digit);
                prop_assert!(time.is_some() || value.is_empty() || !is_number
                    || matches!(reading, Reading::Grpc));
            }
        }

        #[test]
        fn seconds_are_read_as_they_are_written(whole in 0..1_000_000_000_000_u64, nanos in 0..1_000_000_000_u32) {
            let value = format!("{whole}.{nanos:09}");
            prop_assert_eq!(super::seconds(value.as_bytes()), Some(Duration::new(whole, nanos)));
        }
    }
}
