//! How much time a request has, by header.

use std::time::Duration;

use http::{HeaderMap, HeaderName, HeaderValue, Request};

use crate::class::TimeoutOf;

/// Takes the time that a request has from a header, for
/// [`GateLayer::deadline`](crate::GateLayer::deadline); in
/// [`Propagate::deadline`](super::Propagate::deadline) it writes that header. What is missing or broken is left to
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
    notation: Notation,
    at_most: Duration,
    otherwise: Option<Duration>,
}

/// How a value is written.
#[derive(Clone, Copy, Debug)]
enum Notation {
    Grpc,
    Seconds,
    Milliseconds,
}

impl Timeout {
    /// What `grpc-timeout` says: 1 to 8 digits and a unit, `H`, `M`, `S`, `m` (ms), `u` (µs)
    /// or `n` (ns). Every client of gRPC with a deadline sends it.
    pub fn grpc() -> Self {
        Self::new(GRPC_TIMEOUT, Notation::Grpc)
    }

    /// Seconds in this header: up to 12 digits, and up to 9 after a point.
    pub fn seconds(name: HeaderName) -> Self {
        Self::new(name, Notation::Seconds)
    }

    /// Whole milliseconds in this header, up to 15 digits, as Envoy's
    /// `x-envoy-expected-rq-timeout-ms` has them.
    pub fn milliseconds(name: HeaderName) -> Self {
        Self::new(name, Notation::Milliseconds)
    }

    fn new(name: HeaderName, notation: Notation) -> Self {
        Self { name, notation, at_most: Duration::MAX, otherwise: None }
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

    /// Tells a call how much time is left for it: no more than its own header says.
    pub(super) fn write(&self, left: Option<Duration>, headers: &mut HeaderMap) {
        let asked = self.asked(headers);
        let least = asked.into_iter().chain(left).min().or(self.otherwise);
        let time = least.map(|time| time.min(self.at_most));
        // Of several, who is called may read another one.
        let are_several = headers.get_all(&self.name).iter().nth(1).is_some();
        if let Some(time) = time.filter(|_| time != asked || are_several) {
            let value = HeaderValue::try_from(self.notation.write(time));
            headers.insert(&self.name, value.expect("digits, a point and a letter are a value"));
        }
    }

    fn asked(&self, headers: &HeaderMap) -> Option<Duration> {
        let value = headers.get(&self.name)?;
        self.notation.read(value.as_bytes().trim_ascii())
    }
}

impl<B> TimeoutOf<Request<B>> for Timeout {
    fn timeout(&self, request: &Request<B>) -> Option<Duration> {
        let asked = self.asked(request.headers()).or(self.otherwise);
        asked.map(|timeout| timeout.min(self.at_most))
    }
}

impl Notation {
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

    /// Rounded down, since nobody has more time than is left; of what is too long, the longest
    /// that can be written.
    fn write(self, time: Duration) -> String {
        match self {
            Self::Grpc => to_grpc(time),
            Self::Seconds => {
                format!("{}.{:03}", time.as_secs().min(999_999_999_999), time.subsec_millis())
            }
            Self::Milliseconds => time.as_millis().min(999_999_999_999_999).to_string(),
        }
    }
}

/// In the finest unit for which 8 digits are enough.
fn to_grpc(time: Duration) -> String {
    const MOST: u128 = 99_999_999;
    const UNITS: [(char, u128); 5] =
        [('n', 1), ('u', 1_000), ('m', 1_000_000), ('S', 1_000_000_000), ('M', 60_000_000_000)];
    let nanos = time.as_nanos();
    let finest = UNITS.into_iter().find(|(_, length)| nanos / length <= MOST);
    let (unit, length) = finest.unwrap_or(('H', 3_600_000_000_000));
    format!("{}{unit}", (nanos / length).min(MOST))
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
    fn a_call_is_told_what_is_left_and_no_more_than_it_asks_for() {
        let second = Duration::from_secs(1);
        let told = |timeout: &Timeout, asked: &str, left: Option<Duration>| {
            let mut headers = asking(NAME, asked.as_bytes()).headers().clone();
            timeout.write(left, &mut headers);
            headers[NAME].to_str().expect("it is text").to_owned()
        };
        let timeout = Timeout::seconds(NAME);
        for (asked, left, written) in [
            ("", Some(second * 3 / 2), "1.500"),
            ("9", Some(second), "1.000"),
            ("0.25", Some(second), "0.25"),
            ("soon", Some(second), "1.000"),
            ("soon", None, "soon"),
            ("9", None, "9"),
            ("9", Some(Duration::ZERO), "0.000"),
        ] {
            assert_eq!(told(&timeout, asked, left), written, "{asked} {left:?}");
        }
        let bounded = timeout.at_most(2 * second).otherwise(5 * second);
        for (asked, left, written) in [
            ("", Some(3 * second), "2.000"),
            ("", Some(second), "1.000"),
            ("", None, "2.000"),
            ("9", None, "2.000"),
            ("1", None, "1"),
        ] {
            assert_eq!(told(&bounded, asked, left), written, "{asked} {left:?}");
        }
    }

    #[test]
    fn of_several_headers_none_says_more_than_is_left() {
        let second = Duration::from_secs(1);
        for values in [["1", "100"], ["100", "1"]] {
            let mut headers = HeaderMap::new();
            for value in values {
                headers.append(NAME, HeaderValue::from_static(value));
            }
            Timeout::seconds(NAME).write(Some(5 * second), &mut headers);
            let written: Vec<_> = headers.get_all(NAME).iter().collect();
            let [one] = written[..] else { panic!("they are in doubt: {written:?}") };
            let read = Notation::Seconds.read(one.as_bytes()).expect("it is a number");
            assert!(read <= 5 * second, "{read:?}");
        }
    }

    #[test]
    fn grpc_is_written_in_the_finest_unit_that_is_enough() {
        for (nanos, written) in [
            (0, "0n"),
            (99_999_999, "99999999n"),
            (100_000_000, "100000u"),
            (2_500_000_999, "2500000u"),
            (99_999_999_999, "99999999u"),
            (100_000_000_000, "100000m"),
        ] {
            assert_eq!(Notation::Grpc.write(Duration::from_nanos(nanos)), written);
        }
        let hours = Duration::from_secs(3_600 * 2_000_000);
        assert_eq!(Notation::Grpc.write(hours), "2000000H");
        assert_eq!(Notation::Grpc.write(Duration::MAX), "99999999H");
        assert_eq!(Notation::Milliseconds.write(Duration::from_micros(1_999)), "1");
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
            for notation in [Notation::Grpc, Notation::Seconds, Notation::Milliseconds] {
                let _ = notation.read(&value);
            }
        }

        #[test]
        fn what_looks_like_a_number_is_read_or_left(value in "[0-9.HMSmun]{0,24}") {
            let value = value.as_bytes();
            for notation in [Notation::Grpc, Notation::Seconds, Notation::Milliseconds] {
                let time = notation.read(value);
                let is_number = value.len() <= 8 && value.iter().all(u8::is_ascii_digit);
                prop_assert!(time.is_some() || value.is_empty() || !is_number
                    || matches!(notation, Notation::Grpc));
            }
        }

        #[test]
        fn what_is_written_is_read_and_is_no_longer(
            exponent in 0..64_u32, below in any::<u64>(), nanos in 0..1_000_000_000_u32,
        ) {
            let time = Duration::new(below >> exponent, nanos);
            for (notation, finest, most) in [
                (Notation::Grpc, time / 99_999, 359_999_996_400),
                (Notation::Seconds, Duration::from_millis(1), 999_999_999_999),
                (Notation::Milliseconds, Duration::from_millis(1), 999_999_999_999),
            ] {
                let written = notation.write(time);
                let read = notation.read(written.as_bytes());
                let read = read.ok_or_else(|| TestCaseError::fail(written))?;
                prop_assert!(read <= time);
                let least = time.saturating_sub(finest.max(Duration::from_nanos(1)));
                prop_assert!(read >= least.min(Duration::from_secs(most)));
            }
        }

        #[test]
        fn seconds_are_read_as_they_are_written(whole in 0..1_000_000_000_000_u64, nanos in 0..1_000_000_000_u32) {
            let value = format!("{whole}.{nanos:09}");
            prop_assert_eq!(super::seconds(value.as_bytes()), Some(Duration::new(whole, nanos)));
        }
    }
}
