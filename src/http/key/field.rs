//! Reads from the right what proxies wrote into a header.
//!
//! Each proxy appends the address that it saw, so what is on the right is from ours and
//! what is on the left is whatever a client sent. Nothing there may change how the right is
//! read, so the line is never taken apart from the left: a quotation mark that a client left
//! open would swallow what a proxy put behind it. Of several lines, the last is the
//! rightmost (RFC 9110, section 5.3); some proxies append a line of their own.

use std::{iter, net::IpAddr};

use http::{HeaderMap, HeaderName, header::FORWARDED};

use super::node;

/// The header in which proxies tell.
#[derive(Clone, Debug)]
pub(super) enum Field {
    /// A list of addresses, as in `X-Forwarded-For`.
    List(HeaderName),
    /// That of RFC 7239.
    Forwarded,
}

impl Field {
    pub(super) const X_FORWARDED_FOR: HeaderName = HeaderName::from_static("x-forwarded-for");

    /// What the proxies told, the nearest first; `None` for what is no address.
    pub(super) fn told(&self, headers: &HeaderMap) -> impl Iterator<Item = Option<IpAddr>> {
        match self {
            Self::List(name) => read(headers, name, last_comma, node::address),
            Self::Forwarded => read(headers, &FORWARDED, last_unquoted::<b','>, address_of_element),
        }
    }
}

fn read(
    headers: &HeaderMap,
    name: &HeaderName,
    mark: fn(&[u8]) -> Option<usize>,
    address: fn(&[u8]) -> Option<IpAddr>,
) -> impl Iterator<Item = Option<IpAddr>> {
    let lines = headers.get_all(name).iter().rev();
    let entries = lines.flat_map(move |line| from_right(line.as_bytes(), mark));
    entries.map(move |entry| address(entry?))
}

/// The parts between the marks, the last first and without the space around them. `None`
/// for a part that is too long, with which it ends.
fn from_right(
    line: &[u8],
    mark: fn(&[u8]) -> Option<usize>,
) -> impl Iterator<Item = Option<&[u8]>> {
    let mut left = Some(line);
    iter::from_fn(move || {
        let line = left.take()?;
        let unread = line.len().saturating_sub(LONGEST + 1);
        let start = match mark(&line[unread..]) {
            Some(at) => {
                left = Some(&line[..unread + at]);
                unread + at + 1
            }
            None if line.len() > LONGEST => return Some(None),
            None => 0,
        };
        Some(Some(line[start..].trim_ascii()))
    })
}

fn last_comma(line: &[u8]) -> Option<usize> {
    line.iter().rposition(|byte| *byte == b',')
}

/// Where the last mark outside of quotation marks is. Read from the right, too: whether a
/// quotation mark inside of a quotation is one is told by the backslashes before it.
fn last_unquoted<const MARK: u8>(line: &[u8]) -> Option<usize> {
    let mut quoted = false;
    line.iter().enumerate().rev().find_map(|(at, byte)| {
        if *byte == b'"' && !(quoted && is_escaped(&line[..at])) {
            quoted = !quoted;
        }
        (*byte == MARK && !quoted).then_some(at)
    })
}

fn is_escaped(before: &[u8]) -> bool {
    before.iter().rev().take_while(|byte| **byte == b'\\').count() % 2 == 1
}

/// The address in `for`, if the element is whole and has one. An address needs no
/// backslash, so one with a backslash is none.
fn address_of_element(element: &[u8]) -> Option<IpAddr> {
    let mut found = None;
    for pair in from_right(element, last_unquoted::<b';'>) {
        let pair = pair?;
        if pair.is_empty() {
            continue;
        }
        let (name, value) = pair.split_at(pair.iter().position(|byte| *byte == b'=')?);
        if name.eq_ignore_ascii_case(b"for") && found.replace(&value[1..]).is_some() {
            return None;
        }
    }
    let value = found?;
    match value.strip_prefix(b"\"") {
        Some(rest) => node::address(rest.strip_suffix(b"\"")?),
        None => node::address(value),
    }
}

/// In bytes. An entry with all that RFC 7239 knows of is shorter, whatever the host is called.
const LONGEST: usize = 512;

#[cfg(test)]
mod tests {
    use http::HeaderValue;

    use super::*;

    /// What is told in these lines, the nearest first, up to the first that is no address.
    fn told(field: &Field, lines: &[&[u8]]) -> Vec<String> {
        let mut headers = HeaderMap::new();
        let name = match field {
            Field::List(name) => name,
            Field::Forwarded => &FORWARDED,
        };
        for line in lines {
            headers.append(name, HeaderValue::from_bytes(line).expect("it is valid"));
        }
        let told = field.told(&headers).map_while(|address| address);
        told.map(|address| address.to_string()).collect()
    }

    fn list(lines: &[&str]) -> Vec<String> {
        let lines: Vec<_> = lines.iter().map(|line| line.as_bytes()).collect();
        told(&Field::List(Field::X_FORWARDED_FOR), &lines)
    }

    fn forwarded(lines: &[&str]) -> Vec<String> {
        let lines: Vec<_> = lines.iter().map(|line| line.as_bytes()).collect();
        told(&Field::Forwarded, &lines)
    }

    #[test]
    fn a_list_is_read_from_the_right_and_over_all_lines() {
        assert_eq!(
            list(&["192.0.2.1, 192.0.2.2,192.0.2.3"]),
            ["192.0.2.3", "192.0.2.2", "192.0.2.1"]
        );
        assert_eq!(
            list(&["192.0.2.1", "192.0.2.2\t, 192.0.2.3"]),
            ["192.0.2.3", "192.0.2.2", "192.0.2.1"]
        );
        assert_eq!(list(&["2001:db8::1, [2001:db8::2]:443"]), ["2001:db8::2", "2001:db8::1"]);
        assert_eq!(list(&[]), [""; 0]);
    }

    #[test]
    fn a_list_ends_with_what_is_no_address() {
        assert_eq!(list(&["192.0.2.1, unknown, 192.0.2.3"]), ["192.0.2.3"]);
        assert_eq!(list(&["192.0.2.1,, 192.0.2.3"]), ["192.0.2.3"]);
        assert_eq!(list(&["192.0.2.1", "", "192.0.2.3"]), ["192.0.2.3"]);
        assert_eq!(list(&["192.0.2.1,"]), [""; 0]);
        assert_eq!(list(&["192.0.2.1 192.0.2.2"]), [""; 0]);
        assert_eq!(
            told(&Field::List(Field::X_FORWARDED_FOR), &[b"\xff\"\\, 192.0.2.3"]),
            ["192.0.2.3"]
        );
    }

    #[test]
    fn the_examples_of_rfc_7239_are_read() {
        for (lines, expected) in [
            // Section 4.
            (&[r#"for="_gazonk""#][..], &[][..]),
            (&[r#"For="[2001:db8:cafe::17]:4711""#], &["2001:db8:cafe::17"]),
            (&["for=192.0.2.60;proto=http;by=203.0.113.43"], &["192.0.2.60"]),
            (&["for=192.0.2.43, for=198.51.100.17"], &["198.51.100.17", "192.0.2.43"]),
            // Section 6.
            (&[r#"for="192.0.2.43:47011""#], &["192.0.2.43"]),
            (&[r#"for="[2001:db8:cafe::17]:47011""#], &["2001:db8:cafe::17"]),
            (&["for=unknown"], &[]),
            (&["for=_hidden, for=_SEVKISEK"], &[]),
            // Section 7.1: the same, in one way or the other.
            (&[r#"for=192.0.2.43,for="[2001:db8:cafe::17]",for=unknown"#], &[]),
            (
                &[r#"for=192.0.2.43, for="[2001:db8:cafe::17]""#],
                &["2001:db8:cafe::17", "192.0.2.43"],
            ),
            (
                &["for=192.0.2.43", r#"for="[2001:db8:cafe::17]""#],
                &["2001:db8:cafe::17", "192.0.2.43"],
            ),
        ] {
            assert_eq!(forwarded(lines), expected, "{lines:?}");
        }
    }

    #[test]
    fn marks_in_quotation_marks_are_none() {
        for line in [
            r#"for=192.0.2.9, for=192.0.2.1;host="a, for=192.0.2.8""#,
            r#"for=192.0.2.9, host="a;for=192.0.2.8";for=192.0.2.1"#,
            r#"for=192.0.2.9, for=192.0.2.1;host="\", for=192.0.2.8""#,
            r#"for=192.0.2.9, for=192.0.2.1;host="\\\", for=192.0.2.8""#,
            r#"for=192.0.2.9, host="\\";for="192.0.2.1""#,
            r#"for=192.0.2.9, ;FOR=192.0.2.1; ;proto=https;"#,
        ] {
            assert_eq!(forwarded(&[line]), ["192.0.2.1", "192.0.2.9"], "{line}");
        }
    }

    #[test]
    fn what_a_client_left_open_swallows_nothing() {
        for junk in
            [r#"for=""#, r#"for="192.0.2.9, for="#, r#"""#, r"\", r#"host="\"#, "=;=,;", r#"a"\"b"#]
        {
            let line = format!(r#"{junk}, for="[2001:db8::1]:443";by="_a,b", for=192.0.2.1"#);
            assert_eq!(forwarded(&[&line])[..2], ["192.0.2.1", "2001:db8::1"], "{junk}");
        }
    }

    #[test]
    fn an_element_that_is_not_whole_or_tells_nothing_or_twice_is_no_address() {
        for line in [
            "",
            "for",
            "for=",
            "proto=https",
            "by=192.0.2.1",
            "for=192.0.2.1;for=192.0.2.1",
            "for=192.0.2.1;host",
            r#"for="192.0.2.1"#,
            r#"for=192.0.2.1""#,
            r#"for=""192.0.2.1"""#,
            r#"for="192.0.2.\1""#,
            r#"for=192.0.2.1;host="a"#,
            "for =192.0.2.1",
            "for=192.0.2.1 192.0.2.2",
        ] {
            assert_eq!(forwarded(&[line]), [""; 0], "{line}");
        }
    }

    #[test]
    fn an_entry_that_is_too_long_is_no_address_and_nothing_before_it_is_read() {
        let space = " ".repeat(LONGEST - "192.0.2.1,".len());
        assert_eq!(list(&[&format!("192.0.2.2,{space}192.0.2.1")]).len(), 2);
        assert_eq!(list(&[&format!("192.0.2.2,{space} 192.0.2.1")]).len(), 2);
        assert_eq!(list(&[&format!("192.0.2.2,{space}  192.0.2.1")]).len(), 0);
        let host = "a".repeat(LONGEST);
        assert_eq!(forwarded(&[&format!("for=192.0.2.2, for=192.0.2.1;host={host}")]), [""; 0]);
        assert_eq!(
            forwarded(&[&format!("for=192.0.2.2;host={host}, for=192.0.2.1")]),
            ["192.0.2.1"]
        );
    }
}
