//! One line of a log in the common or the combined format.
//!
//! `host ident user [time] "method path version" status bytes`, and two texts more in quotes.

/// What a line says that matters here.
#[derive(Debug, PartialEq)]
pub(super) struct Line<'a> {
    /// As it is written, to the second.
    pub(super) time: &'a str,
    pub(super) method: &'a str,
    /// Without its query.
    pub(super) path: &'a str,
    pub(super) has_query: bool,
    pub(super) status: u16,
}

impl<'a> Line<'a> {
    /// `None` of a line that is broken, or is no request that could be sent.
    pub(super) fn read(text: &'a str) -> Option<Self> {
        // A user's name may have spaces, but nothing before the time has a bracket.
        let (who, rest) = text.split_once(" [")?;
        let (time, rest) = rest.split_once("] \"")?;
        let (request, rest) = quoted(rest)?;
        if who.is_empty() || !is_time(time) {
            return None;
        }
        let mut after = rest.split_ascii_whitespace();
        let status = after.next().filter(|status| status.len() == 3)?.parse().ok()?;
        let mut words = request.split(' ');
        let (method, target, version) = (words.next()?, words.next()?, words.next()?);
        let is_request = version.starts_with("HTTP/") && words.next().is_none();
        let is_method = !method.is_empty() && method.bytes().all(|byte| byte.is_ascii_uppercase());
        let target = path_of(target).filter(|_| is_request && is_method)?;
        let (path, query) = target.split_once('?').unwrap_or((target, ""));
        Some(Self { time, method, path, has_query: !query.is_empty(), status })
    }
}

/// What is before the quote that ends it, and what is after it.
fn quoted(text: &str) -> Option<(&str, &str)> {
    let mut is_escaped = false;
    let end = text.bytes().position(|byte| {
        let is_end = byte == b'"' && !is_escaped;
        is_escaped = byte == b'\\' && !is_escaped;
        is_end
    })?;
    Some((&text[..end], &text[end + 1..]))
}

/// Whether it is as in `10/Oct/2026:13:55:36 +0000`.
fn is_time(text: &str) -> bool {
    let shape = b"00/Aaa/0000:00:00:00 ";
    let fits = |(byte, shape): (u8, &u8)| match shape {
        b'0' => byte.is_ascii_digit(),
        b'A' | b'a' => byte.is_ascii_alphabetic(),
        other => byte == *other,
    };
    text.len() > shape.len() && text.bytes().zip(shape).all(fits)
}

/// The path with its query; a proxy's clients say scheme and host before it.
fn path_of(target: &str) -> Option<&str> {
    let after_scheme = ["http://", "https://"].iter().find_map(|own| target.strip_prefix(own));
    let path = match after_scheme {
        Some(rest) => &rest[rest.find('/')?..],
        None => target,
    };
    // What is escaped in the log was no path, and a place in braces would be filled.
    let is_path = |byte: u8| byte.is_ascii_graphic() && !b"\\\"{}<>^`|#".contains(&byte);
    (path.starts_with('/') && path.bytes().all(is_path)).then_some(path)
}

#[cfg(test)]
mod tests {
    use super::*;

    const TIME: &str = "10/Oct/2026:13:55:36 +0000";

    fn read(request: &str) -> Option<(String, String, bool)> {
        let text = format!("2001:db8::1 - - [{TIME}] \"{request}\" 200 5");
        let line = Line::read(&text)?;
        Some((line.method.to_owned(), line.path.to_owned(), line.has_query))
    }

    #[test]
    fn common_and_combined_lines_are_read() {
        let common = format!("127.0.0.1 - frank [{TIME}] \"GET /a?b=1 HTTP/1.0\" 404 -");
        let line = Line { time: TIME, method: "GET", path: "/a", has_query: true, status: 404 };
        assert_eq!(Line::read(&common), Some(line));
        let combined = format!("{common} \"http://a/\\\"b\\\"\" \"agent \\\\\"");
        assert_eq!(Line::read(&combined), Line::read(&common));
    }

    #[test]
    fn a_request_is_method_path_and_version() {
        let path = |path: &str| Some(("GET".to_owned(), path.to_owned(), false));
        assert_eq!(read("GET / HTTP/1.1"), path("/"));
        assert_eq!(read("GET /%7Eme/ HTTP/2"), path("/%7Eme/"));
        assert_eq!(read("GET https://shop.example/a HTTP/1.1"), path("/a"));
        let broken = [
            "-",
            "",
            "GET",
            "GET /",
            "GET /a b HTTP/1.1",
            "get / HTTP/1.1",
            "GET * HTTP/1.1",
            "\\x16\\x03",
            "GET /\\\" HTTP/1.1",
            "GET /{id} HTTP/1.1",
            "GET / SMTP/1",
            " / HTTP/1.1",
            "CONNECT shop.example:443 HTTP/1.1",
            "GET http://shop.example HTTP/1.1",
            "GET /é HTTP/1.1",
        ];
        for request in broken {
            assert_eq!(read(request), None, "{request}");
        }
    }

    #[test]
    fn a_line_that_ends_anywhere_is_broken_and_no_panic() {
        let whole = format!("::1 - - [{TIME}] \"GET /é\\\"/a HTTP/1.1\" 200 5 \"-\" \"-\"");
        for end in (0..whole.len()).filter(|end| whole.is_char_boundary(*end)) {
            Line::read(&whole[..end]);
        }
        assert!(Line::read(&format!("::1 - - [{TIME}] \"GET / HTTP/1.1\" 2000 5")).is_none());
        assert!(
            Line::read("::1 - - [10/10/2026:13:55:36 +0000] \"GET / HTTP/1.1\" 200 5").is_none()
        );
    }
}
