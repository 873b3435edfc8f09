//! `Forwarded`, against a reader of RFC 7239 that goes from the left.

#![no_main]

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};

use brownout::http::key::{ClientIp, Proxies};
use brownout_fuzz::{PROXY, request, what_proxies_wrote_counts};
use http::header::FORWARDED;
use libfuzzer_sys::fuzz_target;

fuzz_target!(|data: &[u8]| {
    let written = [
        "for=192.0.2.1, for=10.0.0.2",
        r#"For="192.0.2.1:443";by="_a,b";host="\", for=192.0.2.9", for="10.0.0.2""#,
        r#"proto=https;for="[::ffff:192.0.2.1]:_x", for=10.0.0.2"#,
    ];
    what_proxies_wrote_counts(&FORWARDED, data, &written, Proxies::forwarded);
    let is_plain = |byte: &u8| matches!(byte, b'\t' | b' '..=b'~' | 0x80..);
    if data.len() > 512 || !data.iter().all(is_plain) {
        return;
    }
    let Some(elements) = Reader(data).elements() else { return };
    let request = request(PROXY, &FORWARDED, [data]);
    let known: Vec<_> = elements.into_iter().rev().map_while(|node| address(&node?)).collect();
    for hops in 1..=8_usize {
        let client = ClientIp::behind_hops(hops).expect("it is in range").forwarded();
        let expected = known.get(hops.min(known.len()).wrapping_sub(1)).copied();
        assert_eq!(client.address(&request), Some(expected.unwrap_or(PROXY)), "{hops}");
    }
});

/// Reads what is left, strictly by the grammar.
struct Reader<'d>(&'d [u8]);

impl Reader<'_> {
    /// The node in `for` of each element, if the line is of the grammar. An element without
    /// one, or with two, has none.
    fn elements(mut self) -> Option<Vec<Option<Vec<u8>>>> {
        let mut elements = vec![self.element()?];
        while self.take(b',') {
            elements.push(self.element()?);
        }
        self.0.is_empty().then_some(elements)
    }

    fn element(&mut self) -> Option<Option<Vec<u8>>> {
        let mut nodes = Vec::new();
        self.space();
        loop {
            let name = self.token();
            if !name.is_empty() {
                self.take(b'=').then_some(())?;
                let value = self.value()?;
                if name.eq_ignore_ascii_case(b"for") {
                    nodes.push(value);
                }
            }
            if !self.take(b';') {
                break;
            }
        }
        self.space();
        let alone = nodes.len() == 1;
        Some(nodes.pop().filter(|_| alone))
    }

    fn value(&mut self) -> Option<Vec<u8>> {
        if !self.take(b'"') {
            return Some(self.token()).filter(|token| !token.is_empty());
        }
        let mut value = Vec::new();
        loop {
            let (byte, rest) = self.0.split_first()?;
            self.0 = rest;
            match byte {
                b'"' => return Some(value),
                // It is kept, since an address with one is none to the crate.
                b'\\' => {
                    let (escaped, rest) = self.0.split_first()?;
                    self.0 = rest;
                    value.extend([b'\\', *escaped]);
                }
                byte => value.push(*byte),
            }
        }
    }

    fn token(&mut self) -> Vec<u8> {
        let of_token =
            |byte: &u8| byte.is_ascii_alphanumeric() || b"!#$%&'*+-.^_`|~".contains(byte);
        let end = self.0.iter().position(|byte| !of_token(byte)).unwrap_or(self.0.len());
        let (token, rest) = self.0.split_at(end);
        self.0 = rest;
        token.to_vec()
    }

    fn space(&mut self) {
        while self.take(b' ') || self.take(b'\t') {}
    }

    fn take(&mut self, wanted: u8) -> bool {
        let Some(rest) = self.0.strip_prefix(&[wanted]) else { return false };
        self.0 = rest;
        true
    }
}

fn address(node: &[u8]) -> Option<IpAddr> {
    let node = std::str::from_utf8(node).ok()?;
    let (name, port) = match node.rfind(']') {
        Some(end) => (&node[..=end], &node[end + 1..]),
        None if node.matches(':').count() == 1 => node.split_at(node.find(':')?),
        None => (node, ""),
    };
    let is_port = match port.as_bytes() {
        [] => true,
        [b':', b'_', hidden @ ..] => {
            !hidden.is_empty()
                && hidden.iter().all(|byte| byte.is_ascii_alphanumeric() || b"._-".contains(byte))
        }
        [b':', number @ ..] => {
            (1..=5).contains(&number.len()) && number.iter().all(u8::is_ascii_digit)
        }
        _ => false,
    };
    let address = match name.strip_prefix('[') {
        Some(name) => name.strip_suffix(']')?.parse::<Ipv6Addr>().ok()?.into(),
        None if port.is_empty() => name.parse::<IpAddr>().ok()?,
        None => name.parse::<Ipv4Addr>().ok()?.into(),
    };
    is_port.then(|| address.to_canonical())
}
