//! A mix taken from an access log: what is really asked for, and how often.

mod fold;
mod gather;
mod line;
mod mix;

use std::fs::File;
use std::io::{BufRead, BufReader, Read};
use std::path::Path;

use self::gather::Gather;
use crate::terminal::failure::{Failure, Result};

/// A plan with the mix of the log, as TOML.
pub(crate) fn import(path: &Path) -> Result<String> {
    let failed = |what: String| Failure::new(format!("--log {}: {what}", path.display()));
    let file = File::open(path).map_err(|error| failed(error.to_string()))?;
    let gathered = read(BufReader::new(file)).map_err(|error| failed(error.to_string()))?;
    if gathered.is_empty() {
        let what = format!("no request in it that can be rehearsed ({})", gathered.left_out());
        return Err(failed(what));
    }
    Ok(mix::write(&gathered))
}

/// A longer line is none of an access log.
const LONGEST: u64 = 64 * 1024;

fn read(mut log: impl BufRead) -> std::io::Result<Gather> {
    let (mut gathered, mut text) = (Gather::default(), Vec::new());
    loop {
        text.clear();
        if log.by_ref().take(LONGEST).read_until(b'\n', &mut text)? == 0 {
            return Ok(gathered);
        }
        if text.len() as u64 == LONGEST && !text.ends_with(b"\n") {
            gathered.add_endless();
            skip_line(&mut log)?;
            continue;
        }
        let text = String::from_utf8_lossy(&text);
        let text = text.trim_end_matches(['\n', '\r']);
        if !text.is_empty() {
            gathered.add(text);
        }
    }
}

fn skip_line(log: &mut impl BufRead) -> std::io::Result<()> {
    loop {
        let buffer = log.fill_buf()?;
        let end = buffer.iter().position(|byte| *byte == b'\n');
        let (skipped, is_over) = (end.map_or(buffer.len(), |at| at + 1), end.is_some());
        let is_over = is_over || buffer.is_empty();
        log.consume(skipped);
        if is_over {
            return Ok(());
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::plan::Plan;
    use crate::plan::template::{Range, Values};

    /// Made up; with what logs have in them that nobody expects.
    const LOG: &str = r#"127.0.0.1 - - [10/Oct/2026:13:55:36 +0000] "GET /products/17 HTTP/1.1" 200 2326
192.0.2.7 - frank [10/Oct/2026:13:55:36 +0000] "GET /products/903?ref=mail HTTP/1.1" 200 2326 "https://shop.example/?q=\"tea\"" "Mozilla/5.0 (\"quoted\") [x]"
2001:db8::17 - - [10/Oct/2026:13:55:36 +0000] "POST /checkout HTTP/2.0" 201 12 "-" "-"
::1 - Frank Miller [10/Oct/2026:13:55:37 +0000] "GET /orders/0190b2a4-7c1e-7d33-8f4e-2f1f0c9a1b2c HTTP/1.1" 200 - "-" "curl/8"
127.0.0.1 - - [10/Oct/2026:13:55:37 +0000] "GET /products/5 HTTP/1.1" 304 -
127.0.0.1 - - [10/Oct/2026:13:56:01 +0000] "GET /products/5 HTTP/1.1" 503 91
198.51.100.4 - - [10/Oct/2026:13:56:02 +0000] "GET /wp-login.php HTTP/1.1" 404 0
198.51.100.4 - - [10/Oct/2026:13:56:02 +0000] "-" 408 -
198.51.100.4 - - [10/Oct/2026:13:56:02 +0000] "\x16\x03\x01\x02" 400 226
127.0.0.1 - - [10/Oct/2026:13:56:03 +0000] "OPTIONS * HTTP/1.1" 200 -
127.0.0.1 - - [10/Oct/2026:13:56:04 +0000] "GET http://shop.example/health HTTP/1.1" 200 2

127.0.0.1 - - [10/Oct/2026:13:56:04 +0000] "GET /products/5 HTT
not a line of a log
127.0.0.1 - - "GET /products/5 HTTP/1.1" 200 12
127.0.0.1 - - [yesterday] "GET /products/5 HTTP/1.1" 200 12
127.0.0.1 - - [10/Oct/2026:13:56:05 +0000] "GET /a b/c HTTP/1.1" 200 12
127.0.0.1 - - [10/Oct/2026:13:56:05 +0000] "GET /products/5 HTTP/1.1" abc 12
"#;

    fn import_text(log: &[u8]) -> (Gather, String) {
        let gathered = read(log).unwrap();
        let text = mix::write(&gathered);
        (gathered, text)
    }

    #[test]
    fn a_log_becomes_a_valid_plan_with_its_routes_folded() {
        let (_, text) = import_text(LOG.as_bytes());
        let plan = Plan::parse(&text).unwrap_or_else(|what| panic!("{what}\n{text}"));
        let of: Vec<_> = plan.requests.iter().map(|own| (own.name.as_str(), own.weight)).collect();
        let expected = [
            ("GET /products/{id}", 4.0),
            ("GET /health", 1.0),
            ("GET /orders/{id}", 1.0),
            ("POST /checkout", 1.0),
        ];
        assert_eq!(of, expected, "{text}");
        assert_eq!(plan.requests[0].with["id"], Values::Range(Range { from: 5, to: 903 }));
        let Values::OneOf(orders) = &plan.requests[2].with["id"] else { panic!("{text}") };
        assert_eq!(orders, &["0190b2a4-7c1e-7d33-8f4e-2f1f0c9a1b2c"]);
        assert_eq!(plan.requests[3].method, "POST");
    }

    #[test]
    fn what_is_left_out_is_counted_and_told() {
        let (gathered, text) = import_text(LOG.as_bytes());
        let left_out = gathered.left_out();
        assert!(left_out.contains("of 17 lines: 9 broken"), "{left_out}");
        assert!(left_out.contains("1 answered 4xx"), "{left_out}");
        assert!(text.contains(&left_out), "{text}");
        assert!(text.contains("1 with a query"), "{text}");
    }

    #[test]
    fn the_busiest_second_and_minute_are_told() {
        let (gathered, text) = import_text(LOG.as_bytes());
        assert_eq!(gathered.peaks(), (3, 5));
        assert!(text.contains("3 requests"), "{text}");
    }

    #[test]
    fn bytes_that_are_no_text_and_endless_lines_are_broken_lines() {
        let mut log = vec![b'x'; 3 * LONGEST as usize];
        log.extend(b"\n\xff\xfe \x00\n");
        log.extend(LOG.as_bytes());
        let (gathered, _) = import_text(&log);
        assert!(gathered.left_out().contains("11 broken"), "{}", gathered.left_out());
        // Also where it is the last one.
        assert!(read(vec![b'x'; 3 * LONGEST as usize].as_slice()).unwrap().is_empty());
    }

    #[test]
    fn of_many_routes_the_most_wanted_are_kept_and_the_rest_is_told() {
        let line = |path: String| {
            format!("::1 - - [10/Oct/2026:13:55:36 +0000] \"GET {path} HTTP/1.1\" 200 1\n")
        };
        let letters = |n: u32| {
            ["abcdefghij", "klmnopqrst"].map(|of| of.chars().nth((n % 10) as usize).unwrap())
        };
        let pages = (0..400).map(|n| {
            let [a, b] = letters(n);
            let [c, d] = letters(n / 10);
            let [e, _] = letters(n / 100);
            line(format!("/{a}{b}{c}{d}{e}"))
        });
        let log: String =
            pages.chain([line("/wanted".to_owned()), line("/wanted".to_owned())]).collect();
        let (_, text) = import_text(log.as_bytes());
        let plan = Plan::parse(&text).unwrap();
        assert_eq!(plan.requests.len(), 50);
        assert_eq!((plan.requests[0].name.as_str(), plan.requests[0].weight), ("GET /wanted", 2.0));
        assert!(text.contains("351 routes with 351 requests"), "{text}");
    }
}
