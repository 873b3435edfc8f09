//! Whether a client has an answer already: `If-None-Match` and `If-Modified-Since`.

use http::{HeaderMap, HeaderName, header};

use super::directives::parts;

/// Whether whoever asks with `asked` has the answer with the headers `kept` (RFC 9110, 13.2.2).
pub(super) fn is_known(kept: &HeaderMap, asked: &HeaderMap) -> bool {
    let mut tags = asked.get_all(header::IF_NONE_MATCH).iter().peekable();
    if tags.peek().is_some() {
        let own = kept.get(header::ETAG).and_then(|tag| tag.to_str().ok()).map(opaque);
        return tags
            .filter_map(|line| line.to_str().ok())
            .flat_map(parts)
            .any(|tag| tag.trim() == "*" || own.is_some_and(|own| own == opaque(tag)));
    }
    let date = |headers: &HeaderMap, name: HeaderName| {
        httpdate::parse_http_date(headers.get(name)?.to_str().ok()?).ok()
    };
    let (changed, since) =
        (date(kept, header::LAST_MODIFIED), date(asked, header::IF_MODIFIED_SINCE));
    changed.zip(since).is_some_and(|(changed, since)| changed <= since)
}

/// Weak comparison is enough for a safe request.
fn opaque(tag: &str) -> &str {
    let tag = tag.trim();
    tag.strip_prefix("W/").unwrap_or(tag)
}

/// What a 304 tells of an answer (RFC 9110, 15.4.5).
pub(super) fn told(kept: &HeaderMap) -> HeaderMap {
    let mut told = HeaderMap::new();
    for (name, value) in kept.iter().filter(|(name, _)| TOLD.contains(name)) {
        told.append(name, value.clone());
    }
    told
}

static TOLD: [HeaderName; 7] = [
    header::CACHE_CONTROL,
    header::CONTENT_LOCATION,
    header::DATE,
    header::ETAG,
    header::EXPIRES,
    header::VARY,
    HeaderName::from_static("cache-status"),
];

#[cfg(test)]
mod tests {
    use http::HeaderValue;

    use super::*;

    fn headers(all: &[(HeaderName, &'static str)]) -> HeaderMap {
        let all = all.iter().cloned();
        all.map(|(name, value)| (name, HeaderValue::from_static(value))).collect()
    }

    #[test]
    fn a_tag_is_found_in_a_list_and_counts_more_than_a_date() {
        let date = "Sun, 06 Nov 1994 08:49:37 GMT";
        let kept = headers(&[(header::ETAG, "W/\"a,b\""), (header::LAST_MODIFIED, date)]);
        let known = |tags| {
            let asked = [(header::IF_NONE_MATCH, tags), (header::IF_MODIFIED_SINCE, date)];
            is_known(&kept, &headers(&asked))
        };
        assert!(known("\"x\", \"a,b\"") && known("W/\"a,b\"") && known("*"));
        assert!(!known("\"a\", \"b\"") && !known("\"a"));
    }

    #[test]
    fn a_date_is_known_from_that_moment_on() {
        let kept = headers(&[(header::LAST_MODIFIED, "Sun, 06 Nov 1994 08:49:37 GMT")]);
        let known = |date| is_known(&kept, &headers(&[(header::IF_MODIFIED_SINCE, date)]));
        assert!(known("Sun, 06 Nov 1994 08:49:37 GMT"));
        assert!(!known("Sun, 06 Nov 1994 08:49:36 GMT") && !known("yesterday"));
        assert!(!is_known(&HeaderMap::new(), &HeaderMap::new()));
    }
}
