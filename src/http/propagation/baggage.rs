//! `baggage`: what goes with a request through all that it causes, in entries of anybody's.
//!
//! By <https://www.w3.org/TR/baggage/>: `key=value;property;property=value`, in a list, over one
//! line or several; keys are tokens, values are percent-encoded. A key may be there twice. Who
//! hands it on has to hand on 64 entries and 8192 bytes, and may drop what is more: so nothing
//! is added beyond that, or it might be another's entry which pays for it.

use std::iter;

use http::{HeaderMap, HeaderName, HeaderValue};

use crate::class::Priority;

/// The priority under this key; of several, the lowest. `None` if none of them is one. Reads
/// the lines that are whole within the first 8192 bytes.
pub(super) fn priority(headers: &HeaderMap, key: &str) -> Option<Priority> {
    let mut left = MOST_BYTES;
    let lines = headers.get_all(BAGGAGE).iter().map_while(|line| {
        left = left.checked_sub(line.len())?;
        Some(line.as_bytes())
    });
    let own = lines.flat_map(entries).filter_map(|entry| value(entry, key));
    own.filter_map(named).min()
}

/// Puts this priority in the place of all entries with the key, behind all others, which stay
/// byte for byte. Leaves it out where it would be too much.
pub(super) fn set(headers: &mut HeaderMap, key: &str, priority: Priority) {
    let lines = || headers.get_all(BAGGAGE).iter();
    let others = lines().flat_map(|line| entries(line.as_bytes()));
    let others: Vec<_> = others.filter(|entry| value(entry, key).is_none()).collect();
    let own = [key.as_bytes(), b"=", priority.as_str().as_bytes()].concat();
    let mut line = others.join(&b","[..]);
    let comma = usize::from(!line.is_empty());
    if others.len() < MOST_ENTRIES && line.len() + comma + own.len() <= MOST_BYTES {
        line.extend(iter::repeat_n(b',', comma).chain(own));
    }
    // Not to be shown in logs, nor kept by HTTP/2: what was so stays so.
    let is_sensitive = lines().any(HeaderValue::is_sensitive);
    if line.is_empty() {
        headers.remove(BAGGAGE);
        return;
    }
    let mut line = HeaderValue::try_from(line).expect("parts of values and a comma are a value");
    line.set_sensitive(is_sensitive);
    headers.insert(BAGGAGE, line);
}

/// The entries of a line, with the space around them.
fn entries(line: &[u8]) -> impl Iterator<Item = &[u8]> {
    line.split(|byte| *byte == b',').filter(|entry| !entry.trim_ascii().is_empty())
}

/// The value of an entry with this key, still encoded.
fn value<'e>(entry: &'e [u8], key: &str) -> Option<&'e [u8]> {
    let pair = entry.split(|byte| *byte == b';').next()?;
    let (name, value) = pair.split_at(pair.iter().position(|byte| *byte == b'=')?);
    (name.trim_ascii() == key.as_bytes()).then(|| value[1..].trim_ascii())
}

fn named(value: &[u8]) -> Option<Priority> {
    let is_name = |priority: &Priority| {
        decoded(value).map(|byte| byte.to_ascii_lowercase()).eq(priority.as_str().bytes())
    };
    Priority::ALL.into_iter().find(is_name)
}

/// The bytes that a value stands for. A percent sign before what is no number is one.
fn decoded(value: &[u8]) -> impl Iterator<Item = u8> {
    let mut rest = value;
    iter::from_fn(move || {
        let (first, after) = rest.split_first()?;
        let escaped = match after {
            [high, low, ..] if *first == b'%' => hex(*high).zip(hex(*low)),
            _ => None,
        };
        let (byte, read) = escaped.map_or((*first, 0), |(high, low)| (high * 16 + low, 2));
        rest = &after[read..];
        Some(byte)
    })
}

fn hex(digit: u8) -> Option<u8> {
    let value = char::from(digit).to_digit(16)?;
    u8::try_from(value).ok()
}

const BAGGAGE: HeaderName = HeaderName::from_static("baggage");

const MOST_ENTRIES: usize = 64;
const MOST_BYTES: usize = 8192;

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    const KEY: &str = "shop.priority";

    fn headers<L: AsRef<[u8]>>(lines: impl IntoIterator<Item = L>) -> HeaderMap {
        let mut headers = HeaderMap::new();
        for line in lines {
            let line = HeaderValue::from_bytes(line.as_ref()).expect("it is valid");
            headers.append(BAGGAGE, line);
        }
        headers
    }

    fn told(lines: &[&str]) -> Option<Priority> {
        priority(&headers(lines), KEY)
    }

    /// The line that there is after `priority` was put into these.
    fn with<L: AsRef<[u8]>>(lines: impl IntoIterator<Item = L>, priority: Priority) -> String {
        let mut headers = headers(lines);
        set(&mut headers, KEY, priority);
        assert!(headers.get_all(BAGGAGE).iter().count() <= 1);
        let line = headers.get(BAGGAGE).map(HeaderValue::as_bytes).unwrap_or_default();
        String::from_utf8(line.to_vec()).expect("it is text")
    }

    #[test]
    fn an_entry_is_found_among_others_with_space_and_properties() {
        for lines in [
            &["shop.priority=bulk"][..],
            &["userId=alice,shop.priority=bulk, isProduction=false"],
            &["userId=alice", "serverNode=DF%2028,\tshop.priority =\tbulk ;ttl=3;x"],
            &["a,=,;,b=;,shop.priority=BULK;shop.priority=critical"],
            &["shop.priority=%62ulk"],
            &["shop.priority=%42%55%4C%4b"],
        ] {
            assert_eq!(told(lines), Some(Priority::Bulk), "{lines:?}");
        }
    }

    #[test]
    fn what_only_looks_like_the_entry_is_none() {
        for line in [
            "",
            "shop.priority",
            "shop.priority=",
            "shop.priority=urgent",
            "shop.priority=bulky",
            "shop.priority=bul",
            "shop.priority=bulk bulk",
            "shop.priority==bulk",
            "shop.priority=\"bulk\"",
            "shop.priority=%20bulk",
            "shop.priority=%2562ulk",
            "shop.priority=%6",
            "shop.priority=bulk%",
            "Shop.Priority=bulk",
            "shop%2Epriority=bulk",
            "xshop.priority=bulk",
            "shop.priorityx=bulk",
            "a=shop.priority=bulk",
            "a=b;shop.priority=bulk",
            ";shop.priority=bulk",
        ] {
            assert_eq!(told(&[line]), None, "{line:?}");
        }
    }

    #[test]
    fn of_several_the_lowest_counts() {
        assert_eq!(
            told(&["shop.priority=critical,shop.priority=urgent", "shop.priority=sheddable"]),
            Some(Priority::Sheddable)
        );
    }

    #[test]
    fn lines_beyond_the_limit_are_not_read() {
        let entry = "shop.priority=bulk";
        let filled = |length: usize| format!("a={}", "x".repeat(length - 2));
        assert_eq!(told(&[&filled(8192 - entry.len()), entry]), Some(Priority::Bulk));
        assert_eq!(told(&[&filled(8193 - entry.len()), entry]), None);
        assert_eq!(told(&[&format!("{entry},{}", filled(8192))]), None);
    }

    #[test]
    fn an_entry_takes_the_place_of_those_before_and_others_stay() {
        let bulk = |lines: &[&str]| with(lines, Priority::Bulk);
        assert_eq!(bulk(&[]), "shop.priority=bulk");
        assert_eq!(bulk(&["a=1, b = 2;p"]), "a=1, b = 2;p,shop.priority=bulk");
        assert_eq!(bulk(&["shop.priority=critical;p=1"]), "shop.priority=bulk");
        assert_eq!(
            bulk(&["shop.priority=critical, a=1", "b=%2C ,shop.priority = x", " ,c"]),
            " a=1,b=%2C ,c,shop.priority=bulk"
        );
    }

    #[test]
    fn an_entry_that_is_too_much_is_left_out_and_what_was_there_is_not_wrong() {
        let others = |count: usize| (0..count).map(|number| format!("k{number}=v"));
        let joined = |count| others(count).collect::<Vec<_>>().join(",");
        assert!(with(others(63), Priority::Bulk).ends_with("k62=v,shop.priority=bulk"));
        assert_eq!(with(others(64), Priority::Bulk), joined(64));
        let critical = "shop.priority=critical".to_owned();
        assert_eq!(with(others(64).chain([critical]), Priority::Bulk), joined(64));
        let own = ",shop.priority=bulk".len();
        let long = |length: usize| format!("a={}", "x".repeat(length - 2));
        assert_eq!(with([long(8192 - own)], Priority::Bulk).len(), 8192);
        assert_eq!(with([long(8193 - own)], Priority::Bulk), long(8193 - own));
    }

    #[test]
    fn what_was_sensitive_stays_so() {
        let mut headers = headers(["a=1", "b=2"]);
        headers.iter_mut().last().expect("it is there").1.set_sensitive(true);
        set(&mut headers, KEY, Priority::Bulk);
        assert!(headers[BAGGAGE].is_sensitive());
    }

    /// What anybody may send, most of it nearly an entry.
    fn line() -> impl Strategy<Value = Vec<u8>> {
        let part = prop_oneof![
            Just(KEY.as_bytes().to_vec()),
            Just(format!("{KEY}=sheddable").into_bytes()),
            Just(b"critical".to_vec()),
            Just(b"bulk".to_vec()),
            "[=,; \t%a-f0-9]{0,3}".prop_map(String::into_bytes),
            prop::collection::vec(prop_oneof![0x20..=0x7e_u8, 0x80..=0xff_u8], 0..4),
        ];
        prop::collection::vec(part, 0..12).prop_map(|parts| parts.concat())
    }

    fn lines() -> impl Strategy<Value = Vec<Vec<u8>>> {
        prop::collection::vec(line(), 0..4)
    }

    proptest! {
        #[test]
        fn nothing_is_told_that_does_not_stand_there(lines in lines()) {
            let told = priority(&headers(&lines), KEY);
            let stand_there = |line: &Vec<u8>| {
                line.split(|byte| *byte == b',').any(|entry| {
                    let entry = String::from_utf8_lossy(entry);
                    let named = |priority: &str| entry.split(';').next().is_some_and(|pair| {
                        let pair: Vec<_> = pair.splitn(2, '=').map(str::trim).collect();
                        // Nothing here encodes a letter but the ones that are random.
                        matches!(pair[..], [KEY, value] if value.contains('%')
                            || value.eq_ignore_ascii_case(priority))
                    });
                    told.is_some_and(|priority| named(priority.as_str()))
                })
            };
            prop_assert!(told.is_none() || lines.iter().any(stand_there));
        }

        #[test]
        fn what_is_written_is_read_and_other_entries_stay_byte_for_byte(
            lines in lines(), nth in 0..4_usize,
        ) {
            let mut headers = headers(&lines);
            let others = |headers: &HeaderMap| -> Vec<Vec<u8>> {
                let lines = headers.get_all(BAGGAGE).iter();
                let all = lines.flat_map(|line| line.as_bytes().split(|byte| *byte == b','));
                let all = all.filter(|entry| !entry.trim_ascii().is_empty());
                let own = |entry: &&[u8]| {
                    let Some(rest) = entry.trim_ascii_start().strip_prefix(KEY.as_bytes()) else {
                        return false;
                    };
                    rest.trim_ascii_start().starts_with(b"=")
                };
                all.filter(|entry| !own(entry)).map(<[u8]>::to_vec).collect()
            };
            let before = others(&headers);
            set(&mut headers, KEY, Priority::ALL[nth]);
            prop_assert_eq!(priority(&headers, KEY), Some(Priority::ALL[nth]));
            prop_assert_eq!(others(&headers), before);
            let once = headers.clone();
            set(&mut headers, KEY, Priority::ALL[nth]);
            prop_assert_eq!(headers, once, "once more changes nothing");
        }
    }
}
