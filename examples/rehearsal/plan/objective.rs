//! What a rehearsal is to show, in one sentence.

use std::fmt;
use std::time::Duration;

use serde::Deserialize;

use super::amount::{per_cent, shown, time};

#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Objective {
    /// Of which request of the mix; of all, if not said.
    pub(crate) request: Option<String>,
    /// In which phase; in all, if not said.
    pub(crate) phase: Option<String>,
    pub(crate) want: Want,
}

#[derive(Clone, Copy, Debug, PartialEq, Deserialize)]
#[serde(try_from = "String")]
pub(crate) enum Want {
    /// A quantile of the latency.
    Latency { quantile: Quantile, bound: Bound, time: Duration },
    /// How many of the requests end so, in per cent.
    Share { of: Ending, bound: Bound, per_cent: f64 },
    /// After the phase, all is as it was.
    Back { within: Duration },
}

/// From 0 to 1; 1 is the longest.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) struct Quantile(pub(crate) f64);

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Bound {
    Below,
    AtMost,
    Above,
    AtLeast,
}

/// How a request may end.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Ending {
    /// With what was asked for, in whatever age.
    Success,
    /// With what was asked for, made for it.
    Fresh,
    Copy,
    Refused,
    Failed,
    TimedOut,
}

impl Bound {
    const WORDS: [(&str, Self); 6] = [
        // The longer ones first, since the others begin as they do.
        ("<=", Self::AtMost),
        (">=", Self::AtLeast),
        ("≤", Self::AtMost),
        ("≥", Self::AtLeast),
        ("<", Self::Below),
        (">", Self::Above),
    ];

    pub(crate) fn holds<T: PartialOrd>(self, measured: T, bound: T) -> bool {
        match self {
            Self::Below => measured < bound,
            Self::AtMost => measured <= bound,
            Self::Above => measured > bound,
            Self::AtLeast => measured >= bound,
        }
    }

    fn sign(self) -> &'static str {
        match self {
            Self::Below => "<",
            Self::AtMost => "≤",
            Self::Above => ">",
            Self::AtLeast => "≥",
        }
    }
}

impl Ending {
    const ALL: [Self; 6] =
        [Self::Success, Self::Fresh, Self::Copy, Self::Refused, Self::Failed, Self::TimedOut];

    pub(crate) fn name(self) -> &'static str {
        match self {
            Self::Success => "success",
            Self::Fresh => "fresh",
            Self::Copy => "copy",
            Self::Refused => "refused",
            Self::Failed => "failed",
            Self::TimedOut => "timed out",
        }
    }
}

impl Quantile {
    /// From `p99`, `p99.9` or `max`.
    fn read(word: &str) -> Option<Self> {
        if word == "max" {
            return Some(Self(1.0));
        }
        let per_cent: f64 = word.strip_prefix('p')?.parse().ok()?;
        (per_cent > 0.0 && per_cent < 100.0).then_some(Self(per_cent / 100.0))
    }
}

impl TryFrom<String> for Want {
    type Error = String;

    fn try_from(text: String) -> Result<Self, String> {
        if let Some(within) = text.trim().strip_prefix("back to normal within") {
            return Ok(Self::Back { within: time(within)? });
        }
        let (at, sign, bound) = Bound::WORDS
            .into_iter()
            .find_map(|(sign, bound)| Some((text.find(sign)?, sign, bound)))
            .ok_or_else(|| format!("`{text}` is no objective; {EXAMPLES}"))?;
        let (of, amount) = (text[..at].trim(), &text[at + sign.len()..]);
        if let Some(of) = Ending::ALL.into_iter().find(|ending| ending.name() == of) {
            return Ok(Self::Share { of, bound, per_cent: per_cent(amount)? });
        }
        let quantile = Quantile::read(of)
            .ok_or_else(|| format!("`{of}` is not known as something to measure; {EXAMPLES}"))?;
        Ok(Self::Latency { quantile, bound, time: time(amount)? })
    }
}

const EXAMPLES: &str = "write `p99 < 500 ms` (or p50, p99.9, max), `success >= 99.9 %` (or fresh, copy, \
                        refused, failed, timed out) or `back to normal within 1 s`";

impl fmt::Display for Want {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Latency { quantile, bound, time } => {
                write!(f, "{quantile} {} {}", bound.sign(), shown(*time))
            }
            Self::Share { of, bound, per_cent } => {
                write!(f, "{} {} {per_cent} %", of.name(), bound.sign())
            }
            Self::Back { within } => write!(f, "back to normal within {}", shown(*within)),
        }
    }
}

impl fmt::Display for Quantile {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if self.0 == 1.0 {
            return f.write_str("max");
        }
        // What is no binary fraction is not shown to its last digit.
        write!(f, "p{}", (self.0 * 1e8).round() / 1e6)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(text: &str) -> Result<Want, String> {
        Want::try_from(text.to_owned())
    }

    #[test]
    fn sentences_are_understood_and_shown_as_written() {
        let sentences = [
            ("p99 < 500 ms", "p99 < 500 ms"),
            ("p99.9<=2s", "p99.9 ≤ 2 s"),
            ("max ≤ 1 s", "max ≤ 1 s"),
            ("success >= 99.9 %", "success ≥ 99.9 %"),
            ("timed out < 1%", "timed out < 1 %"),
            ("refused > 0 %", "refused > 0 %"),
            ("back to normal within 1 s", "back to normal within 1 s"),
        ];
        for (written, shown) in sentences {
            assert_eq!(read(written).map(|want| want.to_string()), Ok(shown.to_owned()));
        }
    }

    #[test]
    fn a_sentence_that_is_not_understood_is_told_what_one_is() {
        for wrong in ["fast", "p100 < 1 s", "px < 1 s", "profit > 5 %", "= 5 %"] {
            let said = read(wrong).unwrap_err();
            assert!(said.contains("p99 < 500 ms"), "{said}");
        }
        assert!(read("p99 < 500").unwrap_err().contains("no time"));
        assert!(read("success >= 2 s").unwrap_err().contains("no share"));
        assert!(read("back to normal within soon").unwrap_err().contains("no time"));
    }

    #[test]
    fn bounds_hold_up_to_what_they_say() {
        assert!(Bound::AtMost.holds(1, 1) && !Bound::Below.holds(1, 1));
        assert!(Bound::AtLeast.holds(1, 1) && !Bound::Above.holds(1, 1));
        assert!(Bound::Below.holds(0, 1) && Bound::Above.holds(2, 1));
    }
}
