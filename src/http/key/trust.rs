//! Who may tell for whom a request is.

use std::net::IpAddr;

use super::network::Networks;

/// The proxies that are believed.
#[derive(Clone, Debug)]
pub(super) enum Trust {
    /// Those in these networks.
    Networks(Networks),
    /// So many, wherever they are.
    Hops(usize),
}

impl Trust {
    /// How far a header is read.
    pub(super) const MOST_HOPS: usize = 32;

    /// The client: from the peer on, each hop that is believed tells the one before it.
    /// `told` is what they wrote, the nearest first, with `None` for what is no address. It
    /// ends with the first that is not believed, or the last that is known.
    pub(super) fn client(
        &self,
        peer: Option<IpAddr>,
        mut told: impl Iterator<Item = Option<IpAddr>>,
    ) -> Option<IpAddr> {
        let mut known = peer;
        for hop in 0..Self::MOST_HOPS {
            if !self.believes(hop, known) {
                break;
            }
            let Some(address) = told.next().flatten() else { break };
            known = Some(address);
        }
        known
    }

    fn believes(&self, hop: usize, address: Option<IpAddr>) -> bool {
        match self {
            Self::Networks(networks) => networks.contain(address),
            Self::Hops(hops) => hop < *hops,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn ip(text: &str) -> IpAddr {
        text.parse().expect("it is an address")
    }

    /// What the hops told, from the left as in a header; `?` is no address.
    fn client(trust: &Trust, peer: Option<&str>, header: &[&str]) -> Option<IpAddr> {
        trust.client(peer.map(ip), header.iter().rev().map(|entry| entry.parse().ok()))
    }

    fn within(network: &str) -> Trust {
        Trust::Networks(Networks::read("behind", [network]).expect("it is a network"))
    }

    #[test]
    fn networks_are_walked_to_the_first_that_is_not_of_them() {
        let ours = within("10.0.0.0/8");
        for (peer, header, expected) in [
            ("192.0.2.1", &["198.51.100.1"][..], "192.0.2.1"),
            ("10.0.0.1", &["198.51.100.1"], "198.51.100.1"),
            ("10.0.0.1", &["198.51.100.1", "192.0.2.1"], "192.0.2.1"),
            ("10.0.0.1", &["198.51.100.1", "192.0.2.1", "10.0.0.2"], "192.0.2.1"),
            ("10.0.0.1", &["10.0.0.9", "192.0.2.1", "10.0.0.2"], "192.0.2.1"),
            // All of it is ours: a client inside.
            ("10.0.0.1", &["10.0.0.3", "10.0.0.2"], "10.0.0.3"),
            ("10.0.0.1", &[], "10.0.0.1"),
            // A hop of ours does not know, so all of its clients are one.
            ("10.0.0.1", &["192.0.2.1", "?"], "10.0.0.1"),
            ("10.0.0.1", &["192.0.2.1", "?", "10.0.0.2"], "10.0.0.2"),
        ] {
            assert_eq!(client(&ours, Some(peer), header), Some(ip(expected)), "{peer} {header:?}");
        }
        assert_eq!(client(&ours, None, &["192.0.2.1"]), None, "nobody is not one of ours");
    }

    #[test]
    fn hops_are_counted_whoever_they_are() {
        for (hops, header, expected) in [
            (1, &["198.51.100.1", "192.0.2.1"][..], "192.0.2.1"),
            (2, &["198.51.100.1", "192.0.2.1"], "198.51.100.1"),
            (3, &["198.51.100.1", "192.0.2.1"], "198.51.100.1"),
            (2, &["198.51.100.1", "?"], "203.0.113.1"),
            (2, &["?", "192.0.2.1"], "192.0.2.1"),
            (1, &[], "203.0.113.1"),
        ] {
            let found = client(&Trust::Hops(hops), Some("203.0.113.1"), header);
            assert_eq!(found, Some(ip(expected)), "{hops} {header:?}");
        }
        assert_eq!(client(&Trust::Hops(1), None, &["192.0.2.1"]), Some(ip("192.0.2.1")));
    }

    #[test]
    fn no_more_than_so_many_hops_are_read() {
        let read = std::cell::Cell::new(0);
        let told = (1..=u32::MAX).map(|number| {
            read.set(number);
            Some(IpAddr::V4((0x0a00_0000 + number).into()))
        });
        assert_eq!(within("10.0.0.0/8").client(Some(ip("10.0.0.0")), told), Some(ip("10.0.0.32")));
        assert_eq!(read.get(), 32);
    }
}
