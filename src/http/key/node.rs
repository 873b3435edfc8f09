//! The address in what a proxy calls a node.

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};

/// The address that a proxy told, without its port: `192.0.2.1`, `192.0.2.1:80`,
/// `2001:db8::1`, `[2001:db8::1]` or `[2001:db8::1]:80` (RFC 7239, section 6). `None` for what
/// is no address: `unknown`, `_hidden`, a name.
pub(super) fn address(node: &[u8]) -> Option<IpAddr> {
    let node = std::str::from_utf8(node).ok()?;
    let address = match node.strip_prefix('[') {
        Some(rest) => {
            let (name, port) = rest.split_once(']')?;
            (port.is_empty() || port.strip_prefix(':').is_some_and(is_port))
                .then(|| name.parse::<Ipv6Addr>().ok())??
                .into()
        }
        None => node.parse().ok().or_else(|| with_port(node).map(IpAddr::V4))?,
    };
    Some(address.to_canonical())
}

/// Azure's gateways, for one, tell a port without being asked.
fn with_port(node: &str) -> Option<Ipv4Addr> {
    let (name, port) = node.split_once(':')?;
    is_port(port).then(|| name.parse().ok())?
}

/// A number of up to five digits, or an obfuscated one.
fn is_port(port: &str) -> bool {
    match port.strip_prefix('_') {
        Some(hidden) => {
            let allowed = |byte: u8| byte.is_ascii_alphanumeric() || b"._-".contains(&byte);
            !hidden.is_empty() && hidden.bytes().all(allowed)
        }
        None => (1..=5).contains(&port.len()) && port.bytes().all(|byte| byte.is_ascii_digit()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_address_is_read_with_or_without_a_port() {
        for (node, expected) in [
            ("192.0.2.43", "192.0.2.43"),
            ("192.0.2.43:47011", "192.0.2.43"),
            ("192.0.2.43:_gazonk", "192.0.2.43"),
            ("2001:db8:cafe::17", "2001:db8:cafe::17"),
            ("2001:DB8:CAFE::17", "2001:db8:cafe::17"),
            ("[2001:db8:cafe::17]", "2001:db8:cafe::17"),
            ("[2001:db8:cafe::17]:4711", "2001:db8:cafe::17"),
            ("[2001:db8:cafe::17]:_a.b-c", "2001:db8:cafe::17"),
            ("::ffff:192.0.2.43", "192.0.2.43"),
            ("[::ffff:c000:22b]:1", "192.0.2.43"),
        ] {
            assert_eq!(address(node.as_bytes()), expected.parse().ok(), "{node}");
        }
    }

    #[test]
    fn what_is_no_address_is_none() {
        for node in [
            "",
            "unknown",
            "unknown:80",
            "_hidden",
            "_SEVKISEK",
            "localhost",
            "192.0.2",
            "192.0.2.043",
            "192.0.2.43:",
            "192.0.2.43:123456",
            "192.0.2.43:_",
            "192.0.2.43:80:80",
            "[192.0.2.43]",
            "[2001:db8::1",
            "[2001:db8::1]80",
            "[2001:db8::1]:",
            "[2001:db8::1%eth0]",
            "2001:db8::1]",
            "1:2:3:4:5:6:7:8:80",
            " 192.0.2.43",
            "\"192.0.2.43\"",
        ] {
            assert_eq!(address(node.as_bytes()), None, "{node}");
        }
        assert_eq!(address(b"192.0.2.43\xff"), None);
    }
}
