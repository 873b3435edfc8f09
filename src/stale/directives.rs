//! `Cache-Control`, read so that nothing it forbids is missed.

use std::time::Duration;

use http::{HeaderMap, HeaderName, HeaderValue, header};

/// The directives of a request or a response (RFC 9111, 5.2), with small names.
///
/// `http-cache-semantics` knows directives by their small names only, and skips a line that
/// is no plain text. So it gets them as they are written here, and not from the headers.
#[derive(Clone, Debug, Default)]
pub(super) struct Directives(Vec<(String, Option<u32>)>);

impl Directives {
    /// `None` where they cannot be read.
    pub(super) fn of(headers: &HeaderMap) -> Option<Self> {
        let mut all = Self::default();
        for line in headers.get_all(header::CACHE_CONTROL) {
            for part in parts(line.to_str().ok()?) {
                all.add(part);
            }
        }
        let pragma = headers.get_all(header::PRAGMA).iter();
        let mut pragma = pragma.map(HeaderValue::as_bytes).map(<[u8]>::to_ascii_lowercase);
        if all.0.is_empty() && pragma.any(|value| value.windows(8).any(|word| word == b"no-cache"))
        {
            all.add("no-cache");
        }
        Some(all)
    }

    fn add(&mut self, part: &str) {
        let (name, value) = part.split_once('=').map_or((part, None), |(n, v)| (n, Some(v)));
        let name = name.trim().to_ascii_lowercase();
        if !name.is_empty() {
            self.0.push((name, value.map(seconds)));
        }
    }

    pub(super) fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    pub(super) fn has(&self, name: &str) -> bool {
        self.0.iter().any(|(own, _)| own == name)
    }

    /// The time that a directive gives: the shortest, where it is there twice.
    pub(super) fn time(&self, name: &str) -> Option<Duration> {
        let own = self.0.iter().filter(|(own, _)| own == name);
        let shortest = own.map(|(_, seconds)| seconds.unwrap_or(0)).min()?;
        Some(Duration::from_secs(shortest.into()))
    }

    /// The headers for a policy, without the directives `but`.
    pub(super) fn plain(&self, but: &[&str]) -> HeaderMap {
        let mut text = String::new();
        for (name, _) in self.0.iter().filter(|(name, _)| !but.contains(&name.as_str())) {
            let comma = if text.is_empty() { "" } else { ", " };
            text = match self.time(name).filter(|_| TIMES.contains(&name.as_str())) {
                Some(time) => format!("{text}{comma}{name}={}", time.as_secs()),
                None => format!("{text}{comma}{name}"),
            };
        }
        let value = HeaderValue::from_str(&text).ok().filter(|value| !value.is_empty());
        value.map(|value| (header::CACHE_CONTROL, value)).into_iter().collect()
    }
}

/// What stands between the commas that are not quoted.
pub(super) fn parts(line: &str) -> impl Iterator<Item = &str> {
    let (mut quoted, mut escaped) = (false, false);
    line.split(move |letter| {
        match letter {
            _ if escaped => escaped = false,
            '\\' if quoted => escaped = true,
            '"' => quoted = !quoted,
            _ => {}
        }
        letter == ',' && !quoted
    })
}

/// What is no number of seconds is none at all: at once, as RFC 9111 (4.2.1) has it.
fn seconds(value: &str) -> u32 {
    let digits = value.trim().trim_matches('"');
    let plain = !digits.is_empty() && digits.bytes().all(|digit| digit.is_ascii_digit());
    let most = i32::MAX.unsigned_abs();
    if plain { digits.parse().map_or(most, |seconds: u32| seconds.min(most)) } else { 0 }
}

/// The header fields that the values of another list.
///
/// `None` where they cannot be read, or one of them is `*`.
pub(super) fn names(headers: &HeaderMap, list: HeaderName) -> Option<Vec<HeaderName>> {
    let mut names = Vec::new();
    for line in headers.get_all(list) {
        for name in line.to_str().ok()?.split(',').map(str::trim).filter(|name| !name.is_empty()) {
            // `*` is a name by the letter.
            names.push((name != "*").then(|| name.parse().ok()).flatten()?);
        }
    }
    names.sort_by(|one: &HeaderName, other| one.as_str().cmp(other.as_str()));
    names.dedup();
    Some(names)
}

const TIMES: [&str; 4] = ["max-age", "s-maxage", "min-fresh", "max-stale"];

#[cfg(test)]
mod tests {
    use super::*;

    fn read(lines: &[&str]) -> Directives {
        let value = |line: &&str| HeaderValue::from_bytes(line.as_bytes()).expect("it is valid");
        let headers = lines.iter().map(|line| (header::CACHE_CONTROL, value(line)));
        Directives::of(&headers.collect()).expect("it is text")
    }

    #[test]
    fn a_directive_has_its_meaning_however_it_is_written() {
        assert!(read(&["Private"]).has("private"));
        assert!(read(&["max-age=3 , NO-STORE"]).has("no-store"));
        assert!(read(&["max-age=3", "private=\"x-a, x-b\""]).has("private"));
        assert!(!read(&["a=\"b, public\""]).has("public"), "it is quoted");
        assert_eq!(read(&["MAX-AGE=\"30\""]).time("max-age"), Some(Duration::from_secs(30)));
    }

    #[test]
    fn a_time_that_is_none_is_over_at_once() {
        for line in ["max-age=soon", "max-age", "max-age=-1", "max-age=", "max-age=5, max-age=0"] {
            assert_eq!(read(&[line]).time("max-age"), Some(Duration::ZERO), "{line}");
        }
        let most = Duration::from_secs(2_147_483_647);
        assert_eq!(read(&["max-age=99999999999999999999"]).time("max-age"), Some(most));
    }

    #[test]
    fn what_cannot_be_read_is_not_guessed() {
        let line = HeaderValue::from_bytes(b"private, x=\xff").expect("it is valid");
        let headers = [(header::CACHE_CONTROL, line)].into_iter().collect();
        assert!(Directives::of(&headers).is_none());
    }

    #[test]
    fn a_policy_gets_plain_words() {
        let plain =
            read(&["Public, MAX-AGE=\"30\", private=\"a,b\", max-stale"]).plain(&["max-stale"]);
        assert_eq!(plain[header::CACHE_CONTROL], "public, max-age=30, private");
    }
}
