//! `Accept`: in which form a caller wants to read a refusal.

use http::{HeaderMap, header};

/// Whether a caller wants to be told of problems in JSON, by the rules of RFC 9110, section
/// 12.5.1: the range that says the most exactly what is meant gives the weight of it. A tie
/// goes to JSON, since it was named. Ranges with a malformed weight are passed over.
pub(super) fn wants_problem(headers: &HeaderMap) -> bool {
    if !headers.contains_key(header::ACCEPT) {
        return false;
    }
    let (mut json, mut text) = (Preference::default(), Preference::default());
    let values = headers.get_all(header::ACCEPT).iter().filter_map(|value| value.to_str().ok());
    for range in values.flat_map(|value| split(value, ',')) {
        let mut parts = split(range, ';').map(str::trim);
        let name = parts.next().unwrap_or_default();
        let Some(weight) = weight(parts) else { continue };
        json.hear(&JSON, name, weight);
        text.hear(&TEXT, name, weight);
    }
    json.weight > 0 && json.weight >= text.weight
}

/// How much one form is wanted.
#[derive(Default)]
struct Preference {
    /// 0 if nothing was said of it.
    exactness: usize,
    /// In thousandths.
    weight: u16,
}

impl Preference {
    fn hear(&mut self, ranges: &[&str], name: &str, weight: u16) {
        let found = ranges.iter().position(|range| range.eq_ignore_ascii_case(name));
        let Some(exactness) = found.map(|found| found + 1) else { return };
        if exactness > self.exactness {
            *self = Self { exactness, weight };
        } else if exactness == self.exactness {
            self.weight = self.weight.max(weight);
        }
    }
}

/// What the parameters of a range say of its weight, in thousandths.
fn weight<'p>(mut parameters: impl Iterator<Item = &'p str>) -> Option<u16> {
    let weight = parameters.find_map(|parameter| {
        let (name, value) = parameter.split_once('=')?;
        name.eq_ignore_ascii_case("q").then_some(value)
    });
    weight.map_or(Some(1000), thousandths)
}

/// A number from 0 to 1 with at most three digits after the point.
fn thousandths(number: &str) -> Option<u16> {
    let (whole, part) = number.split_once('.').unwrap_or((number, ""));
    if part.len() > 3 || !part.bytes().all(|digit| digit.is_ascii_digit()) {
        return None;
    }
    let whole = ["0", "1"].iter().position(|digit| *digit == whole)? as u16;
    let part = part.bytes().map(|digit| u16::from(digit - b'0')).chain([0; 3]).take(3);
    let number = part.fold(whole, |number, digit| number * 10 + digit);
    (number <= 1000).then_some(number)
}

/// The parts of a field's value; what is quoted stays whole.
fn split(value: &str, at: char) -> impl Iterator<Item = &str> {
    let (mut quoted, mut escaped) = (false, false);
    value.split(move |letter: char| {
        match letter {
            _ if escaped => escaped = false,
            '\\' if quoted => escaped = true,
            '"' => quoted = !quoted,
            _ => return letter == at && !quoted,
        }
        false
    })
}

/// From the vaguest to the most exact. Not `*/*`: who takes anything did not ask for JSON.
const JSON: [&str; 4] =
    ["application/*", "application/*+json", "application/json", "application/problem+json"];
const TEXT: [&str; 3] = ["*/*", "text/*", "text/plain"];

#[cfg(test)]
mod tests {
    use http::HeaderValue;
    use proptest::prelude::*;

    use super::*;

    fn wants(values: &[&str]) -> bool {
        let mut headers = HeaderMap::new();
        for value in values {
            headers.append(header::ACCEPT, HeaderValue::from_str(value).expect("it is valid"));
        }
        wants_problem(&headers)
    }

    #[test]
    fn who_names_json_gets_problems() {
        for value in [
            "application/problem+json",
            "application/json",
            "Application/JSON ; charset=utf-8",
            "application/*+json",
            "application/*",
            "application/json, text/plain, */*",
            "text/plain;q=0.5, application/json;q=0.501",
            "text/html, application/problem+json;q=0.1",
            "application/json;profile=\"a, text/plain;q=1\"",
            "application/json;Q=1.000",
        ] {
            assert!(wants(&[value]), "{value}");
        }
        assert!(wants(&["text/html", "application/json"]), "in two fields");
    }

    #[test]
    fn anybody_else_gets_text() {
        for value in [
            "",
            "*/*",
            "text/html,application/xhtml+xml,application/xml;q=0.9,*/*;q=0.8",
            "application/vnd.shop.v2+json",
            "application/json;q=0",
            "application/json;q=0.5, */*;q=0.8",
            "application/json;q=0.4, text/*;q=0.5",
            "application/problem+json;q=0, application/json",
            "application/json;q=2, application/problem+json;q=x, application/*;q=0.1234",
            "text/plain;profile=\"\\\", application/json\"",
        ] {
            assert!(!wants(&[value]), "{value}");
        }
        assert!(!wants(&[]));
    }

    #[test]
    fn the_most_exact_range_decides() {
        assert!(wants(&["application/*;q=0.1, application/json;q=0.9, text/plain;q=0.5"]));
        assert!(wants(&["*/*, text/plain;q=0.1, application/json;q=0.2"]));
        assert!(wants(&["application/json;q=0, application/json;q=1"]), "the better of equals");
    }

    #[test]
    fn weights_are_read_to_the_thousandth() {
        let read = ["0", "0.", "0.5", "0.05", "0.123", "1", "1.000"].map(thousandths);
        assert_eq!(read, [0, 0, 500, 50, 123, 1000, 1000].map(Some));
        let wrong = ["", ".5", "1.001", "0.1234", "-1", "2", "0.a", "00", "1e0"];
        assert_eq!(wrong.map(thousandths), [None; 9]);
    }

    proptest! {
        #[test]
        fn nothing_that_is_sent_does_harm(value in prop::collection::vec(any::<u8>(), 0..80)) {
            let Ok(value) = HeaderValue::from_bytes(&value) else { return Ok(()) };
            wants_problem(&HeaderMap::from_iter([(header::ACCEPT, value)]));
        }

        #[test]
        fn ranges_of_others_change_nothing(
            other in "(image|audio|video)/[a-z+]{1,9}(;q=0\\.[0-9]{1,3})?",
            json in "application/json(;q=(0|0\\.[0-9]{1,3}|1))?",
        ) {
            let alone = wants(&[&json]);
            prop_assert_eq!(wants(&[&format!("{other},{json}")]), alone);
            prop_assert_eq!(wants(&[&format!("{json} , {other}")]), alone);
        }
    }
}
