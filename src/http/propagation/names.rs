//! Where a priority stands in the head of a request.

use std::sync::Arc;

use http::{HeaderMap, HeaderName, HeaderValue};

use super::baggage;
use crate::{class::Priority, config::InvalidConfig};

/// The header, and the key in `baggage`.
#[derive(Clone, Debug)]
pub(super) struct Names {
    header: HeaderName,
    baggage: Option<Arc<str>>,
}

impl Names {
    pub(super) fn header(self, name: HeaderName) -> Self {
        Self { header: name, ..self }
    }

    /// An error if it is no token of HTTP, or longer than 256 bytes.
    pub(super) fn baggage_key(self, key: &str) -> Result<Self, InvalidConfig> {
        let allowed = "a token of HTTP, such as `shop.priority`, of up to 256 bytes";
        let is_token = (1..=256).contains(&key.len()) && key.bytes().all(of_token);
        if is_token {
            return Ok(Self { baggage: Some(key.into()), ..self });
        }
        Err(InvalidConfig::new("baggage_key", format_args!("{key:?}"), allowed))
    }

    pub(super) fn without_baggage(self) -> Self {
        Self { baggage: None, ..self }
    }

    /// What was told, the header before the baggage.
    pub(super) fn told(&self, headers: &HeaderMap) -> Option<Priority> {
        let in_baggage = || baggage::priority(headers, self.baggage.as_deref()?);
        self.in_header(headers).or_else(in_baggage)
    }

    /// What the header says; said several times, in lines or in a list, the lowest.
    pub(super) fn in_header(&self, headers: &HeaderMap) -> Option<Priority> {
        let lines = headers.get_all(&self.header).iter();
        let told = lines.flat_map(|line| line.as_bytes().split(|byte| *byte == b','));
        told.filter_map(read).min()
    }

    /// Has the header and the baggage say this and nothing else of it.
    pub(super) fn write(&self, priority: Priority, headers: &mut HeaderMap) {
        headers.insert(&self.header, HeaderValue::from_static(priority.as_str()));
        if let Some(key) = &self.baggage {
            baggage::set(headers, key, priority);
        }
    }
}

impl Default for Names {
    fn default() -> Self {
        Self { header: HEADER, baggage: Some(BAGGAGE_KEY.into()) }
    }
}

fn read(name: &[u8]) -> Option<Priority> {
    std::str::from_utf8(name.trim_ascii()).ok()?.parse().ok()
}

/// RFC 9110, section 5.6.2.
fn of_token(byte: u8) -> bool {
    byte.is_ascii_alphanumeric() || b"!#$%&'*+-.^_`|~".contains(&byte)
}

const HEADER: HeaderName = HeaderName::from_static("x-request-priority");

/// In a namespace: a `priority` may be anybody's.
const BAGGAGE_KEY: &str = "brownout.priority";

#[cfg(test)]
mod tests {
    use super::*;

    const BAGGAGE: HeaderName = HeaderName::from_static("baggage");

    fn headers(lines: &[(&HeaderName, &str)]) -> HeaderMap {
        let mut headers = HeaderMap::new();
        for (name, line) in lines {
            headers.append(*name, line.parse().expect("it is valid"));
        }
        headers
    }

    fn told(lines: &[(&HeaderName, &str)]) -> Option<Priority> {
        Names::default().told(&headers(lines))
    }

    #[test]
    fn a_name_in_any_case_is_told_and_anything_else_is_not() {
        for (line, priority) in [
            ("critical", Some(Priority::Critical)),
            (" Sheddable ", Some(Priority::Sheddable)),
            ("BULK", Some(Priority::Bulk)),
            ("", None),
            ("urgent!", None),
            ("critical!", None),
            ("critical normal", None),
            ("\"critical\"", None),
            ("u=0", None),
            ("0", None),
        ] {
            assert_eq!(told(&[(&HEADER, line)]), priority, "{line:?}");
        }
        assert_eq!(told(&[]), None);
    }

    #[test]
    fn of_several_the_lowest_counts_in_lines_or_in_a_list() {
        let bulk = Some(Priority::Bulk);
        assert_eq!(told(&[(&HEADER, "critical"), (&HEADER, "bulk")]), bulk);
        assert_eq!(told(&[(&HEADER, "bulk"), (&HEADER, "critical")]), bulk);
        assert_eq!(told(&[(&HEADER, "bulk, critical")]), bulk);
        assert_eq!(told(&[(&HEADER, "critical,urgent,bulk,")]), bulk);
    }

    #[test]
    fn the_header_counts_before_the_baggage_if_it_says_anything() {
        let entry = "brownout.priority=critical";
        assert_eq!(told(&[(&BAGGAGE, entry)]), Some(Priority::Critical));
        assert_eq!(told(&[(&BAGGAGE, entry), (&HEADER, "bulk")]), Some(Priority::Bulk));
        assert_eq!(told(&[(&BAGGAGE, entry), (&HEADER, "urgent")]), Some(Priority::Critical));
        let deaf = Names::default().without_baggage();
        assert_eq!(deaf.told(&headers(&[(&BAGGAGE, entry)])), None);
    }

    #[test]
    fn a_key_that_is_no_token_is_invalid() {
        let long = "k".repeat(257);
        for key in ["", "a b", "a=b", "a,b", "a;b", "é", "\"a\"", &long] {
            assert!(Names::default().baggage_key(key).is_err(), "{key:?}");
        }
        for key in ["priority", "shop.priority", "~'!", &long[1..]] {
            assert!(Names::default().baggage_key(key).is_ok(), "{key:?}");
        }
    }

    #[test]
    fn what_is_written_is_read_in_the_header_and_in_the_baggage() {
        for priority in Priority::ALL {
            let names = Names::default().baggage_key("shop.priority").expect("it is a token");
            let mut written = headers(&[(&HEADER, "bulk"), (&HEADER, "normal")]);
            names.write(priority, &mut written);
            assert_eq!(names.told(&written), Some(priority));
            assert_eq!(written.get_all(HEADER).iter().count(), 1);
            written.remove(HEADER);
            assert_eq!(names.told(&written), Some(priority));
        }
    }
}
