//! Amounts as a person writes them: `2s`, `500 ms`, `99.9 %`.

use std::time::Duration;

use serde::{Deserialize, Deserializer, de::Error};

/// A time, as in `500 ms`, `2s` or `1m 30s`.
pub(crate) fn time(text: &str) -> Result<Duration, String> {
    humantime::parse_duration(text.trim())
        .map_err(|_| format!("`{text}` is no time (write it as 500ms, 2s or 1m)"))
}

/// Per cent, as in `99.9 %`.
pub(crate) fn per_cent(text: &str) -> Result<f64, String> {
    let number = text.trim().strip_suffix('%').and_then(|number| number.trim().parse().ok());
    match number {
        Some(share) if (0.0..=100.0).contains(&share) => Ok(share),
        _ => Err(format!("`{text}` is no share (write it as 99.9 %, from 0 % to 100 %)")),
    }
}

/// For serde, which has to say at which line it is wrong.
pub(super) fn read_time<'de, D: Deserializer<'de>>(from: D) -> Result<Duration, D::Error> {
    time(&String::deserialize(from)?).map_err(D::Error::custom)
}

pub(super) fn read_some_time<'de, D: Deserializer<'de>>(
    from: D,
) -> Result<Option<Duration>, D::Error> {
    read_time(from).map(Some)
}

/// As a person would write it, to three digits.
pub(crate) fn shown(time: Duration) -> String {
    let seconds = time.as_secs_f64();
    match seconds {
        0.0 => "0 ms".to_owned(),
        ..0.01 => format!("{:.1} ms", seconds * 1e3),
        ..1.0 => format!("{:.0} ms", seconds * 1e3),
        ..10.0 => format!("{} s", (seconds * 100.0).round() / 100.0),
        _ => format!("{:.0} s", seconds),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn amounts_have_a_unit() {
        assert_eq!(time("500 ms"), Ok(Duration::from_millis(500)));
        assert_eq!(time(" 1m 30s"), Ok(Duration::from_secs(90)));
        assert!(time("500").unwrap_err().contains("`500` is no time"));
        assert_eq!(per_cent("99.9 %"), Ok(99.9));
        assert_eq!(per_cent("100%"), Ok(100.0));
        for wrong in ["99.9", "101 %", "-1 %", "NaN %", "%"] {
            assert!(per_cent(wrong).is_err(), "{wrong}");
        }
    }

    #[test]
    fn a_time_is_shown_as_it_would_be_written() {
        let of = |micros| shown(Duration::from_micros(micros));
        assert_eq!(of(0), "0 ms");
        assert_eq!(of(1_260), "1.3 ms");
        assert_eq!(of(500_000), "500 ms");
        assert_eq!(of(2_000_000), "2 s");
        assert_eq!(of(1_236_000), "1.24 s");
        assert_eq!(of(90_000_000), "90 s");
    }
}
